/**
 * Saying to a game day what somebody does in it.
 *
 * Owns the proof that goes with it, and the difference between a day that refuses and one that does not answer.
 */
import { WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { actText } from '../domain/game-day-acts.ts';
import type { DayAct } from '../domain/game-day-acts.ts';
import type { DayPhase } from '../domain/game-day-state.ts';
import type { Claim } from '../domain/identity.ts';
import { dayActUpdate } from '../workflows/messages.ts';
import { prove } from './who.ts';

/** How long a day may take to do it, in milliseconds: a name may have to be proven. */
const DONE_MS = 30_000;

/** What came of an act: where the day is then, or why it was not done; `over`: since there is no such day any more. */
export type Told =
  | { readonly by: string; readonly phase: DayPhase }
  | { readonly by: string; readonly refused: string; readonly over: boolean };

/**
 * Says it to the execution that was looked at, as whoever this process acts for, or as whoever `claim` says. Rejects where nobody answers:
 * it may have been done then.
 */
export async function tellDay(
  client: Client,
  handle: WorkflowHandle,
  execution: string,
  act: DayAct,
  claim?: Claim,
): Promise<Told> {
  const said = claim ?? (await proven(handle.workflowId, execution, act));
  const { by } = said;
  try {
    const phase = await client.withDeadline(Date.now() + DONE_MS, () =>
      handle.executeUpdate(dayActUpdate, { args: [{ claim: said, execution, act }] }),
    );
    return { by, phase };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return { by, refused: `${handle.workflowId} is over`, over: true };
    if (!(error instanceof WorkflowUpdateFailedError)) throw error;
    return { by, refused: error.cause?.message ?? error.message, over: false };
  }
}

async function proven(day: string, execution: string, act: DayAct): Promise<Claim> {
  const signedAtMs = Date.now();
  const claim = await prove({ act: 'game-day', of: day, what: actText(act, execution, signedAtMs) });
  return claim.signature === undefined ? claim : { ...claim, signedAtMs };
}

/** What is said of an act that was done. */
export const DONE: Readonly<Record<DayAct['act'], string>> = {
  begin: 'begun',
  approve: 'approved',
  pause: 'paused; what runs goes on',
  resume: 'resumed',
  skip: 'skipped',
  abort: 'aborted; what runs is rolled back',
  extend: 'extended',
  note: 'noted',
  finding: 'written down',
  action: 'written down',
  judge: 'judged',
  done: 'done',
};
