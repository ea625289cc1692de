/** What two grants of one target come to: the target’s own slot takes one. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Worker } from '@temporalio/worker';
import { pausing } from '../../bench/torture/experiment.ts';
import type { Lane } from '../../bench/torture/lane.ts';
import { Victims } from '../../bench/torture/victims.ts';
import { budgetId } from '../../domain/budget-id.ts';
import type { JournalEvent } from '../../domain/journal.ts';
import { startRun } from '../../workers/start-run.ts';
import type { RunResult, Story } from '../../workflows/messages.ts';
import { Installation } from '../cli/installation.ts';
import { assertCleanSlate } from '../engine/clean-slate.ts';
import { until } from '../until.ts';

describe('a budget that grants twice', () => {
  let installation: Installation<'one'>;
  let lane: Lane;
  before(async () => {
    installation = await Installation.open(['one']);
    ({ lane } = installation);
  });
  after(() => installation.close());

  /** Does `what` for each, `width` at once. */
  async function many<T, R>(of: readonly T[], width: number, what: (one: T) => Promise<R>): Promise<R[]> {
    const done: R[] = [];
    const rest = of.entries();
    const go = async (): Promise<void> => {
      for (const [i, one] of rest) done[i] = await what(one);
    };
    await Promise.all(Array.from({ length: width }, go));
    return done;
  }

  it('two runs that are granted one target, since the budget was lost between a grant and the run’s hearing it, do not both hold it', async () => {
    const { workflow } = lane.client;
    const connection = await NativeConnection.connect({ address: lane.address });
    const workflowBundle = await bundleWorkflowCode({
      workflowsPath: join(import.meta.dirname, 'liar.ts'),
      logger: new DefaultLogger('ERROR'),
    });
    const worker = await Worker.create({ connection, taskQueue: 'liar', workflowBundle });
    const victims = await Victims.start(join(lane.folder, 'victims'), 'one', 1);
    try {
      await worker.runUntil(async () => {
        const budget = await workflow.start('blastRadius', { workflowId: budgetId('torture'), taskQueue: 'liar' });
        const paused = pausing({ fault: 'host/pause', group: 'one', seed: 'any', ttlMs: 10_000, stages: [1] });
        const blastRadius = { ...paused.blastRadius, holdMs: 600_000, waitMs: 60_000 };
        const runs = await Promise.all(
          ['this', 'that'].map((name) =>
            startRun(lane.client, name, {
              experiment: { ...paused, name, blastRadius },
              documentHash: '',
              startedBy: 'a test',
            }),
          ),
        );
        const story = (run: string): Promise<readonly JournalEvent[]> =>
          workflow
            .getHandle(run)
            .query<Story, [number]>('story', 0)
            .then(
              ({ events }) => events,
              () => [],
            );
        const budgetSaid = async (run: string): Promise<(string | boolean)[]> =>
          (await story(run))
            .flatMap((event) => (event.type === 'admission' ? event.guards : []))
            .flatMap(({ guard, passed, waits = false }) => (guard === 'budget' ? [waits ? 'waits' : passed] : []));
        // Neither is on its target yet, so pre-flight has found it free for both.
        await until(async () => (await many(['this', 'that'], 2, budgetSaid)).every((said) => said.includes('waits')));
        await budget.signal('grant');
        const { status, reason } = (await Promise.race(runs.map((run) => run.result()))) as RunResult;
        assert.equal(status, 'inconclusive', reason);
        assert.match(reason, /^th(is|at)\/stage-1\/one\/one-1@\S+: occupied$/);
        assert.equal(victims.stopped().length, 1);
        const open = await many(runs, 2, async (run) => (await run.describe()).closeTime === undefined);
        assert.deepEqual(open.toSorted(), [false, true]);
        for (const run of ['this', 'that'])
          assert.deepEqual((await budgetSaid(run)).slice(0, 3), [true, 'waits', true], 'both were granted it');
        const injected = (await many(['this', 'that'], 2, story)).map((events) =>
          events.reduce((sum, event) => sum + (event.type === 'stage-held' ? event.injected : 0), 0),
        );
        assert.deepEqual(injected.toSorted(), [0, 1]);
        await runs[open.indexOf(true)]?.signal('abort', { mode: 'immediate', reason: 'enough', by: 'ada' });
        for (const run of runs) await assertCleanSlate(lane, run.workflowId, victims);
        await budget.terminate();
      });
    } finally {
      await victims.end();
      await connection.close();
    }
  });
});
