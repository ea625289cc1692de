/**
 * A tick of a program: one experiment of a cadence's pool, run as a child.
 *
 * Owns the choice and its seed, and that the child is aborted, not abandoned, when the tick is cancelled or terminated. A schedule starts it;
 * must never wait for another tick, since the schedule leaves out those that come meanwhile.
 */
import { ApplicationFailure } from '@temporalio/common';
import {
  ChildWorkflowCancellationType,
  executeChild,
  isCancellation,
  ParentClosePolicy,
  setCurrentDetails,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow';
import { refusalOf } from '../domain/admission.ts';
import { pick, startedByProgram } from '../domain/program.ts';
import type { Picked } from '../domain/program.ts';
import { why } from './blindness.ts';
import { tickHeard } from './heard.ts';
import type { RunInput, RunResult, TickInput, TickResult } from './messages.ts';
import type { Plan } from './plan.ts';

/** A tick that no worker has taken for this long does nothing, in milliseconds: its time is over. */
const TAKEN_WITHIN_MS = 60_000;
/** How long a run waits for approval at most, in milliseconds, where the next tick does not come before. */
const APPROVED_WITHIN_MS = 3_600_000;

export async function program(payload: TickInput): Promise<TickResult> {
  const input = tickHeard(payload);
  if (!input) throw ApplicationFailure.nonRetryable('what it was started with is no tick of a program', 'Refused');
  const seed = uuid4();
  const picked = pick(input.cadence, seed);
  if (!picked) throw ApplicationFailure.nonRetryable('its pool is empty', 'Refused');
  const { experiment, drawn } = picked;
  const chosen = { seed, picked: experiment.name, drawn };
  setCurrentDetails(`**${input.program}**, ${input.cadence.name}: \`${experiment.name}\``);
  const waitedMs = Date.now() - workflowInfo().startTime.getTime();
  if (waitedMs > TAKEN_WITHIN_MS)
    return { ...chosen, skipped: `no worker took the tick for ${Math.round(waitedMs / 1_000)} s` };
  return {
    ...chosen,
    ...(input.cadence.dryRun ? await rehearse(input, picked, seed) : await run(input, picked, seed)),
  };
}

async function run(tick: TickInput, picked: Picked, seed: string): Promise<Partial<TickResult>> {
  const { experiment } = picked;
  const run = nameOf(picked, seed);
  try {
    const { status, deviated } = (await executeChild('experiment', {
      workflowId: run,
      args: [inputOf(tick, picked, seed)],
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
      workflowTaskTimeout: '2s',
      memo: { site: experiment.targets.site, experiment: experiment.name },
      staticSummary: `${experiment.fault} at ${experiment.targets.site}`,
      staticDetails: `**${experiment.name}**, by the program ${tick.program}\n\n${experiment.hypothesis}`,
    })) as RunResult;
    return { run, status, deviated };
  } catch (failure) {
    if (isCancellation(failure)) throw failure;
    return { run, status: why(failure), deviated: null };
  }
}

async function rehearse(tick: TickInput, picked: Picked, seed: string): Promise<Partial<TickResult>> {
  const found = (await executeChild('plan', {
    workflowId: `plan-${nameOf(picked, seed)}`,
    args: [inputOf(tick, picked, seed)],
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
  })) as Plan;
  const refusal = refusalOf(found.guards, true);
  const failed = found.checks.find(({ passed }) => !passed);
  const [violation] = found.violations;
  if (refusal) return { would: `be refused by ${refusal.guard}: ${refusal.found}` };
  if (failed) return { would: `be refused by ${failed.check}: ${failed.found}` };
  if (violation !== undefined) return { would: `be refused by policy: ${violation}` };
  if (found.approvals > 0) return { would: `wait until ${found.approvals} other people approve it` };
  const [first = 'nobody'] = found.targets;
  const more = found.targets.length - 1;
  return { would: `hit ${first}${more > 0 ? ` and ${more} more` : ''}` };
}

/** The run's own name chooses its targets, so that a dry run tells what a run would have hit. */
function inputOf({ program, cadence, appliedBy }: TickInput, picked: Picked, seed: string): RunInput {
  const { experiment, documentHash } = picked;
  const { blastRadius } = experiment;
  return {
    experiment: { ...experiment, blastRadius: { ...blastRadius, seed: blastRadius.seed ?? nameOf(picked, seed) } },
    documentHash,
    startedBy: startedByProgram(program, appliedBy),
    admitWithinMs: TAKEN_WITHIN_MS,
    // Whom nobody approves by then makes room for the next.
    approveWithinMs: Math.min(cadence.everyMs, APPROVED_WITHIN_MS),
  };
}

/** A run's name, as whoever starts one by hand gives it. */
function nameOf({ experiment }: Picked, seed: string): string {
  const stamp = new Date(Date.now()).toISOString().replaceAll(/[-:]/g, '').slice(0, 15).replace('T', '-');
  return `${experiment.name}-${stamp}-${seed.slice(0, 4)}`;
}
