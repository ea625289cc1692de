/** The ladder of guards: its order, its first refusal, and what cannot be read. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attend } from '../../activities/admission/attend.ts';
import { climb } from '../../activities/admission/guard.ts';
import type { Guard } from '../../activities/admission/guard.ts';
import { concerns, describeStop, stopIdsFor } from '../../domain/emergency-stop.ts';
import { pausing } from '../../bench/torture/experiment.ts';
import { asked } from './asked.ts';

const experiment = pausing({
  fault: 'host/pause',
  group: 'any',
  seed: 'any',
  ttlMs: 5_000,
  stages: [1],
  holdMs: 5_000,
});
const { signal } = new AbortController();
const guard = (name: string, ask: Guard['ask']): Guard => ({ name, ask });
const says = (name: string, passed: boolean): Guard =>
  guard(name, async () => ({ passed, found: `${name} was asked` }));

test('guards are asked in order, up to the first refusal, and every answer is told', async () => {
  const answers = await climb([says('one', true), says('two', false), says('three', true)], asked(experiment), signal);
  assert.deepEqual(answers, [
    { guard: 'one', passed: true, found: 'one was asked' },
    { guard: 'two', passed: false, found: 'two was asked' },
  ]);
});

test('a guard that cannot be read refuses, whether it throws at once, later or not an error', async () => {
  const failing: Guard['ask'][] = [
    () => {
      throw new Error('the disk is gone');
    },
    () => Promise.reject(new Error('the disk is gone')),
    () => Promise.reject('the disk is gone'),
  ];
  for (const ask of failing)
    assert.deepEqual(await climb([guard('one', ask), says('two', true)], asked(experiment), signal), [
      { guard: 'one', passed: false, found: 'cannot be read: the disk is gone', unreadable: true },
    ]);
});

test('a guard that hangs refuses, and is told that nobody waits any more', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  let told = false;
  const climbing = climb(
    [
      guard('one', (_input, limit) => {
        limit.addEventListener('abort', () => (told = true));
        return new Promise(() => undefined);
      }),
    ],
    asked(experiment),
    signal,
  );
  context.mock.timers.tick(60_000);
  assert.deepEqual(await climbing, [
    { guard: 'one', passed: false, found: 'cannot be read: one has not answered within 5000 ms', unreadable: true },
  ]);
  assert.equal(told, true);
});

test('asking that is no longer wanted ends by a rejection, not by a refusal', async () => {
  const wanted = new AbortController();
  const climbing = climb(
    [guard('one', async () => (wanted.abort(), { passed: true, found: '' }))],
    asked(experiment),
    wanted.signal,
  );
  await assert.rejects(climbing, { name: 'AbortError' });
});

test('a stop concerns its site, or everybody', () => {
  assert.deepEqual(stopIdsFor('eu'), ['stop/everything', 'stop/site/eu']);
  const stop = { reason: 'enough', by: 'ada' };
  assert.ok(
    concerns(stop, 'eu') && concerns({ ...stop, site: 'eu' }, 'eu') && !concerns({ ...stop, site: 'us' }, 'eu'),
  );
  assert.equal(describeStop({ ...stop, site: 'eu' }), 'site eu is stopped: enough, by ada');
});

test('a run is attended until a guard refuses, or cannot be read for a while; one that is asked before a stage only is not asked', async () => {
  let asks = 0;
  const never = guard('before a stage', () => assert.fail('it was asked'));
  const flaky: Guard = {
    name: 'flaky',
    always: true,
    async ask() {
      asks += 1;
      // Twice away, back, and then away for good.
      if (asks !== 3) throw new Error('away');
      return { passed: true, found: 'fine' };
    },
  };
  assert.deepEqual(await attend([never, flaky], asked(experiment), signal, 5), {
    guard: 'flaky',
    passed: false,
    found: 'cannot be read: away',
    unreadable: true,
  });
  assert.equal(asks, 6);
  const refusing: Guard = { ...says('incident', false), always: true };
  assert.equal((await attend([never, refusing], asked(experiment), signal, 5)).guard, 'incident');
  const wanted = new AbortController();
  const calm: Guard = { ...says('calm', true), always: true };
  const attending = attend([calm], asked(experiment), wanted.signal, 5);
  wanted.abort();
  await assert.rejects(attending, { name: 'AbortError' });
});
