/** A tick that is not safe waits, asks again, and gives up: on the time-skipping server, with guards that say what a test has them say. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { Context } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import type { WorkflowHandle } from '@temporalio/client';
import { pausing } from '../../bench/torture/experiment.ts';
import type { AdmitInput } from '../../activities/interface.ts';
import type { Standing } from '../../activities/standing.ts';
import type { Admission, GuardAnswer } from '../../domain/admission.ts';
import type { JournalEvent } from '../../domain/journal.ts';
import type { Candidate, Choosing } from '../../domain/picking.ts';
import { choose } from '../../domain/picking-choice.ts';
import type { Cadence } from '../../domain/program.ts';
import { policyOf } from '../../workers/policy-settings.ts';
import type { TickResult } from '../../workflows/messages.ts';
import { Skipping } from '../engine/skipping.ts';
import { recordAs } from '../replay/record.ts';

const MINUTE_MS = 60_000;
const refuses = (guard: string, found = 'two alerts fire'): GuardAnswer => ({ guard, passed: false, found });

/** What the stubs are told to say, and what they were asked. */
interface Scene {
  /** What refuses an experiment at the look of this number, from 1. */
  refusal: (experiment: string, look: number) => GuardAnswer | undefined;
  standing: (asked: number) => Standing;
  /** Times of looks, in milliseconds on the clock of the workflow. */
  looks: number[];
  asked: string[];
  standings: number;
  deployed: () => readonly (number | null)[];
  pool: readonly Candidate[];
  journal: JournalEvent[];
}

const quiet = (): Scene => ({
  refusal: () => undefined,
  standing: () => ({}),
  looks: [],
  asked: [],
  standings: 0,
  deployed: () => [],
  pool: [],
  journal: [],
});

