import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Series } from '../../domain/probe.ts';
import { append, boundSeries, downsample, mergeSeries, MAX_SERIES_BYTES, MIN_POINTS } from '../../domain/samples.ts';
import type { Point } from '../../domain/samples.ts';

const START_MS = 1_763_924_544_000;

/** Points a second or so apart, some without data. */
const points = fc
  .array(
    fc.tuple(
      fc.integer({ min: 1, max: 5000 }),
      fc.option(fc.double({ noNaN: true, min: -1e12, max: 1e12 }), { nil: null }),
    ),
    { maxLength: 400 },
  )
  .map((steps): Point[] => {
    let atMs = START_MS;
    return steps.map(([stepMs, value]) => [(atMs += stepMs), value === 0 ? 0 : value]);
  });

const values = (series: readonly Point[]): number[] => series.flatMap(([, value]) => (value === null ? [] : [value]));

test('downsampling keeps the bound, the extremes, the ends, a gap and the order, and invents nothing', () => {
  fc.assert(
    fc.property(points, fc.integer({ min: 1, max: 100 }), (all, max) => {
      const few = downsample(all, max);
      assert.ok(few.length <= Math.max(MIN_POINTS, max));
      assert.ok(few.every((point) => all.includes(point)));
      assert.deepEqual(
        few,
        [...few].sort(([a], [b]) => a - b),
      );
      assert.deepEqual([few[0], few.at(-1)], [all[0], all.at(-1)]);
      assert.equal(Math.max(...values(few)), Math.max(...values(all)));
      assert.equal(Math.min(...values(few)), Math.min(...values(all)));
      assert.equal(
        few.some(([, value]) => value === null),
        all.some(([, value]) => value === null),
      );
    }),
  );
});

test('a spike of one sample in a day of samples survives any number of reductions', () => {
  let series: Series | undefined;
  for (let second = 0; second < 20_000; second += 1) {
    const reading =
      second === 12_345 ? { ok: true as const, value: 0.99 } : { ok: true as const, value: 0.01 + (second % 7) / 1e4 };
    series = append(series, 'ratio', { atMs: START_MS + second * 1000, reading }, 60);
    assert.ok(series.points.length < 120);
  }
  assert.deepEqual(
    series?.points.find(([, value]) => value === 0.99),
    [START_MS + 12_345_000, 0.99],
  );
});

test('all series together keep to the bound in bytes, and each keeps its extremes', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), points, (probes, all) => {
      const series = Object.fromEntries(
        Array.from({ length: probes }, (_, index) => [`probe-${index}`, { dimension: 'ratio' as const, points: all }]),
      );
      const bounded = boundSeries(series);
      assert.ok(JSON.stringify(bounded).length <= MAX_SERIES_BYTES);
      for (const { points: few } of Object.values(bounded))
        assert.equal(Math.max(...values(few)), Math.max(...values(all)));
    }),
    { numRuns: 50 },
  );
});

test('appending records no data as null, and a value with six digits', () => {
  const first = append(undefined, 'duration', { atMs: START_MS + 0.4, reading: { ok: true, value: 1 / 3 } });
  const second = append(first, 'duration', { atMs: START_MS + 1000, reading: { ok: false, why: 'gone' } });
  assert.deepEqual(second, {
    dimension: 'duration',
    points: [
      [START_MS, 0.333333],
      [START_MS + 1000, null],
    ],
  });
});

test('merging puts both parts in order and counts a point that is in both once', () => {
  const series = (...all: Point[]): Record<string, Series> => ({ errors: { dimension: 'ratio', points: all } });
  const merged = mergeSeries(series([1, 0.1], [3, 0.3]), {
    ...series([2, null], [3, 0.3]),
    orders: { dimension: 'rate', points: [[1, 5]] },
  });
  assert.deepEqual(merged['errors']?.points, [
    [1, 0.1],
    [2, null],
    [3, 0.3],
  ]);
  assert.deepEqual(merged['orders']?.points, [[1, 5]]);
});
