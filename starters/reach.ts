/**
 * Reach: whether anybody would hear.
 *
 * Owns the look for workers before a run is started: a run that nobody serves would only wait.
 */
import type { Client } from '@temporalio/client';
import proto from '@temporalio/proto';
import { Unreachable } from '../workers/connect.ts';

const SIDE = proto.temporal.api.enums.v1.TaskQueueType;

/** Throws {@link Unreachable} naming the first queue without a worker. */
export async function requireWorkers(client: Client, queues: readonly string[]): Promise<void> {
  for (const name of queues) {
    const side = name === 'control' ? SIDE.TASK_QUEUE_TYPE_WORKFLOW : SIDE.TASK_QUEUE_TYPE_ACTIVITY;
    const { pollers } = await client.workflowService.describeTaskQueue({
      namespace: client.options.namespace,
      taskQueue: { name },
      taskQueueType: side,
    });
    if ((pollers ?? []).length === 0) throw new Unreachable(`no worker serves ${name}. ${help(name)}`);
  }
}

function help(queue: string): string {
  const worker = queue === 'control' ? 'squall worker --control' : `squall worker --site ${queue.replace('site/', '')}`;
  return `Start one with \`${worker}\`, or everything at once with \`squall dev\`.`;
}
