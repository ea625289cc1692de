/** The step matrix: whatever happens at whichever step of a run, the slate is clean afterwards. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pausing } from '../../bench/torture/experiment.ts';
import { Lane } from '../../bench/torture/lane.ts';
import { Victims } from '../../bench/torture/victims.ts';
import type { RunResult } from '../../workflows/messages.ts';
import { assertCleanSlate, holdersOf } from './clean-slate.ts';
import { BLOWS, STEPS, trapped } from './trap.ts';

const TTL_MS = 5_000;
const cells = STEPS.flatMap((step) => BLOWS.map((blow) => ({ step, blow, run: trapped(step, blow) })));

/** How a run may end whose step met this blow. A run that went on as if nothing had happened is the best of them. */
const ENDS: Readonly<Record<(typeof BLOWS)[number], readonly string[]>> = {
  fail: ['completed', 'inconclusive', 'refused'],
  timeout: ['completed', 'inconclusive', 'refused'],
  repeat: ['completed'],
  cancel: ['aborted', 'completed'],
  terminate: ['TERMINATED'],
  kill: ['completed', 'inconclusive', 'refused'],
};

describe('the step matrix', () => {
  let folder: string;
  let lane: Lane;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'squall-matrix-'));
    lane = new Lane(folder, 'matrix', {
      groups: cells.map(({ run }) => run),
      worker: join(import.meta.dirname, 'trapped-worker.ts'),
    });
    await lane.up();
  });
  after(async () => {
    const holders = holdersOf(lane);
    await lane.down();
    await rm(folder, { recursive: true, force: true });
    assert.deepEqual(holders, [], 'holders that outlived every fault');
  });

  describe('one run among others', { concurrency: 7 }, () => {
    for (const { step, blow, run } of cells.filter((cell) => cell.blow !== 'kill')) {
      it(`${step}: ${blow}`, () => live(run, ENDS[blow]));
    }
  });

  // A killed worker is everybody's: these go one after the other.
  describe('one run at a time', () => {
    for (const { step, run } of cells.filter((cell) => cell.blow === 'kill')) {
      it(`${step}: kill the worker`, async () => {
        const part = step === 'record' ? 'control' : 'site';
        const restarted = lane.gone(part).then(() => lane.start(part));
        await live(run, ENDS.kill);
        await restarted;
      });
    }
  });

  async function live(run: string, ends: readonly string[]): Promise<void> {
    const victims = await Victims.start(join(folder, 'victims'), run, 2);
    try {
      const experiment = pausing({
        fault: 'host/pause',
        group: run,
        seed: run,
        ttlMs: TTL_MS,
        stages: [1, 2],
        holdMs: 800,
      });
      const handle = await lane.client.workflow.start('experiment', {
        workflowId: run,
        taskQueue: 'control',
        workflowTaskTimeout: '2s',
        args: [{ experiment, documentHash: '', startedBy: 'the step matrix' }],
      });
      const ended = await handle.result().then(
        (result) => (result as RunResult).status,
        async () => (await handle.describe()).status.name,
      );
      assert.ok(existsSync(join(folder, `${run}.sprung`)), 'the trap has not sprung');
      assert.ok(ends.includes(ended), `ended ${ended}, expected ${ends.join(' or ')}`);
      await assertCleanSlate(lane, run, victims);
    } finally {
      await victims.end();
    }
  }
});
