/**
 * A tick of a program: one experiment of a cadence's pool, run as a child.
 *
 * Owns the seed of its choice, and that the child is aborted, not abandoned, when the tick is cancelled or terminated. A schedule starts it;
 * must never wait for another tick, since the schedule leaves out those that come meanwhile.
 */
import { ApplicationFailure } from '@temporalio/common';
import {
  ChildWorkflowCancellationType,
  executeChild,
  isCancellation,
  ParentClosePolicy,
  patched,
  setCurrentDetails,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow';
import { refusalOf } from '../domain/admission.ts';
import type { Choice } from '../domain/picking.ts';
import { candidatesOf, pick, startedByProgram, taken } from '../domain/program.ts';
import type { Picked } from '../domain/program.ts';
import { why } from './blindness.ts';
import { tickHeard } from './heard.ts';
import type { RunInput, RunResult, TickInput, TickResult } from './messages.ts';
import type { Plan } from './plan.ts';
import { choosing } from './proxies.ts';

/** A tick that no worker has taken for this long does nothing, in milliseconds: its time is over. */
const TAKEN_WITHIN_MS = 60_000;
/** How long a run waits for approval at most, in milliseconds, where the next tick does not come before. */
const APPROVED_WITHIN_MS = 3_600_000;
/** The most findings that a tick names which has nobody to take. */
const NAMED_MAX = 5;

export async function program(payload: TickInput): Promise<TickResult> {
  const input = tickHeard(payload);
  if (!input) throw ApplicationFailure.nonRetryable('what it was started with is no tick of a program', 'Refused');
  const seed = uuid4();
  const waitedMs = Date.now() - workflowInfo().startTime.getTime();
  const late = waitedMs > TAKEN_WITHIN_MS ? `no worker took the tick for ${Math.round(waitedMs / 1_000)} s` : undefined;
  const took = await choose(input, seed, late);
  if ('skipped' in took) return { seed, picked: '', drawn: {}, ...took };
  const { picked } = took;
  setCurrentDetails(`**${input.program}**, ${input.cadence.name}: \`${picked.experiment.name}\``);
  return {
    seed,
    picked: picked.experiment.name,
    drawn: picked.drawn,
    ...(input.cadence.dryRun ? await rehearse(input, took, seed) : await run(input, took, seed)),
  };
}

/** What was taken from the pool, and why; ticks of before 0.5 have no choice to show. */
interface Took {
  readonly picked: Picked;
  readonly choice?: Choice;
}

/** The control worker chooses, by the journal. What it cannot tell is no reason to begin anything. */
async function choose(
  { cadence }: TickInput,
  seed: string,
  late: string | undefined,
): Promise<Took | { readonly skipped: string }> {
  if (cadence.pool.length === 0) throw ApplicationFailure.nonRetryable('its pool is empty', 'Refused');
  if (late !== undefined) return { skipped: late };
  if (!patched('chosen-by-journal')) {
    const picked = pick(cadence, seed);
    return picked ? { picked } : { skipped: 'its pool is empty' };
  }
  const { everyMs, pick: picker } = cadence;
  const asked = { pick: picker, seed, pool: candidatesOf(cadence), nowMs: Date.now(), everyMs };
  try {
    const choice = await choosing().choose.executeWithOptions({ summary: `choose: ${picker}` }, [asked]);
    const picked = taken(cadence, choice);
    if (picked) return { picked, choice };
    return { skipped: `each of its pool has deviated, and nobody has acknowledged it: ${findingsOf(choice)}` };
  } catch (failure) {
    if (isCancellation(failure)) throw failure;
    return { skipped: `nobody could tell what to run: ${why(failure)}` };
  }
}

function findingsOf({ passedOver }: Choice): string {
  const named = passedOver.slice(0, NAMED_MAX).map(({ finding }) => finding);
  return passedOver.length > named.length ? `${named.join(', ')} …` : named.join(', ');
}

async function run(tick: TickInput, took: Took, seed: string): Promise<Partial<TickResult>> {
  const { picked } = took;
  const { experiment } = picked;
  const run = nameOf(picked, seed);
  try {
    const { status, deviated } = (await executeChild('experiment', {
      workflowId: run,
      args: [inputOf(tick, took, seed)],
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

async function rehearse(tick: TickInput, took: Took, seed: string): Promise<Partial<TickResult>> {
  const found = (await executeChild('plan', {
    workflowId: `plan-${nameOf(took.picked, seed)}`,
    args: [inputOf(tick, took, seed)],
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
function inputOf({ program, cadence, appliedBy }: TickInput, { picked, choice }: Took, seed: string): RunInput {
  const { experiment, documentHash } = picked;
  const { blastRadius } = experiment;
  return {
    experiment: { ...experiment, blastRadius: { ...blastRadius, seed: blastRadius.seed ?? nameOf(picked, seed) } },
    documentHash,
    startedBy: startedByProgram(program, appliedBy),
    admitWithinMs: TAKEN_WITHIN_MS,
    // Whom nobody approves by then makes room for the next.
    approveWithinMs: Math.min(cadence.everyMs, APPROVED_WITHIN_MS),
    ...(choice === undefined ? {} : { chosen: { program, cadence: cadence.name, choice } }),
  };
}

/** A run's name, as whoever starts one by hand gives it. */
function nameOf({ experiment }: Picked, seed: string): string {
  const stamp = new Date(Date.now()).toISOString().replaceAll(/[-:]/g, '').slice(0, 15).replace('T', '-');
  return `${experiment.name}-${stamp}-${seed.slice(0, 4)}`;
}
