/** The emergency stop: whoever is open ends, nobody is admitted, and nothing but `resume` ends it. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { openFileStore } from '../../activities/journal/file.ts';
import { pausing } from '../../bench/torture/experiment.ts';
import type { Lane } from '../../bench/torture/lane.ts';
import { Victims } from '../../bench/torture/victims.ts';
import type { Experiment } from '../../domain/experiment.ts';
import { stopIdsFor } from '../../domain/emergency-stop.ts';
import type { JournalEvent } from '../../domain/journal.ts';
import { startRun } from '../../workers/start-run.ts';
import { startStop } from '../../workers/start-stop.ts';
import { resumeSignal } from '../../workflows/messages.ts';
import type { RunResult, Story } from '../../workflows/messages.ts';
import { Installation } from '../cli/installation.ts';
import { eventsOf, squall } from '../cli/squall.ts';
import { assertCleanSlate } from '../engine/clean-slate.ts';
import { recordAs } from '../replay/record.ts';
import { until } from '../until.ts';

const GROUPS = ['holds', 'later', 'elsewhere', 'nobody', 'travels', 'again'] as const;
type Group = (typeof GROUPS)[number];

const stages = (holdMs: number): Partial<Experiment> => ({
  blastRadius: { stages: [1, 2].map((size) => ({ kind: 'count', count: size, text: `${size}` })), holdMs, seed: 'any' },
});

describe('the emergency stop', () => {
  let installation: Installation<Group>;
  let lane: Lane;
  let env: Record<string, string>;
  let folder: string;
  before(async () => {
    installation = await Installation.open<Group>(GROUPS);
    ({ lane, folder, env } = installation);
  });
  after(() => installation.close());
  afterEach(async () => {
    for (const id of stopIdsFor('torture')) {
      const latch = lane.client.workflow.getHandle(id);
      await latch.signal(resumeSignal, { by: 'a test', reason: 'it is over' }).then(
        async () => {
          await latch.result();
          await recordAs(lane.client, id, 'latched.stop');
        },
        () => undefined,
      );
    }
  });

  /** A run with processes of its own; nothing is left on them afterwards. */
  async function run<T>(
    group: Group,
    change: Partial<Experiment>,
    act: (victims: Victims, phase: () => Promise<string>) => Promise<T>,
  ): Promise<{ result: RunResult; events: readonly JournalEvent[]; said: T }> {
    const victims = await Victims.start(join(folder, 'victims'), group, 3);
    try {
      const pause = pausing({
        fault: 'host/moody-pause',
        group,
        seed: group,
        ttlMs: 30_000,
        stages: [1, 2],
        holdMs: 20_000,
      });
      const experiment = { ...pause, ...change };
      const handle = await startRun(lane.client, group, { experiment, documentHash: '', startedBy: 'a test' });
      const phase = async (): Promise<string> => (await handle.query<Story, [number]>('story', 0)).state.phase;
      const said = await act(victims, phase);
      const result = (await handle.result()) as RunResult;
      await assertCleanSlate(lane, group, victims);
      const journal = await openFileStore(join(folder, 'journal')).read(group);
      return { result, events: journal?.events ?? [], said };
    } finally {
      await victims.end();
    }
  }

  it('ends what is held, refuses what begins until it is resumed, and says so', async () => {
    const { result, events, said } = await run('holds', {}, async (victims) => {
      await until(() => victims.stopped().length > 0);
      return squall(['--json', 'stop', '--reason', 'checkout is down'], env);
    });
    assert.equal(said.code, 0, said.out + said.err);
    assert.deepEqual(eventsOf(said.out).at(-1)?.event, 'clean');
    assert.equal(result.status, 'aborted');
    const abort = events.find((event) => event.type === 'abort');
    assert.equal(abort?.cause, 'emergency-stop');
    // Whoever is first: the lease that is told, or the guard that looks meanwhile.
    const words = /^(?:emergency-stop: )?everything is stopped: checkout is down, by \S+ \(not authenticated\)/;
    assert.match(abort.evidence, words);
    const asked = events.filter((event) => event.type === 'admission');
    assert.deepEqual(
      asked.map(({ stage }) => stage),
      [undefined, 0],
    );
    assert.deepEqual(asked[0]?.guards[0], { guard: 'emergency-stop', passed: true, found: 'nothing is stopped' });

    const list = await squall(['list'], env);
    assert.match(list.out, /^STOPPED: everything is stopped: checkout is down, by /);
    const again = await squall(['stop', '--reason', 'another'], env);
    assert.match(again.out, /STOPPED: everything is stopped: checkout is down/, 'the first reason stands');
    // Nobody but `resume`.
    await lane.client.workflow.getHandle('stop/everything').cancel();
    const refused = await run('later', {}, async () => undefined);
    assert.equal(refused.result.status, 'refused');
    assert.match(refused.result.reason, /^emergency-stop: everything is stopped: checkout is down, by /);
    assert.equal(
      refused.events.some(({ type }) => type === 'stage-opened'),
      false,
    );

    const resumed = await squall(['resume', '--reason', 'it is up again'], env);
    assert.equal(resumed.code, 0, resumed.err);
    assert.match(resumed.out, /resumed: everything, which was stopped by .*: checkout is down/);
    const twice = await squall(['resume', '--reason', 'it is up again'], env);
    assert.equal(twice.code, 2);
    assert.match(twice.err, /everything is not stopped/);
  });

  it('of one site leaves the others alone', async () => {
    const stopped = await squall(['stop', '--site', 'elsewhere', '--reason', 'a move'], env);
    assert.equal(stopped.code, 0, stopped.out + stopped.err);
    const { result } = await run('elsewhere', stages(10_000), async () => undefined);
    assert.equal(result.status, 'completed', result.reason);
  });

  it('holds with no control worker there, and the next one finds it', async () => {
    const { result, said } = await run('nobody', {}, async (victims) => {
      await until(() => victims.stopped().length > 0);
      await lane.kill('control');
      const stopped = await squall(['stop', '--no-wait', '--reason', 'nobody is there'], env);
      await lane.start('control');
      return stopped;
    });
    assert.equal(said.code, 0, said.err);
    assert.equal(result.status, 'aborted', result.reason);
  });

  it('stays on where somebody stops after a resume that nobody has carried out yet', async () => {
    await startStop(lane.client, { reason: 'the first', by: 'a test' });
    await lane.kill('control');
    const resumed = lane.client.workflow.getHandle('stop/everything').signal(resumeSignal, { by: 'a', reason: 'over' });
    await resumed;
    const stopped = await squall(['stop', '--no-wait', '--reason', 'it is back'], env);
    assert.equal(stopped.code, 0, stopped.err);
    await lane.start('control');
    const { result } = await run('again', {}, async () => undefined);
    assert.match(result.reason, /^emergency-stop: everything is stopped/);
  });

  it('is pulled whatever is written of it: a reason of any length, by whoever has no name', async () => {
    const { code, out, err } = await squall(['stop', '--no-wait', '--reason', 'x'.repeat(100_000)], env);
    assert.equal(code, 0, err);
    assert.match(out, /^STOPPED: everything is stopped: x{1000}, by /);
  });

  it('is read before a stage, although nobody could tell the run of it', async () => {
    const { result, events } = await run('travels', stages(4_000), async (victims) => {
      await until(() => victims.stopped().length > 0);
      // A latch whose workflow nobody serves: the runs are never told.
      await lane.client.workflow.start('emergencyStop', {
        workflowId: 'stop/site/torture',
        taskQueue: 'nobody serves this',
        memo: { site: 'torture', reason: 'on its way', by: 'a test' },
        args: [],
      });
    });
    assert.equal(result.status, 'aborted');
    assert.equal(
      result.reason,
      'emergency-stop: site torture is stopped: on its way, by a test (not authenticated); `squall resume` ends it',
    );
    assert.equal(events.filter(({ type }) => type === 'stage-opened').length, 1);
    await lane.client.workflow.getHandle('stop/site/torture').terminate();
  });
});
