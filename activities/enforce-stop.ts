/**
 * Enforcing a stop: telling every open lease and run, for as long as the stop is on.
 *
 * Owns the looking for them: the server's list is late, and runs start meanwhile, so it is read again and again. Leases are told
 * first, since they hold the faults. Each decides by itself whether it is concerned, and is told once.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { WorkflowNotFoundError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { stopId } from '../domain/emergency-stop.ts';
import type { EmergencyStop } from '../domain/emergency-stop.ts';
import { beating } from './attempt.ts';

/** Time between two looks, in milliseconds. */
const EVERY_MS = 1_000;
/** Told at once. */
const WIDTH = 20;
const TYPES = ['lease', 'experiment'] as const;

/** Tells until it is cancelled, or the stop is over. */
export async function enforceStop(client: Client, stop: EmergencyStop): Promise<never> {
  const { cancellationSignal: signal, info } = Context.current();
  const latch = client.workflow.getHandle(stopId(stop.site), info.workflowExecution?.runId);
  const told = new Set<string>();
  const telling = async (): Promise<never> => {
    for (;;) {
      // An attempt that was given up and does not know it must not outlive its stop.
      if ((await latch.describe()).closeTime !== undefined) throw new Error('the stop is over');
      for (const type of TYPES) await tellAll(client, type, stop, told, signal);
      await sleep(EVERY_MS, undefined, { signal });
    }
  };
  // Telling many takes longer than an attempt may be silent; one that is given up would tell everybody again.
  return beating(telling, () => ({ told: told.size }));
}

async function tellAll(
  client: Client,
  type: (typeof TYPES)[number],
  stop: EmergencyStop,
  told: Set<string>,
  signal: AbortSignal,
): Promise<void> {
  const untold: { workflowId: string; runId: string }[] = [];
  const query = `WorkflowType = '${type}' AND ExecutionStatus = 'Running'`;
  for await (const { workflowId, runId } of client.workflow.list({ query, pageSize: 1_000 }))
    if (!told.has(runId)) untold.push({ workflowId, runId });
  const rest = untold.values();
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
