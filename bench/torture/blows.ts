/**
 * Blows: what is done to an installation in mid-experiment.
 *
 * Owns the list. Each blow strikes, and says how the world is put right again (a supervisor restarting what died, a
 * partition that heals); it must never help Squall to clean up.
 */
import { readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { ledgerFile } from '../../activities/faults/ledger-file.ts';
import type { Harmed } from './arena.ts';
import type { Lane } from './lane.ts';
import type { Mood } from './plugin.ts';
import { moodFile } from './plugin.ts';

/** What a blow strikes: a lane, the runs that are under way in it, and what they harm, for at most a time-to-live by themselves. */
export interface Struck {
  readonly lane: Lane;
  readonly runs: readonly string[];
  readonly victims: readonly Harmed[];
  readonly ttlMs: number;
  /** Decides how long something lasts. */
  readonly random: () => number;
}

/** One blow. `strike` returns how the world is put right. */
export interface Blow {
  readonly name: string;
  /** Set before the run starts: the drivers' mood. */
  readonly mood?: Mood;
  /** The only kind of what is harmed that it strikes; all unless said. */
  readonly only?: string;
  strike(struck: Struck): Promise<() => Promise<void>>;
}

/** How long a site worker that came back is without Temporal, in milliseconds. */
const SITE_ALONE_MS = 3_000;

const nothing = async (): Promise<void> => undefined;

function kills(name: string, parts: readonly ('temporal' | 'control' | 'site')[]): Blow {
  return {
    name,
    async strike({ lane }) {
      await Promise.all(parts.map((part) => lane.kill(part)));
      return async () => {
        // Workers come back at their own pace; Temporal first, as they need it.
        if (parts.includes('temporal')) await lane.start('temporal');
        await Promise.all(parts.filter((part) => part !== 'temporal').map((part) => lane.start(part)));
      };
    },
  };
}

/** A blow against every run by its workflows; errors mean that there was nothing left to strike. */
function tells(
  name: string,
  tell: (handles: { run: WorkflowHandle; leases: WorkflowHandle[] }, lane: Lane) => Promise<unknown>,
): Blow {
  return {
    name,
    async strike({ lane, runs }) {
      await Promise.all(
        runs.map(async (run) => {
          const handle = (id: string): WorkflowHandle => lane.client.workflow.getHandle(id);
          const leases = [1, 2, 3].map((stage) => handle(`${run}/stage-${stage}`));
          await tell({ run: handle(run), leases }, lane).catch(() => undefined);
        }),
      );
      return nothing;
    },
  };
}

const terminateAll = (handles: readonly WorkflowHandle[]): Promise<unknown> =>
  Promise.allSettled(handles.map((handle) => handle.terminate('torture')));

/** Resets a workflow to its first completed task, or to its last. */
export async function reset(handle: WorkflowHandle, lane: Lane, to: 'first' | 'last'): Promise<void> {
  const { events } = await handle.fetchHistory();
  const completed = (events ?? []).filter((event) => event.workflowTaskCompletedEventAttributes);
  const point = to === 'first' ? completed[0] : completed.at(-1);
  await lane.client.workflowService.resetWorkflowExecution({
    namespace: 'default',
    workflowExecution: { workflowId: handle.workflowId },
    workflowTaskFinishEventId: point?.eventId ?? null,
    requestId: crypto.randomUUID(),
    reason: 'torture',
  });
}

function moods(name: string, mood: Mood): Blow {
  return {
    name,
    mood,
    async strike({ lane }) {
      return () => rm(moodFile(lane.state), { force: true });
    },
  };
}

function cuts(part: 'control' | 'site'): Blow {
  return {
    name: `cut the ${part} worker off`,
    async strike({ lane }) {
      lane.cut(part);
      return async () => lane.mend();
    },
  };
}

/** The holders' pids, from the ledger and nothing else of Squall. */
function holders(lane: Lane): number[] {
  const ledger = new DatabaseSync(ledgerFile(lane.state), { readOnly: true });
  try {
    return ledger
      .prepare('SELECT DISTINCT holder_pid AS pid FROM faults WHERE holder_pid IS NOT NULL')
      .all()
      .map(({ pid }) => Number(pid));
  } finally {
    ledger.close();
  }
}

function isHolder(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('holder');
  } catch {
    return false;
  }
}

