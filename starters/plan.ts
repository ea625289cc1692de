/** `squall plan`: what a run would touch, and what would undo it. The site answers; nothing is touched. */
import { randomBytes } from 'node:crypto';
import { experimentHash } from '../activities/admission/proof.ts';
import { needsOverride, refusalOf } from '../domain/admission.ts';
import type { Experiment } from '../domain/experiment.ts';
import { EXPIRY_WORDS } from '../domain/fault.ts';
import { CONTROL_QUEUE, siteQueues } from '../domain/queues.ts';
import { leaseTiming, preflightTimeoutMs, worstCaseMs } from '../domain/timing.ts';
import { formatDuration } from '../domain/units.ts';
import { connectClient } from '../workers/connect.ts';
import type { RunInput } from '../workflows/messages.ts';
import type { Plan } from '../workflows/plan.ts';
import { EXIT } from './exit.ts';
import { oneExperiment } from './experiment-file.ts';
import { output } from './output.ts';
import type { Output } from './output.ts';
import { requireWorkers } from './reach.ts';
import { runName } from './run.ts';
import { configOf } from './verb-config.ts';
import type { Common } from './verbs.ts';
import { prove } from './who.ts';

/** Targets named a stage; the rest are counted. */
const NAMED_MAX = 8;

interface Options extends Common {
  readonly name?: string;
  readonly seed?: string;
}

export async function main([file = '']: readonly string[], options: Options): Promise<number> {
  const config = await configOf(options);
  const { experiment: written, documentHash } = await oneExperiment(file, config, options.name);
  const seed = options.seed ?? written.blastRadius.seed ?? randomBytes(4).toString('hex');
  const experiment = { ...written, blastRadius: { ...written.blastRadius, seed } };
  const client = await connectClient();
  const out = output(options.json === true);
  try {
    await requireWorkers(client, [CONTROL_QUEUE, siteQueues(experiment.targets.site).chaos]);
    const workflowId = `plan-${runName(experiment.name, new Date())}`;
    const { by: startedBy, ...proof } = await prove({ act: 'plan', of: workflowId, what: experimentHash(experiment) });
    const input: RunInput = { experiment, documentHash, startedBy, ...proof };
    const result = (await client.workflow.execute('plan', {
      workflowId,
      taskQueue: CONTROL_QUEUE,
      args: [input],
      // Two attempts, and their way to a worker.
      workflowExecutionTimeout: 2 * preflightTimeoutMs(experiment) + 60_000,
    })) as Plan;
    const worstMs = worstCaseMs(experiment, result.stages);
    out.event('plan', { experiment: experiment.name, seed, worstCaseMs: worstMs, ...result });
    if (!out.json) show(experiment, result, out);
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

function show(experiment: Experiment, plan: Plan, out: Output): void {
  out.line(`${out.style('bold', experiment.name)}: ${experiment.hypothesis}`);
  out.line('');
  const row = (name: string, passed: boolean, found: string): void =>
    out.line(`  ${passed ? out.style('green', 'pass') : out.style('red', 'FAIL')}  ${name.padEnd(15)} ${found}`);
  for (const { guard, passed, found, overridable } of plan.guards)
    row(guard, passed, overridable ? `${found}; approval may set it aside` : found);
  for (const { check, passed, found } of plan.checks) row(check, passed, found);
  for (const violation of plan.violations) row('policy', false, violation);
  out.line('');
  out.line(`${experiment.fault} at ${experiment.targets.site}, ${plan.candidates} candidates`);
  for (const { stage, size, from, to, skipped } of plan.stages) {
    const added = plan.targets.slice(from, to);
    const names =
      added.slice(0, NAMED_MAX).join(', ') + (added.length > NAMED_MAX ? ` and ${added.length - NAMED_MAX} more` : '');
    const { ttlMs } = leaseTiming(added.length, experiment.timeToLiveMs);
    const ends = plan.expiry === 'renewed' ? ` (time-to-live ${formatDuration(ttlMs)})` : '';
    const words = skipped ? `skipped: ${skipped}` : `+${added.length} = ${to}: ${names}${ends}`;
    out.line(`  stage ${stage + 1}  ${size.padStart(5)}  ${words}`);
  }
  out.line('');
  out.line(`undo:        ${plan.undo}`);
  out.line(`reversal:    ${plan.reversal}`);
  out.line(`expiry:      ${EXPIRY_WORDS[plan.expiry]}`);
  out.line(`permissions: ${plan.permissions.join('; ') || 'none'}`);
  const people = Math.max(plan.approvals, needsOverride(plan.guards) ? 1 : 0);
  out.line(`approval:    ${people === 0 ? 'none needed' : `by ${people} other people`}`);
  out.line(`plan:        ${plan.planHash ?? 'unknown'}`);
  const waiting = people === 0 ? '' : ', and as long as people take';
  out.line(`takes:       ${formatDuration(worstCaseMs(experiment, plan.stages))} at worst${waiting}`);
}
