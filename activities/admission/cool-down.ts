/**
 * `cool-down`: the same experiment is not run again too soon.
 *
 * Owns the look for the runs before this one, as Temporal lists them. A run that was refused touched nothing and does not
 * count.
 */
import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { formatDuration } from '../../domain/units.ts';
import type { Guard } from './guard.ts';

/** Refuses while an earlier run of the experiment is open, or ended too lately; `leastMs` is asked of every experiment. */
export function coolDownGuard(client: Client, leastMs: number): Guard {
  return {
    name: 'cool-down',
    async ask({ run, experiment }, signal) {
      const coolDownMs = Math.max(leastMs, experiment.preconditions?.coolDownMs ?? 0);
      if (coolDownMs === 0) return { passed: true, found: 'not asked for' };
      const nowMs = Date.now();
      const since = new Date(nowMs - coolDownMs).toISOString();
      const query = `WorkflowType = 'experiment' AND (ExecutionStatus = 'Running' OR CloseTime > '${since}')`;
      const { startTime } = await client.workflow.getHandle(run).describe();
      for await (const other of client.workflow.list({ query, pageSize: 1_000 })) {
        signal.throwIfAborted();
        const { workflowId, memo, closeTime } = other;
        if (workflowId === run || memo?.['experiment'] !== experiment.name || other.startTime > startTime) continue;
        if (await wasRefused(client, other)) continue;
        const when = closeTime ? `ended ${formatDuration(nowMs - closeTime.getTime())} ago` : 'is open';
        return { passed: false, found: `${workflowId} ${when}, expected ${formatDuration(coolDownMs)} in between` };
      }
      return { passed: true, found: `no other run of it within ${formatDuration(coolDownMs)}` };
    },
  };
}

async function wasRefused(client: Client, { workflowId, runId, status }: WorkflowExecutionInfo): Promise<boolean> {
  if (status.name !== 'COMPLETED') return false;
  const result = (await client.workflow.getHandle(workflowId, runId).result()) as { status?: unknown };
  return result.status === 'refused';
}
