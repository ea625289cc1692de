/** The blast-radius budget on a real server: grants end with their runs, nobody is forgotten, and never two hold one target. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { reserve } from '../../activities/admission/budget.ts';
import { openFileStore } from '../../activities/journal/file.ts';
import { pausing } from '../../bench/torture/experiment.ts';
import type { Lane } from '../../bench/torture/lane.ts';
import { Victims } from '../../bench/torture/victims.ts';
import type { Ask } from '../../domain/ask.ts';
import type { BudgetAnswer } from '../../domain/blast-radius.ts';
import { budgetId } from '../../domain/budget-id.ts';
import type { Experiment } from '../../domain/experiment.ts';
import type { JournalEvent } from '../../domain/journal.ts';
import { targetKey } from '../../domain/target-key.ts';
import { startRun } from '../../workers/start-run.ts';
import type { RunResult } from '../../workflows/messages.ts';
import { Installation } from '../cli/installation.ts';
import { assertCleanSlate } from '../engine/clean-slate.ts';
import { recordAs } from '../replay/record.ts';
import { until } from '../until.ts';
import { ask, Askers } from './asking.ts';
import type { Asker } from './asking.ts';

const GROUPS = ['first', 'second', 'third', 'kept'] as const;
type Group = (typeof GROUPS)[number];
const ENDS = ['complete', 'fail', 'continue', 'cancel', 'terminate', 'time out', 'reset'] as const;

describe('the blast-radius budget', () => {
  let installation: Installation<Group>;
  let lane: Lane;
  let askers: Askers;
  before(async () => {
    installation = await Installation.open<Group>(GROUPS, {
      configuration: "policy:\n  version: '1'\n  budget: { runs: 2, service: { label: service, share: 70% } }\n",
    });
    ({ lane } = installation);
    askers = await Askers.open(lane);
  });
  after(async () => {
    await askers.close();
    await installation.close();
  });

  const holder = (run: string): Promise<Asker> => askers.holder(run);
  const asking = (site: string, asked: Ask): Promise<BudgetAnswer> => askers.asking(site, asked);
  const answerOf = (site: string, asked: Ask): Promise<BudgetAnswer | null> => askers.answerOf(site, asked);

  describe('a grant ends with its run', { concurrency: true }, () => {
    for (const how of ENDS)
      it(how, async () => {
        const site = `ends-${how.replace(' ', '-')}`;
        const first = await holder(`first of ${how}`);
        const second = await holder(`second, ${how}`.replace('time out', 'late'));
        assert.deepEqual(await asking(site, ask(first, ['t'])), { answer: 'granted' });
        const refused = await asking(site, ask(second, ['t'], false, 1));
        assert.deepEqual(refused, { answer: 'refused', why: `1 of its 1 targets are ${first.run}’s` });
        assert.deepEqual(await asking(site, ask(second, ['t'])), {
          answer: 'waits',
          position: 1,
          why: `1 of its 1 targets are ${first.run}’s`,
        });
        const handle = lane.client.workflow.getHandle(first.run);
        if (how === 'cancel') await handle.cancel();
        else if (how === 'terminate') await handle.terminate();
        else if (how === 'reset') await reset(first.run, first.execution);
        else if (how !== 'time out') await handle.signal('end', how);
        await until(async () => (await answerOf(site, ask(second, ['t'])))?.answer === 'granted');
        // Who comes back as another execution of the same run holds nothing.
        const late = ask({ ...first, execution: (await handle.describe()).runId }, ['t'], false, 2);
        if (how === 'reset' || how === 'continue') assert.equal((await asking(site, late)).answer, 'refused');
        for (const { run } of [first, second])
          await lane.client.workflow
            .getHandle(run)
            .terminate()
            .catch(() => undefined);
      });
  });

  async function reset(workflowId: string, runId: string): Promise<void> {
    const { events } = await lane.client.workflow.getHandle(workflowId, runId).fetchHistory();
    const task = events?.find(({ workflowTaskCompletedEventAttributes: completed }) => completed != null);
    await lane.client.workflowService.resetWorkflowExecution({
      namespace: 'default',
      workflowExecution: { workflowId, runId },
      reason: 'a test',
      requestId: randomUUID(),
      workflowTaskFinishEventId: task?.eventId ?? assert.fail('no task'),
    });
  }

  it('a thousand who ask at once are served in the order of asking, over a continue-as-new, and nobody is lost, or served twice', async () => {
    const site = 'thousand';
    const handle = lane.client.workflow.getHandle(budgetId(site));
    const open = async (run: string): Promise<{ run: string; execution: string }> => {
      // Nobody serves it: it stays open until it is terminated.
      const { firstExecutionRunId } = await lane.client.workflow.start('holder', {
        workflowId: run,
        taskQueue: 'nobody',
      });
      return { run, execution: firstExecutionRunId };
    };
    const firsts = await Promise.all(Array.from({ length: 10 }, (_, i) => open(`first-${i}`)));
    const [opener = assert.fail()] = firsts;
    await asking(site, ask(opener, ['opens']));
    const first = (await handle.describe()).runId;
    const all = async (asks: readonly Ask[]): Promise<void> => {
      const rest = asks.values();
      const signal = async (): Promise<void> => {
        for (const asked of rest) await handle.signal('ask', asked);
      };
      await Promise.all(Array.from({ length: 50 }, signal));
    };
    const answers = async (of: readonly Ask[]): Promise<string[]> =>
      Promise.all(
        of.map((asked) =>
          answerOf(site, asked).then(
            (answer) => (answer?.answer === 'waits' ? `waits as ${answer.position}` : (answer?.answer ?? 'lost')),
            // The server lets few questions wait.
            () => 'not taken',
          ),
        ),
      );
    const allAre = async (asks: readonly Ask[], says: (i: number) => string): Promise<void> => {
      let from = 0;
      for (const some of chunks(asks)) {
        await until(async () => (await answers(some)).every((one, i) => one === says(from + i)));
        from += some.length;
      }
    };
    const isGranted = (): string => 'granted';
    const isNext = (i: number): string => `waits as ${i + 1}`;
    const end = async (asks: readonly Ask[]): Promise<void> => {
      for (const some of chunks(asks))
        await Promise.all(some.map(({ run }) => lane.client.workflow.getHandle(run).terminate()));
    };
    // Ten who ask for 85 targets each, and 150 who ask for one of 75 of those, two for each.
    const granted = Array.from({ length: 850 }, (_, i) => ask(firsts[i % 10] ?? assert.fail(), [`t${i}`], true, i + 1));
    await all(granted);
    // All of them are asked about after the continue-as-new, which takes a while.
    await allAre(
      granted.filter((_, i) => i % 10 === 9),
      isGranted,
    );
    const seconds: { run: string; execution: string }[] = [];
    for (let from = 0; from < 150; from += 50)
      seconds.push(...(await Promise.all(Array.from({ length: 50 }, (_, i) => open(`second-${from + i}`)))));
    const waiting = seconds.map((run, i) => ask(run, [`t${i % 75}`]));
    await all(waiting);
    await until(async () => (await handle.describe()).runId !== first);
    const asker = new Map(waiting.map((one) => [one.execution, one]));
    let queue: readonly Ask[] = [];
    await until(async () => {
      queue = (await heard(site, first)).flatMap((execution) => asker.get(execution) ?? []);
      return queue.length === waiting.length;
    });
    await allAre(queue, isNext);
    await allAre(granted, isGranted);
    for (const { run } of firsts) await lane.client.workflow.getHandle(run).terminate();
    // The earlier for each target, and nobody else.
    const heads = new Set(new Map(queue.toReversed().map((one) => [one.services[0]?.keys[0], one])).values());
    await allAre([...heads], isGranted);
    const rest = queue.filter((one) => !heads.has(one));
    await allAre(rest, isNext);
    await end([...heads]);
    await allAre(rest, isGranted);
    await end(rest);
  });

  it('a thousand that ask in the same moment, through one door, get their answers: each target one holder, and a queue in the order of asking', async () => {
    const site = 'callers';
    const runs: { run: string; execution: string }[] = [];
    for (let i = 0; i < 20; i++) runs.push(await holder(`caller-${i}`));
    // Two for each of five hundred targets, of another run each; the second waits.
    const asks = Array.from({ length: 1_000 }, (_, i) =>
      ask(runs[(i % 10) + (i < 500 ? 0 : 10)] ?? assert.fail(), [`t${i % 500}`], i >= 500, i),
    );
    const signal = AbortSignal.timeout(300_000);
    const answers = await Promise.all(asks.map((one) => reserve(lane.client, site, one, signal, () => true)));
    assert.ok(answers.slice(0, 500).every(({ answer }) => answer === 'granted'));
    assert.deepEqual(
      answers.slice(500).map((answer) => (answer.answer === 'waits' ? answer.position : answer.answer)),
      Array.from({ length: 500 }, (_, i) => i + 1),
    );
    for (const { run } of runs) await lane.client.workflow.getHandle(run).terminate();
  });

  /** The executions that asked, in the order in which the budget has heard each first, over all executions of its own. */
  async function heard(site: string, first: string): Promise<string[]> {
    const order = new Set<string>();
    for (let runId: string | null | undefined = first; runId;) {
      const { events } = await lane.client.workflow.getHandle(budgetId(site), runId).fetchHistory();
      for (const { workflowExecutionSignaledEventAttributes: signal } of events ?? []) {
        const [payload] = signal?.input?.payloads ?? [];
        if (payload?.data) order.add((JSON.parse(Buffer.from(payload.data).toString()) as Ask).execution);
      }
      runId = events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId;
    }
    return [...order];
  }

  function* chunks(asks: readonly Ask[]): Generator<readonly Ask[]> {
    for (let from = 0; from < asks.length; from += 20) yield asks.slice(from, from + 20);
  }

  async function live(
    group: Group,
    blastRadius: Partial<Experiment['blastRadius']>,
    act: (victims: Victims) => Promise<unknown>,
  ): Promise<{ result: RunResult; events: readonly JournalEvent[] }> {
    const victims = await Victims.start(join(installation.folder, 'victims'), group, 3);
    try {
      const paused = pausing({ fault: 'host/pause', group, seed: group, ttlMs: 60_000, stages: [1], holdMs: 10_000 });
      const experiment = { ...paused, blastRadius: { ...paused.blastRadius, ...blastRadius } };
      await startRun(lane.client, group, { experiment, documentHash: '', startedBy: 'a test' });
      await act(victims);
      const result = (await lane.client.workflow.getHandle(group).result()) as RunResult;
      await assertCleanSlate(lane, group, victims);
      const journal = await openFileStore(join(installation.folder, 'journal')).read(group);
      return { result, events: journal?.events ?? [] };
    } finally {
      await victims.end();
    }
  }

  it('a run is refused beyond the limit, and one that may wait waits, and says as which number and for whom', async () => {
    const two = { stages: [{ kind: 'count', count: 2, text: '2' }], holdMs: 600_000 } as const;
    await live('first', two, async (victims) => {
      await until(() => victims.stopped().length === 2);
      const one = { stages: [{ kind: 'count', count: 1, text: '1' }] } as const;
      const refused = await live('second', one, async () => undefined);
      assert.equal(refused.result.status, 'refused');
      assert.match(
        refused.result.reason,
        /budget: 3 of the 3 of no service would be hit at once, more than 70%, with those of first$/,
      );
      const waited = await live('third', { ...one, waitMs: 60_000 }, async () => {
        await until(async () =>
          lane.client.workflow
            .getHandle('third')
            .query<{ events: JournalEvent[] }, [number]>('story', 0)
            .then(({ events }) =>
              events.some((event) => event.type === 'admission' && event.guards.some(({ waits }) => waits === true)),
            )
            .catch(() => false),
        );
        await lane.client.workflow
          .getHandle('first')
          .signal('abort', { mode: 'immediate', reason: 'enough', by: 'ada' });
      });
      assert.equal(waited.result.status, 'completed', waited.result.reason);
      const budget = waited.events
        .filter((event) => event.type === 'admission')
        .flatMap(({ guards }) => guards.filter(({ guard }) => guard === 'budget'))
        .map(({ passed, found }) => `${passed}: ${found}`);
      assert.deepEqual(budget, [
        'true: asked before each stage',
        'false: waits as number 1: 3 of the 3 of no service would be hit at once, more than 70%, with those of first',
        'true: its targets are its own',
        'true: its targets are its own',
      ]);
    });
  });

  it('never two hold one target, although the budget is terminated and its worker killed', async () => {
    const hold = { stages: [{ kind: 'count', count: 2, text: '2' }], holdMs: 600_000 } as const;
    await live('kept', hold, async (victims) => {
      await until(() => victims.stopped().length === 2);
      const store = openFileStore(join(installation.folder, 'journal'));
      let target = '';
      await until(async () => {
        const opened = (await store.read('kept'))?.events.find((event) => event.type === 'stage-opened');
        target = opened?.targets[0] ?? '';
        return target !== '';
      });
      const intruder = await holder('intruder');
      for (const blow of ['terminate', 'kill', 'both', 'terminate', 'both'] as const) {
        if (blow !== 'kill') await lane.client.workflow.getHandle(budgetId('torture')).terminate();
        if (blow !== 'terminate') {
          await lane.kill('control');
          await lane.start('control');
        }
        const stage = Math.floor(performance.now());
        const answer = await asking('torture', ask(intruder, [targetKey(target)], false, stage));
        assert.deepEqual(answer, { answer: 'refused', why: '1 of its 1 targets are kept’s' }, blow);
      }
      await recordAs(lane.client, budgetId('torture'), 'kept.budget');
      await lane.client.workflow.getHandle('kept').signal('abort', { mode: 'immediate', reason: 'enough', by: 'ada' });
      await lane.client.workflow.getHandle('intruder').terminate();
    });
  });
});
