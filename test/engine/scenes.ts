/**
 * Scenes: a run that holds, something that is done to it, and the clean slate afterwards.
 *
 * The fault is one that its targets do not end by themselves, unless a scene says otherwise.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { WorkflowHandle } from '@temporalio/client';
import { ledgerFile } from '../../activities/faults/ledger-file.ts';
import { pausing } from '../../bench/torture/experiment.ts';
import { Lane } from '../../bench/torture/lane.ts';
import { Victims } from '../../bench/torture/victims.ts';
import type { Experiment } from '../../domain/experiment.ts';
import { startRun } from '../../workers/start-run.ts';
import type { RunResult, Story } from '../../workflows/messages.ts';
import { until } from '../until.ts';
import { assertCleanSlate } from './clean-slate.ts';

/** One stage of two targets. */
export const TWO = [{ kind: 'count', count: 2, text: '2' }] as const;

/** What a scene is played with: a run that holds, its lease, and the processes that stand still. */
export interface Scene {
  readonly handle: WorkflowHandle;
  readonly lease: WorkflowHandle;
  readonly victims: Victims;
}

/** One installation, and a group of processes for each scene. */
export class Scenes<Group extends string> {
  readonly folder: string;
  readonly lane: Lane;

  private constructor(folder: string, lane: Lane) {
    this.folder = folder;
    this.lane = lane;
  }

  static async open<Group extends string>(groups: readonly Group[]): Promise<Scenes<Group>> {
    const folder = await mkdtemp(join(tmpdir(), 'squall-scenes-'));
    const lane = new Lane(folder, 'scenes', { groups });
    await lane.up();
    return new Scenes(folder, lane);
  }

  async close(): Promise<void> {
    await this.lane.down();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** A run that holds, and the clean slate after what `act` does to it. */
  readonly held = async (
    group: Group,
    act: (scene: Scene) => Promise<unknown>,
    { fault = 'host/undying-pause', ...change }: Partial<Experiment> = {},
  ): Promise<void> => {
    const victims = await Victims.start(join(this.folder, 'victims'), group, 3);
    try {
      const experiment = {
        ...pausing({ fault, group, seed: 'any', ttlMs: 6_000, stages: [2], holdMs: 600_000 }),
        ...change,
      };
      const handle = await startRun(this.lane.client, group, { experiment, documentHash: '', startedBy: 'a test' });
      await until(async () => victims.stopped().length >= 2 && (await this.phaseOf(handle)) === 'holding');
      await act({ handle, lease: this.lane.client.workflow.getHandle(`${group}/stage-1`), victims });
      await assertCleanSlate(this.lane, group, victims);
    } finally {
      await victims.end();
    }
  };

  story(handle: WorkflowHandle): Promise<Story> {
    return handle.query<Story, [number]>('story', 0);
  }

  phaseOf(handle: WorkflowHandle): Promise<string> {
    return this.story(handle).then(
      ({ state }) => state.phase,
      () => 'no answer',
    );
  }

  /** Whether every fault of the group's run is on, and was renewed a millisecond or more after it was put on: so says the ledger. */
  renewed(group: Group): boolean {
    const ledger = new DatabaseSync(ledgerFile(this.lane.state), { readOnly: true });
    try {
      const select =
        "SELECT changed - 1 > not_after - not_after_ms AS renewed FROM faults WHERE run = ? AND state = 'active'";
      const rows = ledger.prepare(select).all(group);
      return rows.length > 0 && rows.every(({ renewed }) => renewed === 1);
    } finally {
      ledger.close();
    }
  }

  /** By name, since a reset goes on in another execution. */
  async endOf({ workflowId }: WorkflowHandle): Promise<RunResult> {
    return (await this.lane.client.workflow.getHandle(workflowId).result()) as RunResult;
  }
}
