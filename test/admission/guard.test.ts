/** The ladder of guards: its order, its first refusal, and what cannot be read. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attending } from '../../activities/admission/attend.ts';
import { climb } from '../../activities/admission/guard.ts';
import type { Asked, Guard } from '../../activities/admission/guard.ts';
import { ladderOf } from '../../activities/admission/ladder.ts';
import type { Guards } from '../../activities/admission/ladder.ts';
import { approvalGuard, policyGuard } from '../../activities/admission/policy.ts';
import { concerns, describeStop, stopIdsFor } from '../../domain/emergency-stop.ts';
import type { GuardAnswer } from '../../domain/admission.ts';
import type { Preconditions } from '../../domain/experiment.ts';
import { pausing } from '../../bench/torture/experiment.ts';
import { policyOf } from '../../workers/policy-settings.ts';
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

const REQUIRED = [
  ['incidents', 'no-incidents', { noIncidents: true }],
  ['healthy', 'healthy', { healthy: true }],
  ['capacity', 'capacity', { capacityMin: 0.5 }],
] as const;
for (const [key, name, wanting] of REQUIRED)
  test(`${name}: a control worker that does not say what to ask refuses, and one that says none does without`, async () => {
    const others = Object.fromEntries(
      ['stop', 'policy', 'approval', 'budget', 'window', 'coolDown', 'incidents', 'healthy', 'capacity'].map(
        (other) => [other, says(other, true)],
      ),
    ) as unknown as Guards;
    const answered = async (
      said: 'none' | undefined,
      preconditions?: Preconditions,
    ): Promise<GuardAnswer | undefined> =>
      (
        await climb(
          ladderOf({ ...others, [key]: said }),
          asked({ ...experiment, ...(preconditions ? { preconditions } : {}) }),
          signal,
        )
      ).find(({ guard: answering }) => answering === name);
    assert.deepEqual(await answered(undefined), {
      guard: name,
      passed: false,
      found:
        "the control worker's squall.yaml does not say what is asked; expected admission: { healthy, incidents, capacity }, each with what is asked or none",
    });
    assert.deepEqual(await answered('none'), {
      guard: name,
      passed: true,
      found: `not asked: admission: ${key} is none`,
    });
    assert.deepEqual(await answered('none', wanting), {
      guard: name,
      passed: false,
      found: `the experiment asks for it, and admission: ${key} is none`,
    });
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
  assert.equal(describeStop({ ...stop, site: 'eu' }), 'site eu is stopped: enough, by ada (not authenticated)');
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
  assert.deepEqual(await attending([never, flaky], 50)(asked(experiment), signal), {
    guard: 'flaky',
    passed: false,
    found: 'cannot be read: away',
    unreadable: true,
  });
  assert.equal(asks, 6);
  const refusing: Guard = { ...says('incident', false), always: true };
  assert.equal((await attending([never, refusing], 5)(asked(experiment), signal)).guard, 'incident');
  const wanted = new AbortController();
  const calm: Guard = { ...says('calm', true), always: true };
  const attended = attending([calm], 5)(asked(experiment), wanted.signal);
  wanted.abort();
  await assert.rejects(attended, { name: 'AbortError' });
});

test('runs of a site that are attended together share what is asked, and those of another site do not', async () => {
  const asks: string[] = [];
  const refuses = new AbortController();
  const seen: Guard = {
    name: 'seen',
    always: true,
    async ask({ experiment: { targets } }) {
      asks.push(targets.site);
      return { passed: !refuses.signal.aborted, found: 'as told' };
    },
  };
  const attend = attending([seen], 60_000);
  const elsewhere = { ...experiment, targets: { ...experiment.targets, site: 'elsewhere' } };
  const gone = new AbortController();
  const all = [...Array.from({ length: 50 }, () => experiment), elsewhere].map((of) => attend(asked(of), gone.signal));
  // Whoever no longer wants to know takes nothing from the others.
  await new Promise((resolve) => setImmediate(resolve));
  gone.abort();
  await Promise.allSettled(all);
  assert.deepEqual(asks, [experiment.targets.site, 'elsewhere']);
  refuses.abort();
  const anew = attending([seen], 60_000);
  const answers = await Promise.all(Array.from({ length: 50 }, () => anew(asked(experiment), signal)));
  assert.ok(answers.every(({ guard: name, passed }) => name === 'seen' && !passed));
  // A refusal is asked for anew, together.
  assert.ok(asks.length <= 4, `${asks.length}`);
});

test('what was approved before a reset is not approved', async () => {
  const of = asked(experiment);
  const approved = (execution: string): Asked => ({
    ...of,
    approvals: [{ by: { name: 'bob', proven: true }, plan: 'a', execution }],
  });
  const ask = async (input: Asked): Promise<GuardAnswer | undefined> =>
    (await climb([approvalGuard({ read: async () => undefined })], input, signal))[0];
  assert.deepEqual(await ask(approved(of.execution)), { guard: 'approval', passed: true, found: 'by bob' });
  assert.deepEqual(await ask(approved('another')), {
    guard: 'approval',
    passed: false,
    found: 'bob approved it before the run was reset; start it anew',
  });
});

test('a run that began by another policy is not judged by this one', async () => {
  const policy = policyOf();
  const ask = async (began: object): Promise<GuardAnswer | undefined> =>
    (await climb([policyGuard(policy)], { ...asked(experiment), ...began }, signal))[0];
  assert.equal((await ask({}))?.passed, true);
  assert.equal((await ask({ policy: policy.hash }))?.passed, true);
  const other = await ask({ policy: 'abcdef012345678' });
  assert.equal(other?.passed, false);
  assert.match(other.found, /^the run began by another one \(abcdef012345\), start it anew: policy default /);
});
