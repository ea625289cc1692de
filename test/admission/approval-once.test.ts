/** An approval is one person's, for one plan of one execution of one run: given twice, elsewhere or before a reset it is worth nothing. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import type { WorkflowHandle } from '@temporalio/client';
import { experimentHash } from '../../activities/admission/proof.ts';
import { ledgerFile } from '../../activities/faults/ledger-file.ts';
import { pausing } from '../../bench/torture/experiment.ts';
import type { Lane } from '../../bench/torture/lane.ts';
import { Victims } from '../../bench/torture/victims.ts';
import { answeredText, signedText, startText } from '../../domain/identity.ts';
import type { Signed } from '../../domain/identity.ts';
import { startRun } from '../../workers/start-run.ts';
import { REFUSED_MAX } from '../../workflows/approvals.ts';
import { approveUpdate, rejectUpdate } from '../../workflows/messages.ts';
import type { Answer, Answered, Awaiting, RunResult, Story } from '../../workflows/messages.ts';
import { Installation } from '../cli/installation.ts';
import { assertCleanSlate } from '../engine/clean-slate.ts';
import { until } from '../until.ts';

const GROUPS = ['together', 'asleep', 'forged', 'first', 'second', 'midway', 'later'] as const;
type Group = (typeof GROUPS)[number];
const PEOPLE = ['alice', 'bob', 'carol'] as const;
type Person = (typeof PEOPLE)[number];

describe('an approval counts once', () => {
  let installation: Installation<Group>;
  let lane: Lane;
  const keys = new Map(PEOPLE.map((name) => [name, generateKeyPairSync('ed25519')]));
  before(async () => {
    const people = [...keys].map(([name, { publicKey }]) => {
      const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
      return `    ${name}: { key: ${JSON.stringify(pem)}, may: [start, approve, stop] }\n`;
    });
    installation = await Installation.open(GROUPS, {
      configuration: `policy:
  version: '1'
  approvals: [{ people: 2, faults: [host/pause] }]
  people:
${people.join('')}`,
    });
    ({ lane } = installation);
  });
  after(() => installation.close());

  const signature = (name: Person, signed: Signed): string =>
    sign(null, Buffer.from(signedText(signed, name)), keys.get(name)?.privateKey ?? assert.fail(name)).toString(
      'base64',
    );
  const story = (run: string): Promise<Story> => lane.client.workflow.getHandle(run).query<Story, [number]>('story', 0);
  const waits = async (run: string): Promise<Awaiting> => {
    let awaiting: Awaiting | undefined;
    await until(async () => {
      awaiting = await story(run).then(
        (told) => told.awaiting,
        () => undefined,
      );
      return awaiting !== undefined;
    });
    return awaiting ?? assert.fail();
  };
  const answerOf = (name: Person, run: string, { plan, execution }: Awaiting, act: 'approve' | 'reject'): Answer => ({
    claim: { by: name, signature: signature(name, { act, of: run, what: answeredText(plan, execution) }) },
    plan,
    execution,
  });
  /** How many have approved then; or why it was not taken. */
  const give = (run: string, answer: Answer, update = approveUpdate): Promise<number | string> =>
    lane.client.workflow
      .getHandle(run)
      .executeUpdate<Answered, [Answer]>(update, { args: [answer] })
      .then(
        ({ approved }) => approved,
        (error: unknown) =>
          error instanceof WorkflowUpdateFailedError ? (error.cause?.message ?? 'refused') : assert.fail(String(error)),
      );
  const approve = (name: Person, run: string, awaiting: Awaiting): Promise<number | string> =>
    give(run, answerOf(name, run, awaiting, 'approve'));

  /** A run that waits for two people, started by alice; when `act` is over, so is the run. */
  async function waiting(
    group: Group,
    act: (awaiting: Awaiting, handle: WorkflowHandle, victims: Victims) => Promise<unknown>,
  ): Promise<{ result: RunResult; touched: boolean }> {
    const victims = await Victims.start(join(installation.folder, 'victims'), group, 3);
    try {
      const experiment = pausing({
        fault: 'host/pause',
        group,
        seed: group,
        ttlMs: 10_000,
        stages: [1],
        holdMs: 1_500,
      });
      const signedAtMs = Date.now();
      const what = startText(experimentHash(experiment), '', signedAtMs);
      const proof = signature('alice', { act: 'start', of: group, what });
      const input = { experiment, documentHash: '', startedBy: 'alice', signature: proof, signedAtMs };
      const handle = await startRun(lane.client, group, input);
      await act(await waits(group), handle, victims);
      const result = (await lane.client.workflow.getHandle(group).result()) as RunResult;
      await assertCleanSlate(lane, group, victims);
      return { result, touched: victims.firstStoppedMs !== undefined };
    } finally {
      await victims.end();
    }
  }

  const enough = (handle: WorkflowHandle): Promise<void> =>
    lane.client.workflow
      .getHandle(handle.workflowId)
      .signal('abort', { mode: 'immediate', reason: 'enough', by: 'a test' });

  it('two by one person at the same moment are one', async () => {
    const { touched } = await waiting('together', async (awaiting, handle) => {
      const said = await Promise.all(Array.from({ length: 4 }, () => approve('bob', 'together', awaiting)));
      assert.deepEqual(said.toSorted(), [1, ...Array.from({ length: 3 }, () => 'bob has approved it already')]);
      assert.deepEqual((await waits('together')).approvedBy, ['bob']);
      await enough(handle);
    });
    assert.equal(touched, false);
  });

  it('two by one person that a control worker finds together when it comes up are one', async () => {
    const { touched } = await waiting('asleep', async (awaiting, handle) => {
      await lane.kill('control');
      const saying = [approve('bob', 'asleep', awaiting), approve('bob', 'asleep', awaiting)];
      await lane.start('control');
      assert.deepEqual((await Promise.all(saying)).toSorted(), [1, 'bob has approved it already']);
      assert.deepEqual((await waits('asleep')).approvedBy, ['bob']);
      await enough(handle);
    });
    assert.equal(touched, false);
  });

  it('answers that nobody may give are taken up to a bound, and cost no more history then', async () => {
    const { touched } = await waiting('forged', async (awaiting, handle) => {
      const forged = { ...awaiting, claim: { by: 'bob', signature: 'forged' } };
      const said: (number | string)[] = [];
      // As many at a time as Temporal lets.
      for (let i = 0; i < REFUSED_MAX; i += 10)
        said.push(...(await Promise.all(Array.from({ length: 10 }, () => give('forged', forged)))));
      assert.deepEqual([...new Set(said.map((words) => String(words).slice(0, 19)))], ['bob (not authentica']);
      const length = async (): Promise<number> => (await handle.describe()).historyLength;
      const before = await length();
      assert.match(String(await approve('bob', 'forged', awaiting)), /^50 answers were refused, and no more is taken/);
      assert.match(String(await give('forged', forged)), /^50 answers were refused/);
      assert.equal(await length(), before);
      await enough(handle);
    });
    assert.equal(touched, false);
  });

  it('one that is replayed to another run, plan, execution, act or by another person is refused', async () => {
    const { touched } = await waiting('first', async (first, handle) => {
      const given = answerOf('bob', 'first', first, 'approve');
      assert.equal(await give('first', given), 1);
      assert.equal(await give('first', given), 'bob has approved it already');
      const unproven = /^bob \(not authenticated\) may not approve/;
      // A signature to reject is none to approve, nor the other way round; nor is bob's one of carol's.
      const { claim } = answerOf('carol', 'first', first, 'reject');
      assert.match(String(await give('first', { ...first, claim })), /^carol \(not authenticated\) may not approve/);
      const stolen = { ...given, claim: { ...given.claim, by: 'carol' } };
      assert.match(String(await give('first', stolen)), /^carol \(not authenticated\) may not approve/);
      const agreed = answerOf('carol', 'first', first, 'approve');
      assert.match(String(await give('first', agreed, rejectUpdate)), /^carol \(not authenticated\) may not approve/);
      await waiting('second', async (second, other) => {
        assert.notEqual(second.plan, first.plan);
        // Word by word, and with the other run's plan or execution put in.
        assert.match(String(await give('second', given)), /^the run was reset since it was looked at/);
        const { execution, plan } = second;
        assert.match(String(await give('second', { ...given, execution })), /^the plan to approve is /);
        assert.match(String(await give('second', { ...given, execution, plan })), unproven);
        // Signed for the very plan and execution, and for the other run.
        const elsewhere = answerOf('bob', 'first', second, 'approve');
        assert.match(String(await give('second', elsewhere)), unproven);
        assert.deepEqual((await waits('second')).approvedBy, []);
        await enough(other);
      });
      assert.deepEqual((await waits('first')).approvedBy, ['bob']);
      await enough(handle);
    });
    assert.equal(touched, false);
  });

  /** Resets the run to the task in which it heard of the end of this activity, the `nth` of its type. */
  async function reset(run: string, type: string, nth: number): Promise<void> {
    const handle = lane.client.workflow.getHandle(run);
    const { runId } = await handle.describe();
    const { events = [] } = await handle.fetchHistory();
    const scheduled = (events ?? []).filter(
      ({ activityTaskScheduledEventAttributes: activity }) => activity?.activityType?.name === type,
    );
    const id = Number(scheduled[nth - 1]?.eventId ?? assert.fail(`no ${type} number ${nth}`));
    const ended = (events ?? []).find(
      ({ activityTaskCompletedEventAttributes: ends }) => Number(ends?.scheduledEventId ?? 0) === id,
    );
    const task = (events ?? []).find(
      ({ eventId, workflowTaskCompletedEventAttributes: completed }) =>
        completed != null && Number(eventId) > Number(ended?.eventId ?? assert.fail('it has not ended')),
    );
    await lane.client.workflowService.resetWorkflowExecution({
      namespace: 'default',
      workflowExecution: { workflowId: run, runId },
      reason: 'a test',
      requestId: randomUUID(),
      workflowTaskFinishEventId: task?.eventId ?? assert.fail('no task'),
    });
  }

  async function approved(group: Group, awaiting: Awaiting, handle: WorkflowHandle): Promise<void> {
    assert.equal(await approve('bob', group, awaiting), 1);
    assert.equal(await approve('carol', group, awaiting), 2);
    await handle.result();
  }

  it('a run that is reset after it was approved, and before it was admitted to its stage, must be approved anew', async () => {
    const { result } = await waiting('midway', async (awaiting, handle, victims) => {
      await approved('midway', awaiting, handle);
      const { lastStoppedMs } = victims;
      // The site is asked a second time after the approvals.
      await reset('midway', 'preflight', 2);
      await lane.client.workflow.getHandle('midway').result();
      assert.equal(victims.lastStoppedMs, lastStoppedMs, 'nothing was touched after the reset');
    });
    assert.notEqual(result.status, 'completed');
    assert.match(result.reason, /^(admission: )?approval: bob approved it before the run was reset; start it anew$/);
  });

  it('a run that is reset after it was admitted to its stage touches nothing by what was said before', async () => {
    const { result } = await waiting('later', async (awaiting, handle, victims) => {
      await approved('later', awaiting, handle);
      await assertCleanSlate(lane, 'later', victims);
      // As the ledger is an hour later: what fenced these very faults off has been swept.
      const ledger = new DatabaseSync(ledgerFile(lane.state));
      ledger.prepare("DELETE FROM faults WHERE run = ? AND state = 'tombstone'").run('later');
      ledger.close();
      const { lastStoppedMs } = victims;
      // Nobody at the site tells the run that it was reset before it has opened its lease.
      await lane.kill('site');
      const lease = lane.client.workflow.getHandle('later/stage-1');
      const { runId: before } = await lease.describe();
      await reset('later', 'admit', 2);
      await until(async () => (await lease.describe()).runId !== before);
      await until(async () => ((await lease.describe()).raw.pendingActivities ?? []).length > 0);
      await lane.start('site');
      await lane.client.workflow.getHandle('later').result();
      const { events } = await lease.fetchHistory();
      const asked = (events ?? []).map((event) => event.activityTaskScheduledEventAttributes?.activityType?.name);
      assert.equal(asked.includes('inject'), false, 'its lease has asked for an injection');
      assert.equal(victims.lastStoppedMs, lastStoppedMs, 'nothing was touched after the reset');
    });
    assert.equal(result.status, 'inconclusive', result.reason);
  });
});
