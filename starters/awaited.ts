/**
 * The plan that a run waits with.
 *
 * Owns the question, and the check that what the run shows is what the hash is of: nobody approves a hash for what it is not.
 */
import { QueryNotRegisteredError } from '@temporalio/client';
import type { WorkflowHandle } from '@temporalio/client';
import { planHashOf } from '../activities/plan-hash.ts';
import { awaitedPlanQuery } from '../workflows/messages.ts';
import type { AwaitedPlan, Awaiting } from '../workflows/messages.ts';
import { UsageError } from './failure.ts';
import type { Output } from './output.ts';
import { show } from './plan-show.ts';

/** What `awaiting` is about, whole. Throws {@link UsageError} where it cannot be shown. */
export async function awaitedPlan(handle: WorkflowHandle, awaiting: Awaiting): Promise<AwaitedPlan> {
  const shown = await handle.query(awaitedPlanQuery).catch((error: unknown) => {
    if (!(error instanceof QueryNotRegisteredError)) throw error;
    throw new UsageError('the plan cannot be shown: the run’s control worker is too old; upgrade it');
  });
  if (shown === null) throw new UsageError(`${handle.workflowId} waits no more; look at it again`);
  const hash = planHashOf(shown.experiment, shown.seed, shown.found);
  if (hash !== awaiting.plan)
    throw new UsageError(`what the run shows is plan ${hash}, and it waits with ${awaiting.plan}; look at it again`);
  return shown;
}

/** Prints it as `squall plan` does. */
export function showAwaited({ experiment, seed, guards, found }: AwaitedPlan, people: number, out: Output): void {
  show(experiment, { ...found, guards, violations: [], people }, out);
  out.line(`seed:        ${seed}`);
}
