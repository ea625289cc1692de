import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lastOf, sightsOf, watchedShare } from '../../domain/sight.ts';

const series = (...times: number[]) => ({
  a: { dimension: 'count', points: times.map((atMs): [number, number] => [atMs, 1]) } as const,
});

test('what a watch saw is laid at the time of its last sample, whatever its own clock says', () => {
  assert.deepEqual(sightsOf(series(9_000_000, 9_002_000, 9_004_000), 50_000), {
    a: [{ fromMs: 46_000, toMs: 50_000 }],
  });
  assert.deepEqual(sightsOf({}, 50_000), {});
  assert.deepEqual(sightsOf(series(9_000_000), 50_000), { a: [] }, 'one sample lasts for no time');
});

test('without an answer there is no sight, before or after it, and each probe sees for itself', () => {
  const points: [number, number | null][] = [0, 1_000, 2_000, 3_000, 4_000].map((atMs) => [
    atMs,
    atMs === 2_000 ? null : 1,
  ]);
  const seen = sightsOf({ ...series(0, 4_000), b: { dimension: 'count', points } }, 14_000);
  assert.deepEqual(seen, {
    a: [{ fromMs: 10_000, toMs: 14_000 }],
    b: [
      { fromMs: 10_000, toMs: 11_000 },
      { fromMs: 13_000, toMs: 14_000 },
    ],
  });
  assert.equal(watchedShare([seen], { fromMs: 10_000, toMs: 14_000 }), 0.5, 'the one that saw the least counts');
  const silent = sightsOf(
    {
      a: {
        dimension: 'count',
        points: [
          [0, null],
          [2_000, null],
        ],
      },
    },
    2_000,
  );
  assert.equal(watchedShare([silent], { fromMs: 0, toMs: 2_000 }), 0);
});

test('a share of a stage is watched, and what is seen twice counts once', () => {
  const stage = { fromMs: 10_000, toMs: 20_000 };
  const sights = (...times: [number, number][]) => times.map(([fromMs, toMs]) => ({ a: [{ fromMs, toMs }] }));
  assert.equal(watchedShare([], stage), 0);
  assert.equal(watchedShare(sights([0, 30_000]), stage), 1);
  assert.equal(watchedShare(sights([0, 11_000], [19_000, 40_000]), stage), 0.2);
  assert.equal(watchedShare(sights([0, 15_000], [14_000, 16_000]), stage), 0.6);
  assert.equal(watchedShare(sights([0, 9_000], [21_000, 22_000]), stage), 0);
  assert.equal(watchedShare([], { fromMs: 5, toMs: 5 }), 1, 'a stage that is not held is not watched');
});

test('the last of a series is counted from its last sample', () => {
  assert.deepEqual(lastOf(series(1_000, 5_000, 7_000), 2_000).a?.points, [
    [5_000, 1],
    [7_000, 1],
  ]);
  assert.deepEqual(lastOf({}, 2_000), {});
});
