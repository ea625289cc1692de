/** `squall plan`: what a run would touch, and what would undo it. The site answers; nothing is touched. */
import { randomBytes } from 'node:crypto';
import { needsOverride, refusalOf } from '../domain/admission.ts';
import { CONTROL_QUEUE, siteQueues } from '../domain/queues.ts';
import { preflightTimeoutMs, worstCaseMs } from '../domain/timing.ts';
import { connectClient } from '../workers/connect.ts';
import type { RunInput } from '../workflows/messages.ts';
import type { Plan } from '../workflows/plan.ts';
import { EXIT } from './exit.ts';
import { oneExperiment } from './experiment-file.ts';
import { output } from './output.ts';
import { show } from './plan-show.ts';
import { requireWorkers } from './reach.ts';
import { runName } from './run.ts';
import { configOf } from './verb-config.ts';
import type { Common } from './verbs.ts';
import { proveStart } from './who.ts';

interface Options extends Common {
  readonly name?: string;
  readonly seed?: string;
  readonly offline?: boolean;
}

export async function main([file = '']: readonly string[], options: Options): Promise<number> {
  if (options.offline === true) return (await import('./plan-offline.ts')).planOffline(file, options);
  const config = await configOf(options);
  const { experiment: written, documentHash } = await oneExperiment(file, config, options.name);
  const seed = options.seed ?? written.blastRadius.seed ?? randomBytes(4).toString('hex');
  const experiment = { ...written, blastRadius: { ...written.blastRadius, seed } };
  const client = await connectClient();
  const out = output(options.json === true);
  try {
    await requireWorkers(client, [CONTROL_QUEUE, siteQueues(experiment.targets.site).chaos]);
    const workflowId = `plan-${runName(experiment.name, new Date())}`;
    const planned = { experiment, documentHash };
    const input: RunInput = { ...planned, ...(await proveStart('plan', workflowId, planned)) };
    const result = (await client.workflow.execute('plan', {
      workflowId,
      taskQueue: CONTROL_QUEUE,
      args: [input],
      // Two attempts, and their way to a worker.
      workflowExecutionTimeout: 2 * preflightTimeoutMs(experiment) + 60_000,
    })) as Plan;
    const worstMs = worstCaseMs(experiment, result.stages, result);
    out.event('plan', { experiment: experiment.name, seed, worstCaseMs: worstMs, ...result });
    const people = Math.max(result.approvals, needsOverride(result.guards) ? 1 : 0);
    show(experiment, { ...result, people }, out);
    if (written.blastRadius.seed !== seed)
      out.line(
        `seed:        ${seed}; these very targets: squall run ${file}${options.name ? ` --name ${options.name}` : ''} --seed ${seed}`,
      );
    const refused = refusalOf(result.guards, true) !== undefined || result.violations.length > 0;
    return !refused && result.checks.every(({ passed }) => passed) ? 0 : EXIT.refused;
  } finally {
    await client.connection.close();
  }
}
