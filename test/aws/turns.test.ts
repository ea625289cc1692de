/** Of many resources of an account only so many are begun to be changed a second. */
import assert from 'node:assert/strict';
import { setImmediate as soon } from 'node:timers/promises';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { Turns } from '../../activities/aws/turns.ts';

const STAYS = new AbortController().signal;

/** How many of `count` turns have come after each of `seconds` seconds. */
async function come(t: TestContext, what: 'put on' | 'take off', count: number, seconds: number): Promise<number[]> {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'] });
  const turns = new Turns();
  let came = 0;
  for (let i = 0; i < count; i += 1) void turns.next(what, STAYS).then(() => (came += 1));
  const seen = [];
  for (let second = 0; second <= seconds; second += 1) {
    await soon();
    seen.push(came);
    // Past the second: the queue's own timers round.
    t.mock.timers.tick(1_001);
  }
  return seen;
}

test('what is put on is begun at ten a second', async (t) => {
  assert.deepEqual(await come(t, 'put on', 25, 3), [10, 20, 25, 25]);
});

test('what is taken off is begun at once, up to a hundred in ten seconds', async (t) => {
  assert.deepEqual(await come(t, 'take off', 130, 10), [...Array<number>(10).fill(100), 130]);
});

test('who is put on takes nobody’s turn who is taken off', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'] });
  const turns = new Turns();
  for (let i = 0; i < 1_000; i += 1) void turns.next('put on', STAYS);
  let came = 0;
  for (let i = 0; i < 100; i += 1) void turns.next('take off', STAYS).then(() => (came += 1));
  await soon();
  assert.equal(came, 100);
});

test('whose attempt is over gives its turn up', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'] });
  const turns = new Turns();
  const attempt = new AbortController();
  for (let i = 0; i < 10; i += 1) void turns.next('put on', STAYS);
  const given = Array.from({ length: 1_000 }, () => turns.next('put on', attempt.signal));
  let came = false;
  void turns.next('put on', STAYS).then(() => (came = true));
  attempt.abort();
  for (const turn of given) await assert.rejects(turn, { name: 'AbortError' });
  t.mock.timers.tick(1_001);
  await soon();
  assert.ok(came, 'it waits for the turns of those that are over');
});
