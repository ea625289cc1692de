/**
 * Ending the runs of a game day that is not there any more to do so itself: it was reset, and they are another execution's children.
 *
 * Owns the looking for them in the record, which names each before it begins, and the waiting for their rollback.
 */
import { WorkflowNotFoundError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import type { GameDayEvent } from '../../domain/game-day-events.ts';
import type { DayStore } from '../journal/store.ts';
import { ticks } from '../watch.ts';
import type { EndedRun, EndRunsInput } from './interface.ts';

/** Time between two looks, in milliseconds. */
const LOOK_MS = 500;

/** Aborts each that is open, and returns once none is. Rejects when `signal` aborts, or the record cannot be read. */
export async function endRuns(
  days: DayStore,
  client: Client,
  { day, reason }: EndRunsInput,
  signal: AbortSignal,
): Promise<readonly EndedRun[]> {
  const { events = [] } = (await days.read(day)) ?? {};
  const over = new Set(events.flatMap((event) => (event.type === 'run-ended' ? [event.run] : [])));
  const open = events.filter((event) => event.type === 'run').filter(({ run }) => !over.has(run));
  return Promise.all(open.map((run) => endRun(client, run, day, reason, signal)));
}

async function endRun(
  client: Client,
  { run, scenario }: Extract<GameDayEvent, { type: 'run' }>,
  day: string,
  reason: string,
  signal: AbortSignal,
): Promise<EndedRun> {
  const handle = client.workflow.getHandle(run);
  let told = false;
  for await (const _ of ticks(LOOK_MS, signal)) {
    try {
      if (!told) await handle.signal('abort', { mode: 'immediate', reason, by: `the game day ${day}` });
      told = true;
      const { status } = await handle.describe();
      if (status.name === 'RUNNING' || status.name === 'PAUSED') continue;
      if (status.name !== 'COMPLETED') return ended(run, scenario, status.name.toLowerCase(), reason);
      const said = (await handle.result()) as Omit<EndedRun, 'scenario'>;
      return { run, scenario, status: said.status, deviated: said.deviated, reason: said.reason };
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) continue;
      // A run that is closed takes no signal; one that never began is not there.
      if (!told) told = true;
      else return ended(run, scenario, 'not begun', reason);
    }
  }
  throw signal.reason;
}

function ended(run: string, scenario: number, status: string, reason: string): EndedRun {
  return { run, scenario, status, deviated: null, reason };
}
