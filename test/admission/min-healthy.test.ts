/** `minHealthy` while a run widens: who dies between two stages is missed before the second is opened. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openFileStore } from '../../activities/journal/file.ts';
import type { MinHealthyInput } from '../../activities/interface.ts';
import { pausing } from '../../bench/torture/experiment.ts';
import { Victims } from '../../bench/torture/victims.ts';
import type { Experiment } from '../../domain/experiment.ts';
import type { JournalEvent } from '../../domain/journal.ts';
import { startRun } from '../../workers/start-run.ts';
import type { RunResult } from '../../workflows/messages.ts';
import { Installation } from '../cli/installation.ts';
import { assertCleanSlate } from '../engine/clean-slate.ts';
import { Skipping } from '../engine/skipping.ts';
import { until } from '../until.ts';

const GROUPS = ['dying', 'living', 'unasked'] as const;
const unasking = (fault: string, group: string): Experiment =>
  pausing({ fault, group, seed: 'any', ttlMs: 60_000, stages: [1, 2], holdMs: 10_000 });
const experimentOf = (fault: string, group: string): Experiment => ({
  ...unasking(fault, group),
  preconditions: { minHealthy: { kind: 'share', share: 0.6, text: '60%' } },
});
const counted = (events: readonly JournalEvent[]): [stage: number | undefined, passed: boolean, found: string][] =>
  events.flatMap((event) =>
    event.type === 'admission'
      ? event.guards
          .filter(({ guard }) => guard === 'min-healthy')
          .map(({ passed, found }): [number | undefined, boolean, string] => [event.stage, passed, found])
      : [],
  );
const words = (left: number): string =>
  `${left} candidates are left outside of the blast radius, there and under no fault; expected 3 of 5`;

describe('what must be left is counted before each stage', { concurrency: true }, () => {
  let installation: Installation<(typeof GROUPS)[number]>;
  before(async () => {
    const configuration = `policy:\n  version: '1'\n  minHealthy: 50%\n`;
    installation = await Installation.open(GROUPS, { configuration });
  });
  after(() => installation.close());

  async function run(
    group: (typeof GROUPS)[number],
    act: (victims: Victims) => Promise<void>,
    experiment = experimentOf('host/pause', group),
  ): Promise<{ result: RunResult; events: readonly JournalEvent[] }> {
    const { lane, folder } = installation;
    const victims = await Victims.start(join(folder, 'victims'), group, 5);
    try {
      const handle = await startRun(lane.client, group, { experiment, documentHash: '', startedBy: 'a test' });
      await act(victims);
      const result = (await handle.result()) as RunResult;
      await assertCleanSlate(lane, group, victims);
      const { events = [] } = (await openFileStore(join(folder, 'journal')).read(group)) ?? {};
      return { result, events };
    } finally {
      await victims.end();
    }
  }

  it('others die under the first stage: the second is not opened, and the first is undone', async () => {
    const { result, events } = await run('dying', async (victims) => {
      await until(() => victims.stopped().length > 0);
      const alive = victims.pids.filter((pid) => !victims.stopped().includes(pid));
      for (const pid of alive) process.kill(pid, 'SIGKILL');
    });
    assert.equal(result.status, 'aborted', result.reason);
    assert.equal(result.reason, `min-healthy: ${words(0)}`);
    assert.deepEqual(counted(events), [
      [0, true, words(4)],
      [1, false, words(0)],
    ]);
    assert.equal(events.find((event) => event.type === 'abort')?.cause, 'admission');
    assert.deepEqual(
      events.flatMap((event) => (event.type === 'stage-opened' ? [event.stage] : [])),
      [0],
    );
    assert.ok(events.some((event) => event.type === 'recovered'));
  });

  it('where all live the run goes to its end', async () => {
    const { result, events } = await run('living', async () => undefined);
    assert.equal(result.status, 'completed', result.reason);
    assert.deepEqual(counted(events), [
      [0, true, words(4)],
      [1, true, words(3)],
    ]);
  });

  it('the policy asks it of every run, whatever the document says', async () => {
    const { result, events } = await run('unasked', async () => undefined, unasking('host/pause', 'unasked'));
    assert.equal(result.status, 'completed', result.reason);
    assert.deepEqual(counted(events), [
      [0, true, words(4)],
      [1, true, words(3)],
    ]);
  });
});

describe('what cannot be counted refuses', () => {
  let skipping: Skipping;
  before(async () => {
    skipping = await Skipping.open({
      minHealthy({ reached }: MinHealthyInput) {
        if (reached.length > 1) throw new Error('the cluster does not answer');
        return { guard: 'min-healthy', passed: true, found: 'enough' };
      },
    });
  });
  after(() => skipping.close());

  it('before the second stage, and ends the run', async () => {
    const handle = await skipping.environment.client.workflow.start('experiment', {
      workflowId: 'uncounted',
      taskQueue: 'control',
      args: [{ experiment: experimentOf('noop/noop', 'any'), documentHash: '', startedBy: 'a test' }],
    });
    const { status, reason } = (await handle.result()) as RunResult;
    assert.equal(status, 'aborted');
    assert.match(reason, /^min-healthy: cannot be read: .*the cluster does not answer/);
  });
});
