/**
 * Reach: whether anybody would hear.
 *
 * Owns the look for workers before a run is started: a run that nobody serves would only wait.
 */
import type { Client } from '@temporalio/client';
import proto from '@temporalio/proto';
import { Unreachable } from '../workers/connect.ts';

const SIDE = proto.temporal.api.enums.v1.TaskQueueType;
/** Whoever serves a queue asks again within a minute; who has not for this long is gone, in milliseconds. */
const GONE_MS = 70_000;

/**
 * Throws {@link Unreachable} naming the first queue without a worker. The server remembers one that has gone for five minutes;
 * it is found out earlier where another worker has asked since. Only the server's times are compared: its clock is not ours.
 */
export async function requireWorkers(client: Client, queues: readonly string[], goneMs = GONE_MS): Promise<void> {
  const found = await Promise.all(queues.map(async (name) => ({ name, lastMs: await lastAskedMs(client, name) })));
  const latestMs = Math.max(...found.map(({ lastMs }) => lastMs));
  for (const { name, lastMs } of found) {
    if (lastMs === -Infinity) throw new Unreachable(`no worker serves ${name}. ${help(name)}`);
    if (latestMs - lastMs > goneMs)
      throw new Unreachable(`no worker serves ${name} any more: the last one is gone. ${help(name)}`);
  }
}

/** When a worker last asked for the tasks of this queue, in milliseconds on the server's clock; -Infinity where none did. */
async function lastAskedMs(client: Client, name: string): Promise<number> {
  const side = name === 'control' ? SIDE.TASK_QUEUE_TYPE_WORKFLOW : SIDE.TASK_QUEUE_TYPE_ACTIVITY;
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace: client.options.namespace,
    taskQueue: { name },
    taskQueueType: side,
  });
  const times = (pollers ?? []).map(
    ({ lastAccessTime: last }) => Number(last?.seconds ?? 0) * 1_000 + (last?.nanos ?? 0) / 1e6,
  );
  return Math.max(-Infinity, ...times);
}

function help(queue: string): string {
  const worker = queue === 'control' ? 'squall worker --control' : `squall worker --site ${queue.replace('site/', '')}`;
  return `Start one with \`${worker}\`, or everything at once with \`squall dev\`.`;
}
