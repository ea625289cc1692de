/**
 * Enforcing a stop: telling every open run, for as long as the stop is on.
 *
 * Owns the looking for runs: the server's list is late, and runs start meanwhile, so it is read again and again. A run
 * decides by itself whether it is concerned; each is told once.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { WorkflowNotFoundError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { stopId } from '../domain/emergency-stop.ts';
import type { EmergencyStop } from '../domain/emergency-stop.ts';

/** Time between two looks, in milliseconds. */
const EVERY_MS = 1_000;
/** Runs told at once. */
const WIDTH = 50;
const OPEN = "WorkflowType = 'experiment' AND ExecutionStatus = 'Running'";

/** Tells until it is cancelled. Throws when a run could not be told, so that all are told again. */
export async function enforceStop(client: Client, stop: EmergencyStop): Promise<never> {
  const { cancellationSignal: signal, heartbeat, info } = Context.current();
  const latch = client.workflow.getHandle(stopId(stop.site), info.workflowExecution?.runId);
  const told = new Set<string>();
  for (;;) {
    // An attempt that was given up and does not know it must not outlive its stop.
    if ((await latch.describe()).status.name !== 'RUNNING') throw new Error('the stop is over');
    const untold: { workflowId: string; runId: string }[] = [];
    for await (const { workflowId, runId } of client.workflow.list({ query: OPEN, pageSize: 1_000 }))
      if (!told.has(runId)) untold.push({ workflowId, runId });
    const rest = untold.values();
    await Promise.all(
      Array.from({ length: WIDTH }, async () => {
        for (const { workflowId, runId } of rest) {
          await tell(client, workflowId, runId, stop);
          told.add(runId);
          // Telling many takes longer than an attempt may be silent; one that is given up tells everybody again.
          heartbeat({ told: told.size });
          signal.throwIfAborted();
        }
      }),
    );
    heartbeat({ told: told.size });
    await sleep(EVERY_MS, undefined, { signal });
  }
}

async function tell(client: Client, workflowId: string, runId: string, stop: EmergencyStop): Promise<void> {
  try {
    await client.workflow.getHandle(workflowId, runId).signal('stop', stop);
  } catch (error) {
    // It has ended meanwhile, which is all that was wanted of it.
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}
