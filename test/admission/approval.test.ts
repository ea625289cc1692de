/** Runs that wait for people: who may answer, for what, how long; and what happens when nobody does. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { WorkflowHandle } from '@temporalio/client';
import { openFileStore } from '../../activities/journal/file.ts';
import { experimentHash } from '../../activities/admission/proof.ts';
import { pausing } from '../../bench/torture/experiment.ts';
import { Victims } from '../../bench/torture/victims.ts';
import type { Experiment } from '../../domain/experiment.ts';
import { signedText, startText } from '../../domain/identity.ts';
import type { JournalEvent } from '../../domain/journal.ts';
import { startRun } from '../../workers/start-run.ts';
import type { RunInput, RunResult, Story } from '../../workflows/messages.ts';
import { Installation, nameOf, planAwaited } from '../cli/installation.ts';
import { squall, start } from '../cli/squall.ts';
import { assertCleanSlate } from '../engine/clean-slate.ts';
import { record } from '../replay/record.ts';
import { until } from '../until.ts';

const GROUPS = ['agreed', 'rejected', 'late', 'copied', 'changed', 'reset', 'aborted', 'wide'] as const;
type Group = (typeof GROUPS)[number];
const PEOPLE = ['alice', 'bob', 'carol', 'eve'] as const;
type Person = (typeof PEOPLE)[number];

describe('approvals', () => {
  let installation: Installation<Group>;
  const keys = new Map(PEOPLE.map((name) => [name, generateKeyPairSync('ed25519')]));
  before(async () => {
    const person = (name: Person, may: string): string => {
      const pem = keys.get(name)?.publicKey.export({ type: 'spki', format: 'pem' }).toString() ?? '';
      return `    ${name}: { key: ${JSON.stringify(pem)}, may: [${may}] }\n`;
    };
    installation = await Installation.open(GROUPS, {
      configuration: `policy:
  version: '7'
  environments: { here: { sites: [torture], maxTargets: 2 } }
  approvals: [{ people: 2, environments: [here], faults: [host/pause] }]
  people:
${person('alice', 'start, approve')}${person('bob', 'approve')}${person('carol', 'approve, stop')}${person('eve', 'start')}
`,
    });
    for (const [name, { privateKey }] of keys)
      await writeFile(keyFile(name), privateKey.export({ type: 'pkcs8', format: 'pem' }));
  });
  after(() => installation.close());

  const keyFile = (name: string): string => join(installation.folder, `${name}.pem`);
  const as = (name: Person): Record<string, string> => ({
    ...installation.env,
    SQUALL_AS: name,
    SQUALL_KEY: keyFile(name),
  });
  const storyOf = (run: string): Promise<Story> =>
    installation.lane.client.workflow.getHandle(run).query<Story, [number]>('story', 0);
  const waits = (run: string): Promise<void> =>
    until(() =>
      storyOf(run).then(
        ({ awaiting }) => awaiting !== undefined,
        () => false,
      ),
    );
  const journalOf = async (run: string): Promise<readonly JournalEvent[]> =>
    (await openFileStore(join(installation.folder, 'journal')).read(run))?.events ?? [];

  it('two others agree to exactly this plan, each once and with their key, and the run goes on', () =>
    installation.about('agreed', '6s', async (file) => {
      const started = start(['run', file], as('alice'));
      await until(() => /waits for 2 approvals/.test(started.out()));
      const run = nameOf(started);
      const plan = await planAwaited(installation.lane, run);
      const answer = async (name: Person, ...more: string[]): Promise<string> => {
        const { code, out, err } = await squall(['approve', run, '--plan', plan, ...more], as(name));
        return `${code} ${out}${err}`;
      };
      assert.match(await answer('alice'), /^3 refused: alice started it; somebody else must answer for it/);
      assert.match(await answer('eve'), /^3 refused: eve may not approve/);
      assert.match(await answer('bob', '--plan', 'abcdef01'), /^2 .*the plan that waits for approval is/);
      const unproven = await squall(['approve', run, '--plan', plan], { ...installation.env, SQUALL_AS: 'bob' });
      assert.match(unproven.out, /refused: bob \(not authenticated\) may not approve/);
      assert.match(await answer('bob', '--plan', plan.slice(0, 8)), /^0 approved: .*: 1 of 2/);
      assert.match(await answer('bob'), /^3 refused: bob has approved it already/);
      const note = await squall(['note', run, 'the', 'cache', 'was', 'cold'], as('carol'));
      assert.equal(note.code, 0, note.err);
      assert.match(await answer('carol', '--reason', 'looks fine'), /^0 approved: .*: 2 of 2/);
      const { code, out } = await started.ended;
      assert.equal(code, 0, out);
      const events = await journalOf(run);
      const said = events.flatMap((event) =>
        event.type === 'approved' ? [event.by] : event.type === 'note' ? [`${event.by}: ${event.text}`] : [],
      );
      assert.deepEqual(said, ['bob', 'carol (not authenticated): the cache was cold', 'carol']);
      // A note needs no key, and is nobody's who has one.
      const { audit } = openFileStore(join(installation.folder, 'journal'));
      const audited = (await Array.fromAsync(audit.entries())).filter((entry) => entry.run === run);
      const begun = events.find((event) => event.type === 'started') ?? assert.fail();
      assert.equal(events.find((event) => event.type === 'pre-flight')?.plan, plan);
      assert.deepEqual(
        audited.map(({ what, who, from, hash }) => [what, who, from, hash]),
        [
          ['start', 'alice', hostname(), experimentHash(begun.experiment)],
          ['approve', 'bob', hostname(), plan],
          ['note', 'carol (not authenticated)', hostname(), plan],
          ['approve', 'carol', hostname(), plan],
        ],
      );
      const types = events.map(({ type }) => type);
      assert.ok(types.indexOf('stage-opened') > types.lastIndexOf('approved'), 'nothing was touched before');
      const admissions = events.filter((event) => event.type === 'admission');
      const words = (guard: string): string[] =>
        admissions.map(({ guards }) => guards.find((answered) => answered.guard === guard)?.found ?? '');
      assert.match(words('policy')[0] ?? '', /^policy 7 \([0-9a-f]{12}\) allows it, started by alice$/);
      assert.deepEqual(words('approval').slice(1), ['by bob, carol', 'by bob, carol']);
      await record(installation.lane.client, run, 'approved');
    }));

  it('somebody who may not start is refused, and a wrong answer leaves the plan as it was', () =>
    installation.about('rejected', '1s', async (file) => {
      const refused = await squall(['run', file], as('bob'));
      assert.equal(refused.code, 3);
      assert.match(refused.out, /policy: bob may not start; those who may, with their key: alice, eve/);
      const started = start(['run', file], as('eve'));
      await until(() => /waits for 2 approvals/.test(started.out()));
      const { code, out } = await squall(['reject', nameOf(started), '--reason', 'not today'], as('bob'));
      assert.equal(code, 0, out);
      const ended = await started.ended;
      assert.equal(ended.code, 3);
      assert.match(ended.out, /approval: rejected by bob: not today/);
    }));

  /** A run whose approvals are nobody's business but the test's; what is on its targets afterwards is not. */
  async function waiting(
    group: Group,
    change: Partial<Omit<RunInput, 'experiment'>> & { readonly experiment?: Partial<Experiment> },
    act: (handle: WorkflowHandle, victims: Victims) => Promise<unknown>,
  ): Promise<{ result: RunResult; touched: boolean }> {
    const victims = await Victims.start(join(installation.folder, 'victims'), group, 3);
    try {
      const paused = pausing({ fault: 'host/pause', group, seed: group, ttlMs: 10_000, stages: [1, 2], holdMs: 1_500 });
      const { experiment: changed, ...input } = change;
      const experiment = { ...paused, ...changed };
      const handle = await startRun(installation.lane.client, group, {
        experiment,
        documentHash: '',
        ...signedBy('alice', group, experiment),
        ...input,
      });
      await act(handle, victims);
      const result = (await installation.lane.client.workflow.getHandle(group).result()) as RunResult;
      await assertCleanSlate(installation.lane, group, victims);
      return { result, touched: victims.firstStoppedMs !== undefined };
    } finally {
      await victims.end();
    }
  }

  function signedBy(
    name: Person,
    run: string,
    experiment: Experiment,
  ): Pick<RunInput, 'startedBy' | 'signature' | 'signedAtMs'> {
    const signedAtMs = Date.now();
    const text = signedText(
      { act: 'start', of: run, what: startText(experimentHash(experiment), '', signedAtMs) },
      name,
    );
    const { privateKey } = keys.get(name) ?? assert.fail(name);
    return { startedBy: name, signature: sign(null, Buffer.from(text), privateKey).toString('base64'), signedAtMs };
  }

  it('nobody answers in time: refused, and nothing is touched', async () => {
    const { result, touched } = await waiting('late', { approveWithinMs: 1_000 }, async () => undefined);
    assert.deepEqual([result.status, touched], ['refused', false]);
    assert.match(result.reason, /^approval: 0 of 2 have approved within 1s: policy 7 asks for it$/);
  });

  it('what somebody signed starts once: copied from Temporal’s history it starts nothing', async () => {
    let input: RunInput | undefined;
    await waiting('copied', { approveWithinMs: 1_000 }, async (handle) => {
      const { events } = await handle.fetchHistory();
      const [payload] = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
      input = JSON.parse(Buffer.from(payload?.data ?? []).toString()) as RunInput;
    });
    assert.equal(input?.startedBy, 'alice');
    const again = await startRun(installation.lane.client, 'copied', input);
    const { status, reason } = (await again.result()) as RunResult;
    assert.equal(status, 'refused');
    assert.match(reason, /^approval: a run of this name was started before, at \S+; start it under another name$/);
  });

  it('an abort ends the waiting', async () => {
    const { result, touched } = await waiting('aborted', {}, async (handle) => {
      await waits('aborted');
      await handle.signal('abort', { mode: 'immediate', reason: 'never mind', by: 'alice' });
    });
    assert.deepEqual([result.status, touched], ['aborted', false]);
  });

  it('targets that changed while people thought about it are not what they agreed to', async () => {
    const { result, touched } = await waiting('changed', {}, async (_handle, victims) => {
      const plan = await planAwaited(installation.lane, 'changed');
      const [pid] = victims.pids;
      process.kill(pid ?? assert.fail(), 'SIGKILL');
      for (const name of ['bob', 'carol'] as const)
        assert.equal((await squall(['approve', 'changed', '--plan', plan], as(name))).code, 0);
    });
    assert.deepEqual([result.status, touched], ['refused', false]);
    assert.match(result.reason, /^approval: the plan is another one by now/);
  });

  it('a run that is reset must be approved anew', async () => {
    const { result, touched } = await waiting('reset', {}, async (handle) => {
      const plan = await planAwaited(installation.lane, 'reset');
      for (const name of ['bob', 'carol'] as const)
        assert.equal((await squall(['approve', 'reset', '--plan', plan], as(name))).code, 0);
      await until(async () => (await storyOf('reset')).state.phase !== 'awaiting-approval');
      const { events } = await handle.fetchHistory();
      const waited = events?.find(({ timerStartedEventAttributes: timer }) => timer != null);
      const task = events?.find(
        ({ eventId, workflowTaskCompletedEventAttributes: completed }) =>
          completed != null &&
          Number(eventId) >= Number(waited?.timerStartedEventAttributes?.workflowTaskCompletedEventId),
      );
      const { client } = installation.lane;
      await client.workflowService.resetWorkflowExecution({
        namespace: 'default',
        workflowExecution: { workflowId: 'reset', runId: (await handle.describe()).runId },
        reason: 'a test',
        requestId: 'once',
        workflowTaskFinishEventId: task?.eventId ?? assert.fail('no task'),
      });
      await waits('reset');
      const { awaiting } = await storyOf('reset');
      assert.deepEqual(awaiting?.approvedBy, [], 'what was said before the reset counts no more');
      assert.equal((await squall(['reject', 'reset', '--reason', 'enough'], as('bob'))).code, 0);
    });
    assert.equal(result.status, 'refused');
    assert.equal(touched, false);
  });

  it('a stop is pulled by anybody, and released by whom the policy lets', async () => {
    const stopped = await squall(['stop', '--no-wait', '--reason', 'a fire'], installation.env);
    assert.equal(stopped.code, 0, stopped.err);
    for (const env of [installation.env, { ...installation.env, SQUALL_AS: 'carol' }, as('bob')]) {
      const refused = await squall(['resume', '--reason', 'it is out'], env);
      assert.equal(refused.code, 3, refused.out + refused.err);
      assert.match(refused.out, /may not stop; those who may, with their key: carol\. everything stays stopped/);
    }
    const resumed = await squall(['resume', '--reason', 'it is out'], as('carol'));
    assert.equal(resumed.code, 0, resumed.out + resumed.err);
  });

  it('more targets than the policy allows are refused before the site is asked', async () => {
    const three = await waiting(
      'wide',
      { experiment: { blastRadius: { stages: [{ kind: 'count', count: 3, text: '3' }], holdMs: 1_500 } } },
      async () => undefined,
    );
    assert.deepEqual([three.result.status, three.touched], ['refused', false]);
    assert.match(three.result.reason, /^policy: stage 3 is more than 2, the most in environment here: policy 7/);
  });
});
