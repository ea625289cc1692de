/** Starting a run: the one way to ask Temporal for an experiment. */
import type { Client, WorkflowHandle } from '@temporalio/client';
import { CONTROL_QUEUE } from '../domain/queues.ts';
import type { RunInput } from '../workflows/messages.ts';

/** Starts the workflow of a run, whose name is the workflow's id. */
export async function startRun(client: Client, run: string, input: RunInput): Promise<WorkflowHandle> {
  const { experiment } = input;
  return client.workflow.start('experiment', {
    workflowId: run,
    taskQueue: CONTROL_QUEUE,
    args: [input],
    workflowTaskTimeout: '2s',
    // Whom a stop or a cool-down concerns must be known without asking anybody.
    memo: { site: experiment.targets.site, experiment: experiment.name },
    staticSummary: `${experiment.fault} at ${experiment.targets.site}`,
    staticDetails: `**${experiment.name}**\n\n${experiment.hypothesis}`,
  });
}
