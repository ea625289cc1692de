/** Pulling the emergency stop: the one way to latch it. */
import type { Client, WorkflowHandle } from '@temporalio/client';
import { describeStop, stopId } from '../domain/emergency-stop.ts';
import type { EmergencyStop } from '../domain/emergency-stop.ts';
import { CONTROL_QUEUE } from '../domain/queues.ts';

/** Latches `stop`. Throws WorkflowExecutionAlreadyStartedError where it is latched already. */
export async function startStop(client: Client, stop: EmergencyStop): Promise<WorkflowHandle> {
  return client.workflow.start('emergencyStop', {
    workflowId: stopId(stop.site),
    taskQueue: CONTROL_QUEUE,
    args: [stop],
    // Whoever reads the latch reads these, with no worker to ask.
    memo: { ...stop },
    staticSummary: describeStop(stop),
  });
}