describe('the gate', () => {
  let skipping: Skipping;
  let scene = quiet();
  let ticks = 0;
  before(async () => {
    skipping = await Skipping.open({
      choose(choosing: Omit<Choosing, 'past'>) {
        scene.looks.push(choosing.nowMs);
        scene.pool = choosing.pool;
        return choose({ ...choosing, past: [] });
      },
      deployed: () => scene.deployed(),
      standing: () => scene.standing((scene.standings += 1)),
      ticked: () => undefined,
      admit({ experiment, plans }: AdmitInput): Admission & { readonly execution: string } {
        const execution = Context.current().info.workflowExecution?.runId ?? '';
        const admission = { execution, policy: policyOf(), startedBy: { name: 'a test', proven: false } };
        if (plans) scene.asked.push(experiment.name);
        const refusal = scene.refusal(experiment.name, scene.looks.length);
        if (refusal?.unreadable && plans) throw ApplicationFailure.nonRetryable('no control worker');
        return { ...admission, guards: refusal ? [refusal] : [] };
      },
      record(_run: string, events: readonly JournalEvent[]) {
        scene.journal.push(...events);
        return { searchAttributes: false };
      },
    });
  });
  after(() => skipping.close());
  beforeEach(() => {
    scene = quiet();
  });

  const start = (more: Partial<Cadence> = {}): Promise<WorkflowHandle> => {
    const experiment = pausing({
      fault: 'noop/noop',
      group: 'any',
      seed: 'any',
      ttlMs: 30_000,
      stages: [1],
      holdMs: 1_000,
    });
    const pool = ['one', 'two'].map((name) => ({ experiment: { ...experiment, name }, documentHash: name, draw: {} }));
    const cadence: Cadence = {
      name: 'often',
      everyMs: 60 * MINUTE_MS,
      pick: 'round-robin',
      dryRun: false,
      pool,
      ...more,
    };
    return skipping.environment.client.workflow.start('program', {
      workflowId: `tick-${(ticks += 1)}`,
      taskQueue: 'control',
      args: [{ program: 'it', cadence, appliedBy: 'a test' }],
    });
  };
  const tick = async (more: Partial<Cadence> = {}): Promise<TickResult> =>
    (await (await start(more)).result()) as TickResult;
  /** Minutes from the first look to each. */
  const minutes = (): readonly number[] =>
    scene.looks.map((atMs) => Math.round((atMs - (scene.looks[0] ?? 0)) / MINUTE_MS));

  it('lets begin at once what is safe', async () => {
    const { picked, run = '', waitedMs, choice } = await tick();
    assert.deepEqual([picked, waitedMs, choice], ['one', undefined, undefined]);
    assert.match(run, /^one-/);
    assert.deepEqual([minutes(), scene.asked, scene.standings], [[0], ['one'], 0]);
  });

  it('waits five minutes, and again, until it is safe', async () => {
    scene.refusal = (_, look) => (look <= 3 ? refuses('no-incidents') : undefined);
    const handle = await start();
    const { picked, run = '', waitedMs = 0 } = (await handle.result()) as TickResult;
    assert.deepEqual([picked, minutes()], ['one', [0, 5, 10, 15]]);
    assert.match(run, /^one-/);
    assert.equal(Math.floor(waitedMs / MINUTE_MS), 15);
    await recordAs(skipping.environment.client, handle.workflowId, 'waited.program');
    const chosen = scene.journal.find(({ type }) => type === 'chosen');
    assert.ok(chosen?.type === 'chosen' && chosen.choice.refused === undefined);
  });

  it('is left out after half an hour, and says why', async () => {
    scene.refusal = () => refuses('no-incidents');
    const handle = await start();
    const { picked, run, skipped, choice } = (await handle.result()) as TickResult;
    assert.deepEqual([picked, run, minutes()], ['', undefined, [0, 5, 10, 15, 20, 25, 30]]);
    assert.equal(skipped, 'not safe for 30m, at 7 looks: no-incidents: two alerts fire');
    assert.deepEqual(
      choice?.ranking.map(({ experiment }) => experiment),
      ['one', 'two'],
    );
    assert.deepEqual(scene.journal, [], 'nothing was begun');
    await recordAs(skipping.environment.client, handle.workflowId, 'unsafe.program');
  });

  for (const [what, more, standing, expected] of [
    ['as long as its cadence says', { waitUpToMs: 10 * MINUTE_MS }, {}, [0, 5, 10]],
    ['not at all where its cadence says so', { waitUpToMs: 0 }, {}, [0]],
    ['never until the next tick', { everyMs: 12 * MINUTE_MS }, {}, [0, 5, 10]],
    ['not where the next tick is the next look', { everyMs: 5 * MINUTE_MS }, {}, [0]],
    ['no longer than Temporal says that the next tick takes', {}, { nextInMs: 7 * MINUTE_MS }, [0, 5]],
  ] as const)
    it(`waits ${what}`, async () => {
      scene.refusal = () => refuses('healthy');
      scene.standing = () => ('nextInMs' in standing ? { nextAtMs: (scene.looks[0] ?? 0) + standing.nextInMs } : {});
      const { skipped = '' } = await tick(more);
      assert.deepEqual(minutes(), expected);
      assert.match(
        skipped,
        expected.length === 1 ? /^it is not safe: healthy:/ : /^not safe for \d+m, at \d looks: healthy:/,
      );
    });

  it('begins nothing where its program was paused while it waited, though it would be safe now', async () => {
    scene.refusal = (_, look) => (look === 1 ? refuses('healthy') : undefined);
    scene.standing = (asked) => (asked === 1 ? {} : { off: 'the schedule is paused: the sale has begun' });
    const { skipped, run } = await tick();
    assert.deepEqual([minutes(), run], [[0], undefined]);
    assert.equal(skipped, 'it is not safe; then the schedule is paused: the sale has begun');
    assert.deepEqual(scene.journal, []);
  });

  it('takes the next one where only the first is refused, and the journal says so', async () => {
    scene.refusal = (experiment) => (experiment === 'one' ? refuses('window', 'office is closed') : undefined);
    const { picked } = await tick();
    assert.deepEqual([picked, minutes(), scene.asked], ['two', [0], ['one', 'two']]);
    const chosen = scene.journal.find(({ type }) => type === 'chosen');
    assert.ok(chosen?.type === 'chosen');
    const { ranking, refused, of } = chosen.choice;
    assert.deepEqual(
      ranking.map(({ experiment }) => experiment),
      ['two'],
    );
    assert.deepEqual(refused, [{ experiment: 'one', guard: 'window', found: 'office is closed' }]);
    assert.equal(of, 2);
  });

  it('does not wait for a policy: the run is refused, in its journal', async () => {
    scene.refusal = () => refuses('policy', 'fault noop/noop is not one of those allowed');
    const { status, picked } = await tick();
    assert.deepEqual([status, picked, minutes()], ['refused', 'one', [0]]);
    assert.ok(scene.journal.some((event) => event.type === 'refused' && event.check === 'policy'));
  });

  it('does not take silence for leave', async () => {
    scene.refusal = () => ({ ...refuses('any'), unreadable: true });
    const { skipped = '' } = await tick({ waitUpToMs: 5 * MINUTE_MS });
    assert.match(skipped, /^not safe for 5m, at 2 looks: admission: nobody could be asked: no control worker/);
    assert.deepEqual(scene.asked, ['one', 'one'], 'who does not answer for one does not for the other');
  });

  it('chooses by what its sites say was deployed, and without what they do not say', async () => {
    scene.deployed = () => [null, 5_000];
    await tick({ pick: 'evidence' });
    assert.deepEqual(
      scene.pool.map(({ deployedAtMs }) => deployedAtMs),
      [null, 5_000],
    );
    scene.deployed = () => {
      throw new Error('the cluster is away');
    };
    const { run = '' } = await tick({ pick: 'evidence' });
    assert.match(run, /^(?:one|two)-/);
    assert.deepEqual(
      scene.pool.map(({ deployedAtMs }) => deployedAtMs),
      [null, null],
    );
  });

  it('is over at once when it is cancelled while it waits', async () => {
    scene.refusal = () => refuses('healthy');
    const handle = await start();
    await skipping.environment.sleep('6 minutes');
    await handle.cancel();
    await assert.rejects(handle.result(), ({ cause }: Error) => cause instanceof CancelledFailure);
    assert.ok(scene.looks.length < 4);
    assert.deepEqual(scene.journal, []);
  });

  it('does not hold up a dry run, which says that it would wait', async () => {
    scene.refusal = () => refuses('healthy');
    const { would, picked, choice } = await tick({ dryRun: true });
    assert.equal(would, 'wait until it is safe, for 30m at most: healthy: two alerts fire');
    assert.deepEqual([picked, minutes(), choice?.of], ['one', [0], 2]);
    assert.match((await tick({ dryRun: true, waitUpToMs: 0 })).would ?? '', /^begin nothing: healthy/);
  });
});
