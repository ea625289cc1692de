import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { SteadyStateCheck, Tolerance } from '../../domain/experiment.ts';
import type { Reading } from '../../domain/probe.ts';
import { baselineOf, checkSteadyState, describeTolerance, worstOf } from '../../domain/steady-state.ts';

const ms = (value: number) => ({ value, dimension: 'duration', text: `${value}ms` }) as const;
const check = (tolerance: Tolerance): SteadyStateCheck => ({ probe: 'latency', group: 'system', tolerance });
const read = (value: number): Record<string, Reading> => ({ latency: { ok: true, value } });

describe('tolerances', () => {
  const table: { tolerance: Tolerance; baseline?: number; holds: number[]; breaks: number[]; says: string }[] = [
    { tolerance: { kind: 'range', max: ms(500) }, holds: [500, -1], breaks: [500.1], says: 'at most 500ms' },
    { tolerance: { kind: 'range', min: ms(5) }, holds: [5, 9e9], breaks: [4.9], says: 'at least 5ms' },
    {
      tolerance: { kind: 'range', min: ms(5), max: ms(9) },
      holds: [5, 9],
      breaks: [4, 10],
      says: 'between 5ms and 9ms',
    },
    {
      tolerance: { kind: 'baseline', share: 0.1 },
      baseline: 120,
      holds: [108, 132],
      breaks: [107, 133],
      says: 'within 10% of the baseline 120ms',
    },
    {
      tolerance: { kind: 'baseline', share: 0.1 },
      baseline: -100,
      holds: [-110, -90],
      breaks: [-111, 0],
      says: 'within 10% of the baseline 0ms',
    },
  ];
  for (const { tolerance, baseline, holds, breaks, says } of table) {
    test(`${says}${baseline === undefined ? '' : ` (${baseline})`}`, () => {
      const held = (value: number): boolean | undefined =>
        checkSteadyState([check(tolerance)], read(value), baseline === undefined ? {} : { latency: baseline })[0]?.held;
      for (const value of holds) assert.equal(held(value), true, `${value} holds`);
      for (const value of breaks) assert.equal(held(value), false, `${value} breaks`);
      if (baseline === undefined || baseline > 0)
        assert.equal(describeTolerance(tolerance, baseline, 'duration'), says);
    });
  }

  test('no data never holds, whatever is accepted', () => {
    const none: Record<string, Reading>[] = [{}, { latency: { ok: false, why: 'gone' } }, read(NaN), read(Infinity)];
    for (const readings of none) {
      const checked = checkSteadyState([check({ kind: 'range' }), check({ kind: 'range', min: ms(0) })], readings, {
        latency: 1,
      });
      assert.deepEqual(
        checked.map(({ held, value }) => ({ held, value })),
        [
          { held: false, value: null },
          { held: false, value: null },
        ],
      );
    }
  });

  test('nearness to a baseline that was not taken never holds, and says so', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), fc.double({ min: 0, max: 10, noNaN: true }), (value, share) => {
        assert.equal(checkSteadyState([check({ kind: 'baseline', share })], read(value), {})[0]?.held, false);
      }),
    );
    assert.match(describeTolerance({ kind: 'baseline', share: 0.1 }), /none was taken/);
  });

  test('a probe may be named like something every object has', () => {
    const named = { ...check({ kind: 'baseline', share: 0.1 }), probe: 'constructor' };
    assert.deepEqual(
      checkSteadyState([named], {}, {}).map(({ held, value }) => [held, value]),
      [[false, null]],
    );
  });
});

describe('the baseline', () => {
  const readings = (...values: (number | null)[]): Reading[] =>
    values.map((value) => (value === null ? { ok: false, why: 'gone' } : { ok: true, value }));

  test('is the median, so that one strange sample does not move it', () => {
    assert.equal(baselineOf(readings(10, 11, 9, 5000, 10)), 10);
    assert.equal(baselineOf(readings(1, 2, 3, 4)), 2.5);
    assert.equal(baselineOf(readings(10, null, 12, null, 11)), 11);
  });

  test('is not taken from a probe that answered half of the time or less', () => {
    assert.equal(baselineOf(readings(10, null, 12, null)), undefined);
    assert.equal(baselineOf([]), undefined);
  });
});

test('the worst of several readings is the one furthest out, or nearest to the end', () => {
  assert.equal(worstOf({ kind: 'range', max: ms(500) }, [20, 716, 576], undefined), 716);
  assert.equal(worstOf({ kind: 'range', min: ms(5) }, [20, 4, 30], undefined), 4);
  assert.equal(worstOf({ kind: 'range', min: ms(5), max: ms(9) }, [7, 8, 5.5], undefined), 5.5);
  assert.equal(worstOf({ kind: 'baseline', share: 0.1 }, [110, 85, 120], 100), 120);
  assert.equal(worstOf({ kind: 'range', max: ms(500) }, [], undefined), undefined);
});
