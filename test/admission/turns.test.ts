/** Turns: no more at once than may be, in order, and one that fails leaves its place. */
import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { test } from 'node:test';
import { Turns } from '../../activities/admission/turns.ts';

test('as many as may be have their turn at once, first come first served, however one ends', async () => {
  const turns = new Turns(2);
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const asked = Array.from({ length: 6 }, (_, i) =>
    turns.take(async () => {
      begun.push(i);
      await new Promise<void>((resolve) => (ends[i] = resolve));
      if (i % 2 === 0) throw new Error(`${i} fails`);
      return i;
    }),
  );
  const settled = Promise.allSettled(asked);
  for (let i = 0; i < 6; i++) {
    await setImmediate();
    assert.deepEqual(begun, [0, 1, 2, 3, 4, 5].slice(0, i + 2));
    ends[i]?.();
  }
  assert.deepEqual(
    (await settled).map(({ status }) => status),
    ['rejected', 'fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled'],
  );
  assert.equal(await turns.take(async () => 'again'), 'again');
});
