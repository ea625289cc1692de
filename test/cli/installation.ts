/**
 * An installation for the command line to work with: a server, workers, and processes to do faults to.
 *
 * Owns the check after each experiment that nothing of its fault is left on its processes.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Lane } from '../../bench/torture/lane.ts';
import type { LaneOptions } from '../../bench/torture/lane.ts';
import { Victims } from '../../bench/torture/victims.ts';
import { storyQuery } from '../../workflows/messages.ts';
import { holdersOf } from '../engine/clean-slate.ts';
import { until } from '../until.ts';
import type { Started } from './squall.ts';

/** An experiment that pauses two of three processes of `group`. */
export const documentOf = (group: string, hold: string, max = 1): string => `experiment: ${group}
hypothesis: The level stays at ${max} or below
steadyState:
  - { probe: level, max: ${max} }
fault: host/pause
targets: { site: torture, group: ${group} }
blastRadius: { stages: [1, 2], hold: ${hold} }
stopConditions:
  - { probe: level, above: 5, for: 1s, abort: immediate }
recoverWithin: 15s
sampleEvery: 200ms
timeToLive: 30s
`;

/** One installation, whose site has `Group`s of processes. */
export class Installation<Group extends string> {
  readonly folder: string;
  readonly lane: Lane;
  /** With which `squall` finds it. */
  readonly env: Record<string, string>;

  private constructor(folder: string, lane: Lane) {
    this.folder = folder;
    this.lane = lane;
    this.env = { TEMPORAL_ADDRESS: lane.address, SQUALL_CONFIG: lane.config };
  }

  static async open<Group extends string>(
    groups: readonly Group[],
    options: Omit<LaneOptions, 'groups'> = {},
  ): Promise<Installation<Group>> {
    const folder = await mkdtemp(join(tmpdir(), 'squall-cli-'));
    const lane = new Lane(folder, 'cli', { groups, ...options });
    await lane.up();
    return new Installation(folder, lane);
  }

  async close(): Promise<void> {
    await this.lane.down();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** A document on disk, and the processes it is about; nothing of the fault is left on them afterwards. */
  readonly about = async (
    group: Group,
    hold: string,
    act: (file: string, victims: Victims) => Promise<void>,
  ): Promise<void> => {
    const victims = await Victims.start(join(this.folder, 'victims'), group, 3);
    try {
      const file = join(this.folder, `${group}.yaml`);
      await writeFile(file, documentOf(group, hold));
      await act(file, victims);
      assert.deepEqual(victims.stopped(), []);
      await until(() => holdersOf(this.lane).length === 0);
    } finally {
      await victims.end();
    }
  };
}

/** Waits until `count` of the victims are stopped. */
export function underway(victims: Victims, count = 1): Promise<void> {
  return until(() => victims.stopped().length >= count);
}

/** The name of the run that `squall run` has printed. */
export function nameOf(run: Started): string {
  return /^(\S+):/.exec(run.out())?.[1] ?? assert.fail(run.out());
}

/** The hash of the plan that a run waits with, once it does. */
export async function planAwaited({ client }: Lane, run: string): Promise<string> {
  let plan: string | undefined;
  await until(async () => {
    const story = await client.workflow
      .getHandle(run)
      .query(storyQuery, 0)
      .catch(() => undefined);
    plan = story?.awaiting?.plan;
    return plan !== undefined;
  });
  return plan ?? assert.fail();
}
