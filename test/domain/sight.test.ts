import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lastOf, sightOf, watchedShare } from '../../domain/sight.ts';

const series = (...times: number[]) => ({
  a: { dimension: 'count', points: times.map((atMs): [number, number] => [atMs, 1]) } as const,
});

test('what a watch saw is laid at the time it was last heard of, whatever its own clock says', () => {
  assert.deepEqual(sightOf(series(9_000_000, 9_004_000), 50_000), { fromMs: 46_000, toMs: 50_000 });
  assert.deepEqual(sightOf({}, 50_000), { fromMs: 50_000, toMs: 50_000 });
});

test('a share of a stage is watched, and what is seen twice counts once', () => {
  const stage = { fromMs: 10_000, toMs: 20_000 };
  const sights = (...times: [number, number][]) => times.map(([fromMs, toMs]) => ({ fromMs, toMs }));
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
