/** Whom a sieve leaves out where there would be too many. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Chosen } from '../../activities/targets/provider.ts';
import { Sieve } from '../../activities/targets/sieve.ts';
import type { Limit } from '../../activities/targets/sieve.ts';

const IDS = ['a', 'b', 'c', 'd', 'e'];
const last: Limit = { key: 'owner', allows: 3, reason: 'the last' };
const budget: Limit = { key: 'budget', allows: 2, reason: 'beyond its budget', budget: true };

function kept(limits: readonly Limit[], chosen?: Chosen): readonly string[] {
  const sieve = new Sieve(chosen);
  for (const id of IDS) sieve.keep({ id, name: id, facts: { labels: {} }, limits });
  return sieve.candidates().targets;
}
const these = (ids: readonly string[], asksBudgets = false): Chosen => ({
  targets: new Set(ids),
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

test('of those who were chosen it is said why they were left out', () => {
  const sieve = new Sieve(these(['a', 'b', 'z']));
  sieve.leave('not Ready', { id: 'a', name: 'shop/a' });
  sieve.leave('not Ready', { id: 'c', name: 'shop/c' });
  const none: Limit = { key: 'owner', allows: 0, reason: 'the last' };
  sieve.keep({ id: 'b', name: 'shop/b', facts: { labels: {} }, limits: [none] });
  assert.deepEqual(
    [...(sieve.candidates().whyNot ?? [])],
    [
      ['a', 'not Ready'],
      ['b', 'the last'],
    ],
  );
});
