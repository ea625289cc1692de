/** `squall list`: open runs, and those that ended lately, as Temporal knows them. */
import { connectClient } from '../workers/connect.ts';
import { output } from './output.ts';
import type { Common } from './verbs.ts';

/** Runs listed at most. */
const LISTED_MAX = 50;

export async function main(_args: readonly string[], options: Common): Promise<number> {
  const client = await connectClient({ queryClosed: true });
  const out = output(options.json === true);
  try {
    let listed = 0;
    for await (const found of client.workflow.list({ query: "WorkflowType = 'experiment'", pageSize: LISTED_MAX })) {
      const state = found.status.name.toLowerCase();
      out.event('run', { run: found.workflowId, state, startedAt: found.startTime.toISOString() });
      out.line(`${found.workflowId.padEnd(48)} ${state.padEnd(12)} ${found.startTime.toISOString()}`);
      listed += 1;
      if (listed === LISTED_MAX) break;
    }
    if (listed === 0) out.line('no runs');
    return 0;
  } finally {
    await client.connection.close();
  }
}