/** A release: the workers are told to stop, end in their own way, and come back. */
function releases(name: string, parts: readonly ('control' | 'site')[]): Blow {
  return {
    name,
    async strike({ lane }) {
      await Promise.all(parts.map((part) => lane.stop(part)));
      return async () => void (await Promise.all(parts.map((part) => lane.start(part))));
    },
  };
}

const holderKilled = async ({ lane }: Struck): Promise<void> => {
  for (const pid of holders(lane).filter(isHolder)) signalIfThere(pid, 'SIGKILL');
};

/** A holder that ended by itself meanwhile has nothing left to hold. */
function signalIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    return;
  }
}

/** Every blow. */
export const BLOWS: readonly Blow[] = [
  kills('kill the control worker', ['control']),
  kills('kill the site worker', ['site']),
  kills('kill both workers', ['control', 'site']),
  releases('SIGTERM the control worker', ['control']),
  releases('SIGTERM the site worker', ['site']),
  releases('SIGTERM both workers', ['control', 'site']),
  kills('kill Temporal', ['temporal']),
  kills('kill Temporal and both workers', ['temporal', 'control', 'site']),
  tells('terminate the run', ({ run }) => terminateAll([run])),
  tells('terminate the leases', ({ leases }) => terminateAll(leases)),
  tells('terminate run and leases', ({ run, leases }) => terminateAll([run, ...leases])),
  tells('cancel the run', ({ run }) => run.cancel()),
  tells('cancel the leases', ({ leases }) => Promise.allSettled(leases.map((lease) => lease.cancel()))),
  tells('reset the run to its first task', ({ run }, lane) => reset(run, lane, 'first')),
  tells('reset the run to its last task', ({ run }, lane) => reset(run, lane, 'last')),
  tells('reset the leases', ({ leases }, lane) =>
    Promise.allSettled(leases.map((lease) => reset(lease, lane, 'last'))),
  ),
  {
    name: 'wedge the run by a nondeterministic deploy',
    async strike({ lane }) {
      await lane.kill('control');
      lane.wedged = true;
      await lane.start('control');
      return nothing;
    },
  },
  cuts('control'),
  cuts('site'),
  moods('lose the replies of inject', 'lose-reply'),
  moods('stall inject past its timeout', 'stall'),
  {
    ...moods('make revert fail for a while', 'fail-revert'),
    async strike({ lane, runs }) {
      await Promise.all(
        runs.map((run) =>
          lane.client.workflow
            .getHandle(run)
            .cancel()
            .catch(() => undefined),
        ),
      );
      return () => rm(moodFile(lane.state), { force: true });
    },
  },
  {
    name: 'kill the holder',
    async strike(struck) {
      await holderKilled(struck);
      return nothing;
    },
  },
  {
    name: 'freeze the holder',
    async strike({ lane }) {
      for (const pid of holders(lane).filter(isHolder)) signalIfThere(pid, 'SIGSTOP');
      return nothing;
    },
  },
  {
    name: 'kill holder, workers and Temporal',
    async strike(struck) {
      await Promise.all((['temporal', 'control', 'site'] as const).map((part) => struck.lane.kill(part)));
      await holderKilled(struck);
      return async () => {
        // The site worker is back first, and sweeps while it waits for Temporal.
        const site = struck.lane.start('site');
        await sleep(SITE_ALONE_MS);
        await struck.lane.start('temporal');
        await Promise.all([site, struck.lane.start('control')]);
      };
    },
  },
];

/** Sets the drivers' mood for runs that start from now on. */
export async function setMood(lane: Lane, mood: Mood | undefined): Promise<void> {
  if (mood) await writeFile(moodFile(lane.state), mood);
  else await rm(moodFile(lane.state), { force: true });
}
