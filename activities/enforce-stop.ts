/**
 * Enforcing a stop: telling every open lease, run and game day, for as long as the stop is on.
 *
 * Owns the looking for them: the server's list is late, and runs start meanwhile, so it is read again and again. Leases are told
 * first, since they hold the faults; their end aborts their run, which is told itself only when that takes long. Each decides
 * by itself whether it is concerned, and is told once.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { WorkflowNotFoundError } from '@temporalio/client';
import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { stopId } from '../domain/emergency-stop.ts';
import type { EmergencyStop } from '../domain/emergency-stop.ts';
import { beating } from './attempt.ts';

/** Time between two looks, in milliseconds. */
const EVERY_MS = 1_000;
/** What a run does when it aborts must not take the time of those that revert: one with an open lease is told so much later. */
const AFTER_ITS_LEASES_MS = 2_000;
/** Told at once. */
const WIDTH = 20;
/** Time between two heartbeats, in milliseconds: an attempt that is lost forgets whom it has told, when there is most to do. */
const BEAT_MS = 500;

type Open = Pick<WorkflowExecutionInfo, 'workflowId' | 'runId' | 'parentExecution'>;

/** What an attempt says of itself; the next one knows from it that the stop was let, whatever the policy says by then. */
interface Beat {
  readonly told: number;
}

/**
 * Tells until it is cancelled, or the stop is over. Throws `Forbidden`, for good, where `forbidden` says why the stop must not
 * hold; an attempt that took over from another does not ask.
 */
export async function enforceStop(
  client: Client,
  { proof: _, ...stop }: EmergencyStop,
  forbidden: (signal: AbortSignal) => Promise<string | undefined>,
): Promise<never> {
  const { cancellationSignal: signal, info } = Context.current();
  const before = info.heartbeatDetails as Beat | undefined;
  const why = before === undefined ? await forbidden(signal) : undefined;
  if (why !== undefined) throw ApplicationFailure.nonRetryable(why, 'Forbidden');
  const latch = client.workflow.getHandle(stopId(stop.site), info.workflowExecution?.runId);
  const told = new Set<string>();
  /** When a run was first found with an open lease, by its execution. */
  const seenMs = new Map<string, number>();
  const telling = async (): Promise<never> => {
    for (;;) {
      // An attempt that was given up and does not know it must not outlive its stop.
      if ((await latch.describe()).closeTime !== undefined) throw new Error('the stop is over');
      const leases = await openOf(client, 'lease');
      await tellAll(client, leases, stop, told, signal);
      const leased = new Set(leases.map(({ parentExecution }) => parentExecution?.runId));
      const waits = ({ runId }: Open): boolean => {
        const nowMs = performance.now();
        if (!seenMs.has(runId)) seenMs.set(runId, nowMs);
        return leased.has(runId) && nowMs - (seenMs.get(runId) as number) < AFTER_ITS_LEASES_MS;
      };
      // Before its runs have ended, and it would begin the next.
      await tellAll(client, await openOf(client, 'gameDay'), stop, told, signal);
      const runs = await openOf(client, 'experiment');
      await tellAll(
        client,
        runs.filter((run) => !waits(run)),
        stop,
        told,
        signal,
      );
      await sleep(EVERY_MS, undefined, { signal });
    }
  };
  // Telling many takes longer than an attempt may be silent; one that is given up would tell everybody again.
  return beating(telling, (): Beat => ({ told: told.size }), BEAT_MS);
}

async function openOf(client: Client, type: 'lease' | 'gameDay' | 'experiment'): Promise<Open[]> {
  const open: Open[] = [];
  const query = `WorkflowType = '${type}' AND ExecutionStatus = 'Running'`;
  for await (const { workflowId, runId, parentExecution } of client.workflow.list({ query, pageSize: 1_000 }))
    open.push({ workflowId, runId, ...(parentExecution ? { parentExecution } : {}) });
  return open;
}

async function tellAll(
  client: Client,
  open: readonly Open[],
  stop: EmergencyStop,
  told: Set<string>,
  signal: AbortSignal,
): Promise<void> {
  const rest = open.filter(({ runId }) => !told.has(runId)).values();
  await Promise.all(
    Array.from({ length: WIDTH }, async () => {
      for (const { workflowId, runId } of rest) {
        signal.throwIfAborted();
        // One that could not be told now is told with the next look; the others are not kept waiting for it.
        if (await tell(client, workflowId, runId, stop)) told.add(runId);
      }
    }),
  );
}

async function tell(client: Client, workflowId: string, runId: string, stop: EmergencyStop): Promise<boolean> {
  try {
    await client.workflow.getHandle(workflowId, runId).signal('stop', stop);
    return true;
  } catch (error) {
    // It has ended meanwhile, which is all that was wanted of it.
    return error instanceof WorkflowNotFoundError;
  }
}
