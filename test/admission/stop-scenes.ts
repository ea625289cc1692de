/**
 * Scenes of the emergency stop: a run that is stopped on its way, the clean slate after it, and the latch's release.
 *
 * The fault is one that its targets do not end by themselves, unless a scene says otherwise.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import proto from '@temporalio/proto';
import { openFileStore } from '../../activities/journal/file.ts';
import { pausing } from '../../bench/torture/experiment.ts';
import type { Lane, LaneOptions } from '../../bench/torture/lane.ts';
import { Victims } from '../../bench/torture/victims.ts';
import { stopIdsFor } from '../../domain/emergency-stop.ts';
import type { Experiment } from '../../domain/experiment.ts';
import type { JournalEvent } from '../../domain/journal.ts';
import { startRun } from '../../workers/start-run.ts';
import { startStop } from '../../workers/start-stop.ts';
import { resumeSignal } from '../../workflows/messages.ts';
import type { RunResult, Story } from '../../workflows/messages.ts';
import { Installation } from '../cli/installation.ts';
import { assertCleanSlate } from '../engine/clean-slate.ts';
import { until } from '../until.ts';

const { PendingActivityState } = proto.temporal.api.enums.v1;

/** What a scene is played with. */
export interface Scene {
  readonly handle: WorkflowHandle;
  readonly lease: WorkflowHandle;
  readonly victims: Victims;
}

/** How it ended. */
export interface Ended {
  readonly result: RunResult;
  readonly events: readonly JournalEvent[];
  /** Whether a process was ever seen to stand still. */
  readonly touched: boolean;
}

/** Stages of one and of two targets, each held so long. */
export const twoStages = (holdMs: number): Experiment['blastRadius'] => ({
  stages: [1, 2].map((count) => ({ kind: 'count', count, text: `${count}` })),
  holdMs,
  seed: 'any',
});

/** One installation, and a group of three processes for each scene. */
export class StopScenes<Group extends string> {
  readonly folder: string;
  readonly lane: Lane;
  readonly #installation: Installation<Group>;

  private constructor(installation: Installation<Group>) {
    this.#installation = installation;
    ({ folder: this.folder, lane: this.lane } = installation);
  }

  static async open<Group extends string>(
    groups: readonly Group[],
    options: Omit<LaneOptions, 'groups'> = {},
  ): Promise<StopScenes<Group>> {
    return new StopScenes(await Installation.open(groups, options));
  }

  close(): Promise<void> {
    return this.#installation.close();
  }

  /** A run of its own, to its end, with what `act` does to it on its way. */
  async play(group: Group, change: Partial<Experiment>, act: (scene: Scene) => Promise<unknown>): Promise<Ended> {
    const victims = await Victims.start(join(this.folder, 'victims'), group, 3);
    try {
      const handle = await this.begin(group, group, change);
      await act({ handle, lease: this.lane.client.workflow.getHandle(`${group}/stage-1`), victims });
      const result = (await handle.result()) as RunResult;
      await assertCleanSlate(this.lane, group, victims);
      return { result, events: await this.journal(group), touched: victims.firstStoppedMs !== undefined };
    } finally {
      await victims.end();
    }
  }

  begin(run: string, group: Group, change: Partial<Experiment> = {}): Promise<WorkflowHandle> {
    const pause = pausing({ fault: 'host/undying-pause', group, seed: group, ttlMs: 30_000, stages: [1] });
    const experiment: Experiment = { ...pause, name: run, blastRadius: twoStages(600_000), ...change };
    return startRun(this.lane.client, run, { experiment, documentHash: '', startedBy: 'a test' });
  }

  stop(reason: string): Promise<WorkflowHandle> {
    return startStop(this.lane.client, { reason, by: 'a test' });
  }

  /** Fails where anybody is let in while the stop is on. */
  async nobodyIsAdmitted(group: Group): Promise<void> {
    const handle = await this.begin(`${group}-afterwards`, group);
    await this.wasRefused(handle);
  }

  /** Fails where this run was let in. */
  async wasRefused(handle: WorkflowHandle): Promise<void> {
    const { status, reason } = (await handle.result()) as RunResult;
    assert.equal(status, 'refused', reason);
    assert.match(reason, /^emergency-stop: everything is stopped/);
    const types = (await this.journal(handle.workflowId)).map(({ type }) => type);
    assert.ok(types.includes('closed') && !types.includes('stage-opened'), types.join(', '));
  }

  /** Releases every latch there is. */
  async release(): Promise<void> {
    for (const id of stopIdsFor('torture')) {
      const latch = this.lane.client.workflow.getHandle(id);
      await latch.signal(resumeSignal, { by: 'a test', reason: 'it is over' }).then(
        () => latch.result(),
        () => undefined,
      );
    }
  }

  /** What is written of a run so far. */
  async journal(run: string): Promise<readonly JournalEvent[]> {
    const journal = await openFileStore(join(this.folder, 'journal')).read(run);
    return journal?.events ?? [];
  }

  story(handle: WorkflowHandle): Promise<Story> {
    return handle.query<Story, [number]>('story', 0);
  }

  /** Waits until the run is in `phase`. */
  reaches(handle: WorkflowHandle, phase: string): Promise<void> {
    return until(() =>
      this.story(handle).then(
        ({ state }) => state.phase === phase,
        () => false,
      ),
    );
  }

  /** Waits until the run stands in the budget's queue. */
  queues(handle: WorkflowHandle): Promise<void> {
    return until(() =>
      this.story(handle).then(
        ({ events }) =>
          events.some((event) => event.type === 'admission' && event.guards.some(({ waits }) => waits === true)),
        () => false,
      ),
    );
  }
}

/** The attempt that an activity of this type is at, counted from 1; 0 where no attempt is under way or awaited. */
export async function attemptOf(handle: WorkflowHandle, type: string): Promise<number> {
  const { raw } = await handle.describe();
  return raw.pendingActivities?.find(({ activityType }) => activityType?.name === type)?.attempt ?? 0;
}

/** Whether a worker is at work on an activity of this type. */
export async function isUnderWay(handle: WorkflowHandle, type: string): Promise<boolean> {
  const { raw } = await handle.describe().catch(() => ({ raw: undefined }));
  return (raw?.pendingActivities ?? []).some(
    ({ activityType, state }) =>
      activityType?.name === type && state === PendingActivityState.PENDING_ACTIVITY_STATE_STARTED,
  );
}

/** Whether the workflow has been told of a stop, or of something else. */
export async function wasTold(handle: WorkflowHandle, of = 'stop'): Promise<boolean> {
  const { events } = await handle.fetchHistory();
  return (events ?? []).some(({ workflowExecutionSignaledEventAttributes: told }) => told?.signalName === of);
}
