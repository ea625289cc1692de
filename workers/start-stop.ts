/** Pulling the emergency stop: the one way to latch it. */
import type { Client, WorkflowHandle, WorkflowHandleWithSignaledRunId } from '@temporalio/client';
import { describeStop, stopId } from '../domain/emergency-stop.ts';
import type { EmergencyStop } from '../domain/emergency-stop.ts';
import { CONTROL_QUEUE } from '../domain/queues.ts';

/** What Temporal takes of a summary is 400 bytes, and of a memo's text whoever refuses a run can still read, in characters. */
const SUMMARY_MAX = 100;
export const REASON_MAX = 1_000;

/** Latches `stop`. Throws WorkflowExecutionAlreadyStartedError where it is latched already. */
export async function startStop(client: Client, stop: EmergencyStop): Promise<WorkflowHandle> {
  return client.workflow.start('emergencyStop', optionsOf(stop));
}

/** Latches `stop`, or holds the latch that there is: a release that was asked for and not yet done is taken back. */
export async function pullStop(client: Client, stop: EmergencyStop): Promise<WorkflowHandleWithSignaledRunId> {
  const options = optionsOf(stop);
  return client.workflow.signalWithStart('emergencyStop', { ...options, signal: 'stop', signalArgs: options.args });
}

function optionsOf(given: EmergencyStop) {
  const stop = { ...given, reason: given.reason.slice(0, REASON_MAX) };
  return {
    workflowId: stopId(stop.site),
    taskQueue: CONTROL_QUEUE,
    args: [stop] as [EmergencyStop],
    workflowTaskTimeout: '2s',
    // Whoever reads the latch reads these, with no worker to ask.
    memo: { ...stop },
    staticSummary: describeStop({ ...stop, reason: stop.reason.slice(0, SUMMARY_MAX) }),
  } as const;
}
