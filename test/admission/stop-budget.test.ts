/** The emergency stop while the budget continues as new: no grant is lost, none is doubled, and after `resume` the asks are served. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import type { WorkflowHandle } from '@temporalio/client';
import { reserve } from '../../activities/admission/budget.ts';
import { setMood } from '../../bench/torture/blows.ts';
import type { Lane } from '../../bench/torture/lane.ts';
import type { Ask } from '../../domain/ask.ts';
import type { BudgetAnswer } from '../../domain/blast-radius.ts';
import { budgetId } from '../../domain/budget-id.ts';
import { targetKey } from '../../domain/target-key.ts';
import { until } from '../until.ts';
import { answerOf } from './asking.ts';
import { StopScenes, twoStages } from './stop-scenes.ts';

/** A little more history than the budget has before it goes on in another execution. */
const HISTORY = 1_010;
const MANY = 40;

describe('the emergency stop, while the budget continues as new', () => {
  let scenes: StopScenes<'keeper' | 'queued' | 'served'>;
  let lane: Lane;
  let budget: WorkflowHandle;
  before(async () => {
    scenes = await StopScenes.open(['keeper', 'queued', 'served'], {
      configuration: "policy:\n  version: '1'\n  budget: { service: { label: service, share: 70% } }\n",
    });
    ({ lane } = scenes);
    budget = lane.client.workflow.getHandle(budgetId('torture'));
  });
  after(() => scenes.close());
  afterEach(async () => {
    await setMood(lane, undefined);
    await scenes.release();
  });

  /** An execution that stands for a run, and is open until it is terminated: nobody serves it. */
  async function outsider(run: string): Promise<{ run: string; execution: string }> {
    const handle = await lane.client.workflow.start('holder', { workflowId: run, taskQueue: 'nobody' });
    return { run, execution: handle.firstExecutionRunId };
  }

  const ask = (of: { run: string; execution: string }, key: string, stage: number): Ask => ({
    ...of,
    stage,
    services: [{ service: 'outside', members: 1_000_000, keys: [key] }],
    limits: {},
    waits: false,
  });
  const asking = (asked: Ask): Promise<BudgetAnswer> =>
    reserve(lane.client, 'torture', asked, AbortSignal.timeout(60_000), () => true);
  const answerTo = (asked: Ask): Promise<BudgetAnswer | null> => answerOf(budget, asked);
  /** What this execution has asked the budget last. */
  async function askedBy(execution: string): Promise<Ask> {
    const { events } = await budget.fetchHistory();
    const heard = (events ?? []).flatMap(({ workflowExecutionSignaledEventAttributes: signal }) => {
      const [payload] = signal?.input?.payloads ?? [];
      return payload?.data ? (JSON.parse(Buffer.from(payload.data).toString()) as Ask[]) : [];
    });
    return heard.findLast((asked) => asked.execution === execution) ?? assert.fail('it has not asked');
  }
  const historyOf = async (): Promise<number> => (await budget.describe()).historyLength;

  /** Messages that change nothing, up to the point where the next ask ends this execution. */
  async function age(): Promise<void> {
    while ((await historyOf()) < HISTORY) {
      const nobody = { execution: 'nobody', stage: 0 };
      await Promise.all(Array.from({ length: 50 }, () => budget.signal('withdraw', nobody)));
    }
  }

  it('who holds goes on holding until its fault is gone, who waits waits no more, and nobody gets what is another’s', async () => {
    const keeps = {
      fault: 'host/moody-undying-pause',
      blastRadius: { ...twoStages(600_000), stages: [{ kind: 'count', count: 2, text: '2' }] },
    } as const;
    const first = await outsider('outsider');
    const rival = await outsider('rival');
    const theirs = Array.from({ length: MANY }, (_, i) => ask(first, `t${i}`, i));
    const { result } = await scenes.play('keeper', keeps, async ({ handle, victims }) => {
      await until(() => victims.stopped().length === 2);
      let held = '';
      await until(async () => {
        const opened = (await scenes.journal('keeper')).find((event) => event.type === 'stage-opened');
        held = targetKey(opened?.targets[0] ?? '');
        return opened !== undefined;
      });
      const queued = await scenes.play(
        'queued',
        { blastRadius: { ...twoStages(600_000), waitMs: 600_000 } },
        async ({ handle: waiting }) => {
          await scenes.queues(waiting);
          const asked = await askedBy((await waiting.describe()).runId);
          assert.equal((await answerTo(asked))?.answer, 'waits');
          await age();
          // Its fault is on for as long as this says.
          await setMood(lane, 'fail-revert');
          const before = (await budget.describe()).runId;
          const [, ...said] = await Promise.all([scenes.stop('in mid-change'), ...theirs.map(asking)]);
          assert.deepEqual([...new Set(said.map(({ answer }) => answer))], ['granted']);
          await until(async () => (await budget.describe()).runId !== before);
          // Its own withdrawal, or its end, is heard whichever execution it comes to.
          await until(async () => (await answerTo(asked)) === null);
        },
      );
      assert.deepEqual([queued.result.status, queued.touched], ['refused', false], queued.result.reason);
      const grants = await Promise.all(theirs.map(answerTo));
      assert.deepEqual(
        grants,
        theirs.map(() => ({ answer: 'granted' })),
      );
      const doubled = await asking(ask(rival, 't0', 0));
      assert.deepEqual(doubled, { answer: 'refused', why: '1 of its 1 targets are outsider’s' });
      const early = await asking(ask(rival, held, 1));
      assert.deepEqual(early, { answer: 'refused', why: '1 of its 1 targets are keeper’s' });
      assert.equal(victims.stopped().length, 2);
      await scenes.nobodyIsAdmitted('keeper');
      // Once more, while the grant ends.
      await age();
      const second = (await budget.describe()).runId;
      await setMood(lane, undefined);
      const more = theirs.map(({ stage }) => ask(first, `u${stage}`, 100 + stage));
      await Promise.all([handle.result(), ...more.map(asking)]);
      await until(async () => (await budget.describe()).runId !== second);
      assert.deepEqual(await Promise.all([...theirs, ...more].map(answerTo)), [...grants, ...grants]);
      assert.deepEqual(await asking(ask(rival, held, 2)), { answer: 'granted' });
      assert.deepEqual(await asking(ask(first, held, MANY)), {
        answer: 'refused',
        why: '1 of its 1 targets are rival’s',
      });
    });
    assert.equal(result.status, 'aborted', result.reason);

    await scenes.release();
    await lane.client.workflow.getHandle('outsider').terminate();
    assert.deepEqual(await asking(ask(rival, 't0', 3)), { answer: 'granted' }, 'the end of a grant is heard');
    const one = { blastRadius: { ...twoStages(10_000), stages: [{ kind: 'count', count: 1, text: '1' }] } } as const;
    const served = await scenes.play('served', one, async () => undefined);
    assert.equal(served.result.status, 'completed', served.result.reason);
    await lane.client.workflow.getHandle('rival').terminate();
  });
});
