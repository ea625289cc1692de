/** Asking together: one request at a time, in order, for all who wait, and each has its own answer. */
import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { test } from 'node:test';
import { together } from '../../activities/admission/together.ts';

interface Sent {
  readonly items: readonly number[];
  readonly answer: (answers: readonly string[]) => void;
  readonly fail: (error: Error) => void;
}

function asking(most: number): { readonly ask: (item: number) => Promise<string>; readonly sent: Sent[] } {
  const sent: Sent[] = [];
  const request = (items: readonly number[]): Promise<readonly string[]> =>
    new Promise((answer, fail) => sent.push({ items, answer, fail }));
  return { ask: together(request, (item) => item, most), sent };
}

const itemsOf = (sent: readonly Sent[]): (readonly number[])[] => sent.map(({ items }) => items);

test('who asks meanwhile goes with the next request, and everybody gets their own answer', async () => {
  const { ask, sent } = asking(100);
  const answers = [1, 2, 3].map(ask);
  assert.deepEqual(itemsOf(sent), [[1]]);
  sent[0]?.answer(['one']);
  await setImmediate();
  assert.deepEqual(itemsOf(sent), [[1], [2, 3]]);
  sent[1]?.answer(['two', 'three']);
  assert.deepEqual(await Promise.all(answers), ['one', 'two', 'three']);
  const late = ask(4);
  sent[2]?.answer(['four']);
  assert.equal(await late, 'four');
});

test('a request that fails is everybody’s whom it was made for, and nobody else’s', async () => {
  const { ask, sent } = asking(100);
  const answers = Promise.allSettled([1, 2, 3].map(ask));
  sent[0]?.answer(['one']);
  await setImmediate();
  const last = ask(4);
  sent[1]?.fail(new Error('it is away'));
  assert.deepEqual(
    (await answers).map(({ status }) => status),
    ['fulfilled', 'rejected', 'rejected'],
  );
  sent[2]?.answer(['four']);
  assert.equal(await last, 'four');
});

test('a request takes no more than may travel at once, but at least one', async () => {
  const { ask, sent } = asking(10);
  const answers = [1, 4, 6, 50, 3].map(ask);
  for (let i = 0; i < 4; i++) {
    await setImmediate();
    sent[i]?.answer((sent[i]?.items ?? []).map(String));
  }
  assert.deepEqual(itemsOf(sent), [[1], [4, 6], [50], [3]]);
  assert.deepEqual(await Promise.all(answers), ['1', '4', '6', '50', '3']);
});
