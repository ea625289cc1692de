/**
 * The game day that somebody names.
 *
 * Owns the difference between a day and what else is a workflow here, and the question where it is. Whoever waits for the answer of anything
 * else waits for ever.
 */
import { WorkflowNotFoundError } from '@temporalio/client';
import type { Client, WorkflowExecutionDescription, WorkflowHandle } from '@temporalio/client';
import { dayStoryQuery } from '../workflows/messages.ts';
import type { DayStory } from '../workflows/messages.ts';
import { UsageError } from './failure.ts';

const LIST = '`squall gameday list` shows those there are';
/** How long a day may take to answer, in milliseconds. */
const ANSWER_MS = 5_000;

/** Throws a {@link UsageError} where `day` is none; rejects where Temporal cannot be asked. */
export async function theDay(
  client: Client,
  day: string,
): Promise<{ readonly handle: WorkflowHandle; readonly described: WorkflowExecutionDescription }> {
  if (day === '') throw new UsageError(`found no game day, expected the name of one; ${LIST}`);
  const handle = client.workflow.getHandle(day);
  const described = await handle.describe().catch((error: unknown) => {
    if (error instanceof WorkflowNotFoundError) throw new UsageError(`there is no game day ${day}; ${LIST}`);
    throw error;
  });
  if (described.type !== 'gameDay')
    throw new UsageError(`${day} is no game day, but of type ${described.type}; ${LIST}`);
  return { handle, described };
}

/** Where it is, from its own mouth; undefined where no control worker answers for it. */
export function storyOf(client: Client, handle: WorkflowHandle, fromSeq = 0): Promise<DayStory | undefined> {
  return client.withDeadline(Date.now() + ANSWER_MS, () => handle.query(dayStoryQuery, fromSeq)).catch(() => undefined);
}
