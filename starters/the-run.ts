/**
 * The run that somebody names.
 *
 * Owns the difference between a run and what else is a workflow here: a lease, a budget, a stop. Those hear none of a run's
 * messages, and whoever waits for their answer waits for ever.
 */
import { WorkflowNotFoundError } from '@temporalio/client';
import type { Client, WorkflowExecutionDescription, WorkflowHandle } from '@temporalio/client';
import { UsageError } from './failure.ts';

const LIST = '`squall list` shows those there are';

/** The name of a run as it was written. Throws a {@link UsageError} where none was: Temporal would not understand the question. */
export function runNamed([run = '']: readonly string[]): string {
  if (run === '') throw new UsageError(`found no run, expected the name of one; ${LIST}`);
  return run;
}

/** Throws a {@link UsageError} where `run` is none; rejects where Temporal cannot be asked. */
export async function theRun(
  client: Client,
  run: string,
): Promise<{ readonly handle: WorkflowHandle; readonly described: WorkflowExecutionDescription }> {
  const handle = client.workflow.getHandle(run);
  const described = await handle.describe().catch((error: unknown) => {
    if (error instanceof WorkflowNotFoundError) throw new UsageError(`there is no run ${run}; ${LIST}`);
    throw error;
  });
  if (described.type !== 'experiment') throw new UsageError(`${run} is no run, but of type ${described.type}; ${LIST}`);
  return { handle, described };
}
