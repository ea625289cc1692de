/** `squall list`: open runs, and those that ended lately, as Temporal knows them. */
import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { readLatch } from '../activities/admission/stop.ts';
import type { Latched } from '../activities/admission/stop.ts';
import { describeStop } from '../domain/emergency-stop.ts';
import { connectClient } from '../workers/connect.ts';
import type { RunResult } from '../workflows/messages.ts';
import { output } from './output.ts';
import type { Common } from './verbs.ts';

/** Runs listed at most. */
const LISTED_MAX = 50;

export async function main(_args: readonly string[], options: Common): Promise<number> {
  const client = await connectClient({ queryClosed: true });
  const out = output(options.json === true);
  try {
    for (const stop of await stops(client)) {
      const since = new Date(stop.sinceMs).toISOString();
      out.event('stopped', { site: stop.site ?? null, reason: stop.reason, by: stop.by, since });
      out.line(`${out.style(['bold', 'red'], 'STOPPED')}: ${describeStop(stop)}, since ${since}`);
    }
    const found: WorkflowExecutionInfo[] = [];
    for await (const run of client.workflow.list({ query: "WorkflowType = 'experiment'", pageSize: LISTED_MAX }))
      if (found.push(run) === LISTED_MAX) break;
    const ends = await Promise.all(found.map((run) => endOf(client, run)));
    for (const [i, { workflowId: run, startTime }] of found.entries()) {
      const { state, deviated } = ends[i] ?? { state: 'unknown', deviated: null };
      out.event('run', { run, state, deviated, startedAt: startTime.toISOString() });
      const verdict = deviated === null ? '' : deviated ? 'deviated' : 'held';
      out.line(`${run.padEnd(48)} ${state.padEnd(12)} ${verdict.padEnd(8)} ${startTime.toISOString()}`);
    }
    if (found.length === 0) out.line('no runs');
    return 0;
  } finally {
    await client.connection.close();
  }
}

/** The emergency stops that are on. */
async function stops(client: Client): Promise<Latched[]> {
  const latched: Latched[] = [];
  for await (const { workflowId } of client.workflow.list({
    query: "WorkflowType = 'emergencyStop' AND ExecutionStatus = 'Running'",
  })) {
    const stop = await readLatch(client, workflowId);
    if (stop) latched.push(stop);
  }
  return latched;
}

/** `running`, how Temporal says that it was ended from outside, or the run's own word for its end. */
async function endOf(
  client: Client,
  { workflowId, runId, status }: WorkflowExecutionInfo,
): Promise<{ state: string; deviated: boolean | null }> {
  if (status.name !== 'COMPLETED') return { state: status.name.toLowerCase(), deviated: null };
  return client.workflow
    .getHandle(workflowId, runId)
    .result()
    .then(
      (result) => ({ state: (result as RunResult).status, deviated: (result as RunResult).deviated }),
      // Its history may be gone already.
      () => ({ state: 'completed', deviated: null }),
    );
}
