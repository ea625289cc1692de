/** Whom a sieve leaves out where there would be too many. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Chosen } from '../../activities/targets/provider.ts';
import { Sieve } from '../../activities/targets/sieve.ts';
import type { Limit } from '../../activities/targets/sieve.ts';
import { targetKey } from '../../domain/target-key.ts';

const IDS = ['a', 'b', 'c', 'd', 'e'];
const last: Limit = { key: 'owner', allows: 3, reason: 'the last' };
const budget: Limit = { key: 'budget', allows: 2, reason: 'beyond its budget', budget: true };

function kept(limits: readonly Limit[], chosen?: Chosen): readonly string[] {
  const sieve = new Sieve(chosen);
  for (const id of IDS) sieve.keep({ id, name: id, facts: { labels: {} }, limits });
  return sieve.candidates().targets;
}
const these = (ids: readonly string[], asksBudgets = false): Chosen => ({
  keys: new Set(ids.map(targetKey)),
  asksBudgets,
});

test('the same are left out each time, and last who was chosen before', () => {
  const some = kept([last]);
  assert.equal(some.length, 3);
  assert.deepEqual(kept([last]), some);
  const others = IDS.filter((id) => !some.includes(id));
  assert.deepEqual(
    others.filter((id) => kept([last], these(others)).includes(id)),
    others,
  );
  assert.equal(kept([last], these(IDS)).length, 3, 'but who is too many is left out');
});

test('a budget leaves nobody out who was chosen by a fault that asks it, and others as ever', () => {
  const [one = '', other = '', ...rest] = IDS;
  assert.equal(kept([budget], these(IDS)).length, 2);
  assert.deepEqual(kept([budget], these(IDS, true)), IDS);
  assert.equal(kept([last, budget], these(IDS, true)).length, 3, 'who is the last of its owner stays');
  const found = kept([budget], these([one, other], true));
  assert.deepEqual([found, rest.some((id) => found.includes(id))], [[one, other], false]);
});
