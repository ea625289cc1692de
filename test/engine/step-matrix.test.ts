/** The step matrix: whatever happens at whichever step of a run, the slate is clean afterwards. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { WorkflowHandle } from '@temporalio/client';
import { reserve } from '../../activities/admission/budget.ts';
import { processTable } from '../../activities/faults/host/process-table.ts';
import { targetId } from '../../activities/faults/host/target.ts';
import { pausing } from '../../bench/torture/experiment.ts';
import { Lane } from '../../bench/torture/lane.ts';
import { Victims } from '../../bench/torture/victims.ts';
import type { Experiment } from '../../domain/experiment.ts';
import { targetKey } from '../../domain/target-key.ts';
import type { RunResult } from '../../workflows/messages.ts';
import { startRun } from '../../workers/start-run.ts';
import { ask } from '../admission/asking.ts';
import { until } from '../until.ts';
import { assertCleanSlate, holdersOf } from './clean-slate.ts';
import { steadily } from './steadily.ts';
import { BLOWS, endsOf, STEPS, trapped } from './trap.ts';

/** Long: a machine that is busy with all the runs at once may give a worker no turn for some seconds. */
const TTL_MS = 15_000;
const cells = STEPS.flatMap((step) => BLOWS.map((blow) => ({ step, blow, run: trapped(step, blow) })));

type Cell = (typeof cells)[number];

/** How a run has ended, and whether its trap has sprung. */
interface Lived {
  readonly status: string;
  readonly deviated: boolean | null;
  readonly reason: string;
  readonly sprung: boolean;
}

const WORKERS = ['control', 'site'] as const;
/** The worker that does a step. */
const workerOf = (step: Cell['step']): (typeof WORKERS)[number] =>
  ['record', 'admit', 'queue', 'attend', 'close'].includes(step) ? 'control' : 'site';

describe('the step matrix', () => {
  /** One for each kind of worker that is killed. */
  const lanes = {} as Record<(typeof WORKERS)[number], Lane>;
  before(async () => {
    for (const part of WORKERS) {
      const lane = new Lane(await mkdtemp(join(tmpdir(), 'squall-matrix-')), 'matrix', {
        groups: cells.map(({ run }) => run),
        worker: join(import.meta.dirname, 'trapped-worker.ts'),
      });
      lanes[part] = lane;
      await lane.up();
    }
  });
  after(async () => {
    for (const lane of Object.values(lanes)) {
      const holders = holdersOf(lane);
      await lane.down();
      await rm(lane.folder, { recursive: true, force: true });
      assert.deepEqual(holders, [], 'holders that outlived every fault');
    }
  });

  describe('one run among others', { concurrency: 7 }, () => {
    for (const cell of cells.filter(({ blow }) => blow !== 'kill')) {
      it(`${cell.step}: ${cell.blow}`, () => live(cell, (again) => play(lanes.site, cell, again)));
    }
  });

  // A killed worker is everybody's of its lane: these go one after the other.
  describe('one run at a time', { concurrency: WORKERS.length }, () => {
    for (const part of WORKERS) {
      describe(part, { concurrency: 1 }, () => {
        for (const cell of cells.filter(({ step, blow }) => blow === 'kill' && workerOf(step) === part))
          it(`${cell.step}: kill the worker`, () =>
            live(cell, async (again) => {
              const lane = lanes[part];
              const restarted = lane.gone(part).then(() => lane.start(part));
              const lived = await play(lane, cell, again);
              if (lived.sprung) await restarted;
              return lived;
            }));
      });
    }
  });

  /** What can end only as completed is played again where somebody just came too late. */
  async function live({ step, blow }: Cell, playing: (again?: string) => Promise<Lived>): Promise<void> {
    const ends = endsOf(step, blow);
    const { status, deviated, reason, sprung } = await (ends.join() === 'completed' ? steadily(playing) : playing());
    assert.ok(sprung, `the trap has not sprung: ${status}, ${reason}`);
    assert.ok(ends.includes(status), `ended ${status}, expected ${ends.join(' or ')}: ${reason}`);
    assert.equal(deviated, status === 'completed' ? false : null);
  }

  /** `again`: what the run is named besides, where it is not the first of its cell. */
  async function play(lane: Lane, { step, blow, run: group }: Cell, again?: string): Promise<Lived> {
    const run = trapped(step, blow, again);
    const sprung = (): boolean => existsSync(join(lane.folder, `${run}.sprung`));
    const victims = await Victims.start(join(lane.folder, 'victims'), group, 3);
    try {
      const rival = step === 'queue' ? await rivalFor(lane, run, victims) : undefined;
      const paused = pausing({
        fault: 'host/pause',
        group,
        seed: run,
        ttlMs: TTL_MS,
        stages: [1, 2],
        // Who is killed may leave it unwatched, unless it is over by then. Of all others half must be watched: a probe that does not
        // answer in its two seconds, or a watch that failed and is begun again a second later, may cost a little less than three.
        holdMs: blow === 'kill' && step !== 'close' ? 1_500 : 6_000,
      });
      const experiment: Experiment = {
        ...paused,
        blastRadius: { ...paused.blastRadius, ...(rival ? { waitMs: 60_000 } : {}) },
        preconditions: { minHealthy: { kind: 'count', count: 1, text: '1' } },
      };
      const handle = await startRun(lane.client, run, { experiment, documentHash: '', startedBy: 'the step matrix' });
      if (rival) await until(sprung);
      await rival?.terminate();
      const { status, deviated, reason } = await handle.result().then(
        (result) => result as RunResult,
        async () => ({ status: (await handle.describe()).status.name, deviated: null, reason: '' }),
      );
      await assertCleanSlate(lane, run, victims);
      return { status, deviated, reason, sprung: sprung() };
    } finally {
      await victims.end();
    }
  }

  /** Another that holds all that the run wants, until it is terminated: nobody serves it. */
  async function rivalFor(lane: Lane, run: string, victims: Victims): Promise<WorkflowHandle> {
    const table = processTable();
    const keys = await Promise.all(
      victims.pids.map(async (pid, i) => {
        const { start = '' } = (await table.get(pid)) ?? {};
        return targetKey(targetId({ group: victims.group, member: `${victims.group}-${i + 1}`, pid, start }));
      }),
    );
    const name = `rival-of-${run}`;
    const rival = await lane.client.workflow.start('holder', { workflowId: name, taskQueue: 'nobody' });
    const asked = ask({ run: name, execution: rival.firstExecutionRunId }, keys);
    const answer = await reserve(lane.client, 'torture', asked, AbortSignal.timeout(60_000), () => true);
    assert.equal(answer.answer, 'granted');
    return rival;
  }
});
