/** What a tick takes from its pool: by chance, and the same again by the same seed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { pausing } from '../../bench/torture/experiment.ts';
import { pick } from '../../domain/program.ts';
import type { Pooled } from '../../domain/program.ts';

const pooled = (name: string, draw: Pooled['draw'] = {}): Pooled => {
  const experiment = pausing({ fault: 'noop/noop', group: 'any', seed: 'any', ttlMs: 5_000 });
  return { experiment: { ...experiment, name, with: { a: 1, kept: 2 } }, documentHash: `hash of ${name}`, draw };
};
const POOL = [pooled('one'), pooled('two', { a: [10, 13], b: [0.25, 0.5] }), pooled('three')];

test('each of a pool comes as often as the others', () => {
  const times = new Map<string, number>();
  for (let i = 0; i < 3_000; i++) {
    const { experiment } = pick({ pool: POOL }, `seed ${i}`) ?? assert.fail();
    times.set(experiment.name, (times.get(experiment.name) ?? 0) + 1);
  }
  // Binomial of 3,000 at 1/3: a standard deviation is 26, and five of them are 130. The seeds are the same each time.
  for (const { experiment } of POOL)
    assert.ok(Math.abs((times.get(experiment.name) ?? 0) - 1_000) < 130, experiment.name);
});

test('the same seed chooses the same, and draws the same', () => {
  fc.assert(
    fc.property(fc.string(), (seed) => {
      assert.deepEqual(pick({ pool: POOL }, seed), pick({ pool: POOL }, seed));
    }),
  );
});

test('what is drawn is within its bounds, whole where they are, and every whole number comes', () => {
  const pool = [pooled('two', { a: [10, 13], b: [0.25, 0.5] })];
  const seen = new Set<number>();
  for (let i = 0; i < 200; i++) {
    const { experiment, drawn } = pick({ pool }, `seed ${i}`) ?? assert.fail();
    const { a = 0, b = 0 } = drawn;
    assert.ok(b >= 0.25 && b <= 0.5);
    seen.add(a);
    assert.deepEqual(experiment.with, { a, b, kept: 2 });
  }
  assert.deepEqual([...seen].toSorted(), [10, 11, 12, 13]);
});

test('nothing is taken from an empty pool', () => {
  assert.equal(pick({ pool: [] }, 'any'), undefined);
});
