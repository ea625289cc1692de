/**
 * What a tick that has waited asks of its schedule: whether it still is to begin anything.
 *
 * Owns that a pause, which is the switch of a program, also holds back what began to wait before it.
 */
import { ScheduleNotFoundError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { scheduleId } from '../domain/program.ts';

/** How a schedule stands. */
export interface Standing {
  /** Why it is to begin nothing more; absent where it is. */
  readonly off?: string;
  /** When its next tick comes, in milliseconds since the Unix epoch; absent where none does. */
  readonly nextAtMs?: number;
}

/** Rejects where Temporal cannot be asked. */
export async function standingOf(client: Client, program: string, cadence: string): Promise<Standing> {
  try {
    const { state, info } = await client.schedule.getHandle(scheduleId(program, cadence)).describe();
    if (state.paused) return { off: `the schedule is paused: ${state.note ?? 'no reason was given'}` };
    const nextAtMs = info.nextActionTimes[0]?.getTime();
    return nextAtMs === undefined ? {} : { nextAtMs };
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return { off: 'it is scheduled no more' };
    throw error;
  }
}
