/** Dead-man: what dies for good in mid-fault takes the fault with it; what comes back in time ends nothing. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { monotonicMs } from '../../activities/faults/clock.ts';
import { ledgerFile } from '../../activities/faults/ledger-file.ts';
import { pausing } from '../../bench/torture/experiment.ts';
import { Lane } from '../../bench/torture/lane.ts';
import type { Part } from '../../bench/torture/lane.ts';
import { Victims } from '../../bench/torture/victims.ts';
import type { RunResult } from '../../workflows/messages.ts';
import { startRun } from '../../workers/start-run.ts';
import { ROOT } from '../readme/blocks.ts';
import { record } from '../replay/record.ts';
import { until } from '../until.ts';
import { holdersOf } from './clean-slate.ts';
import { steadily } from './steadily.ts';

const GROUP = 'payments';
const TTL_MS = 6_000;
/**
 * The holder sees that a fault's time is over at its next look at the ledger: every 100 ms, and it may wait 200 ms for the
 * file. In milliseconds, with a second more for its turn on a busy machine.
 */
const LOOK_MS = 1_300;
/** How late that may be on a machine that stands still meanwhile, in milliseconds: far less than the fault was to be held. */
const STALL_MS = 15_000;

/** A lane with one run in mid-fault. */
interface Scene {
  readonly lane: Lane;
  readonly victims: Victims;
  /** How the run ends. */
  readonly result: () => Promise<RunResult>;
}

async function inMidFault<Done>(ttlMs: number, holdMs: number, act: (scene: Scene) => Promise<Done>): Promise<Done> {
  const folder = await mkdtemp(join(tmpdir(), 'squall-dead-man-'));
  const lane = new Lane(folder, 'dead-man', { groups: [GROUP] });
  const victims = await Victims.start(join(folder, 'victims'), GROUP, 3);
  try {
    await lane.up();
    const experiment = pausing({ fault: 'host/pause', group: GROUP, seed: 'any', ttlMs, stages: [2], holdMs });
    const handle = await startRun(lane.client, 'run', { experiment, documentHash: '', startedBy: 'a test' });
    await until(() => victims.stopped().length === 2, 'the fault is on');
    // Only a fault that is being renewed shows that renewal stops.
    await renewals(lane, 2);
    const done = await act({ lane, victims, result: async () => (await handle.result()) as RunResult });
    await until(() => holdersOf(lane).length === 0, 'no holder is left');
    return done;
  } finally {
    await lane.down();
    await victims.end();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Waits until the fault's end, as the ledger has it, was moved `count` times. */
async function renewals(lane: Lane, count: number): Promise<void> {
  const seen = new Set<number>();
  await until(() => {
    seen.add(deadlineMs(lane));
    return seen.size > count;
  }, 'the fault is renewed');
}

/** When the last of the lane's faults is to end, or was: the deadline which the ledger promises, on its clock. */
function deadlineMs(lane: Lane): number {
  const ledger = new DatabaseSync(ledgerFile(lane.state), { readOnly: true });
  try {
    return Number(ledger.prepare('SELECT MAX(deadline) AS deadline FROM faults').get()?.['deadline']);
  } finally {
    ledger.close();
  }
}

/** Waits until no victim is stopped; returns when one last was, on the ledger's clock. */
async function lastStoppedMs(victims: Victims): Promise<number> {
  let lastMs = 0;
  await until(() => {
    const lookMs = monotonicMs();
    if (victims.stopped().length === 0) return true;
    lastMs = lookMs;
    return false;
  }, 'the fault is gone');
  return lastMs;
}

const killed = (lane: Lane, parts: readonly Part[]): Promise<unknown> =>
  Promise.all(parts.map((part) => lane.kill(part)));

// One after the other: a lane that starts meanwhile would take the machine's time from the holder that is measured.
describe('killed for good, the fault is gone within its time-to-live', () => {
  const table: readonly { what: string; parts: readonly Part[] }[] = [
    { what: 'Temporal and the workers', parts: ['temporal', 'control', 'site'] },
    { what: 'the control worker', parts: ['control'] },
    { what: 'the site worker', parts: ['site'] },
  ];
  for (const { what, parts } of table) {
    it(what, () =>
      inMidFault(TTL_MS, 600_000, async ({ lane, victims }) => {
        await killed(lane, parts);
        const killedMs = monotonicMs();
        const lastMs = await lastStoppedMs(victims);
        const endMs = deadlineMs(lane);
        assert.ok(lastMs <= endMs + STALL_MS, `it was on ${lastMs - endMs} ms after its deadline`);
        // A renewal that the site had been asked for before the control worker died may come after it, once.
        if (parts.includes('site')) assert.ok(endMs <= killedMs + TTL_MS, 'it was renewed by somebody who is dead');
      }),
    );
  }
});

describe('killed for good with the holder on the target, whatever comes back first ends the fault', () => {
  const everything = async ({ lane, victims }: Scene): Promise<void> => {
    await killed(lane, ['temporal', 'control', 'site']);
    for (const pid of holdersOf(lane)) process.kill(pid, 'SIGKILL');
    await until(() => monotonicMs() > deadlineMs(lane) + LOOK_MS, 'its time is over');
    assert.equal(victims.stopped().length, 2, 'nobody is left to end it');
  };
  const squall = (lane: Lane, ...args: string[]) =>
    spawn(join(ROOT, 'bin', 'squall'), [...args, '--config', lane.config], {
      stdio: 'ignore',
      env: { ...process.env, TEMPORAL_ADDRESS: lane.address },
    });

  it('squall sweep', () =>
    inMidFault(TTL_MS, 600_000, async (scene) => {
      await everything(scene);
      const sweep = squall(scene.lane, 'sweep', '--site', 'torture');
      const code = await new Promise((resolve) => sweep.once('exit', resolve));
      assert.equal(code, 0);
      assert.deepEqual(scene.victims.stopped(), []);
    }));

  it('a site worker, although there is no Temporal', () =>
    inMidFault(TTL_MS, 600_000, async (scene) => {
      await everything(scene);
      const worker = squall(scene.lane, 'worker', '--site', 'torture');
      try {
        await until(() => scene.victims.stopped().length === 0, 'the fault is gone');
      } finally {
        worker.kill('SIGKILL');
      }
    }));
});

describe('back within the blind budget, the run goes on', { concurrency: 2 }, () => {
  /** `back` ends a worker and starts it again, which a machine that stands still may do too late. */
  const goesOn = async (back: (lane: Lane) => Promise<unknown>, name?: string): Promise<void> => {
    const { status, deviated, reason } = await steadily(() =>
      inMidFault(30_000, 60_000, async ({ lane, result }) => {
        await back(lane);
        const ended = await result();
        if (name !== undefined) await record(lane.client, 'run', name);
        return ended;
      }),
    );
    assert.deepEqual({ status, deviated }, { status: 'completed', deviated: false }, reason);
  };
  for (const part of ['control', 'site'] as const) {
    it(`the ${part} worker`, () =>
      goesOn((lane) => lane.kill(part).then(() => lane.start(part)), `${part}-worker-back`));

    it(`the ${part} worker, stopped as a release does`, () =>
      goesOn((lane) => lane.stop(part).then(() => lane.start(part))));
  }
});
