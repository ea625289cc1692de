/** Asking together: one request at a time, in order, for all who wait, and each has its own answer. */
import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
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

test('what cannot be weighed fails alone', async () => {
  const weigh = (item: number): number => (item === 2 ? assert.fail('too odd') : 1);
  const ask = together(async (items: readonly number[]) => items.map(String), weigh, 10);
  const answers = await Promise.allSettled([1, 2, 3].map(ask));
  assert.deepEqual(
    answers.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  assert.equal(await ask(4), '4');
});

test('a request is made in nobody’s name: who asked first may be cancelled', async () => {
  const names = new AsyncLocalStorage<string>();
  const seen: (string | undefined)[] = [];
  const request = async (items: readonly number[]): Promise<readonly number[]> => {
    seen.push(names.getStore());
    return items;
  };
  const ask = together(request, () => 1, 10);
  await Promise.all([names.run('first', () => ask(1)), names.run('second', () => ask(2))]);
  assert.deepEqual(seen, [undefined, undefined]);
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
