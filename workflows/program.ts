/**
 * A tick of a program: one experiment of a cadence's pool, run as a child.
 *
 * Owns the seed of its choice (`choosing.ts` has the rest of it), and that the child is aborted, not abandoned, when the tick is cancelled or terminated. A schedule starts it;
 * must never wait for another tick, since the schedule leaves out those that come meanwhile.
 */
import { ApplicationFailure, WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  CancellationScope,
  ChildWorkflowCancellationType,
  executeChild,
  getExternalWorkflowHandle,
  isCancellation,
  ParentClosePolicy,
  patched,
  setCurrentDetails,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow';
import { refusalOf } from '../domain/admission.ts';
import { rankingMarkdown } from '../domain/picking-words.ts';
import { pick, startedByProgram } from '../domain/program.ts';
import type { CalledDay, Picked } from '../domain/program.ts';
import { LOOK_AGAIN_MS, looksAgain, WAIT_UP_TO_MS } from '../domain/safety-gate.ts';
import { formatDuration } from '../domain/units.ts';
import { why } from './blindness.ts';
import { chosenSafely, sinceStartMs } from './choosing.ts';
import type { Left, Took } from './choosing.ts';
import { dayHeard } from './day-heard.ts';
import { inGroup } from './grouping.ts';
import { tickHeard } from './heard.ts';
import { abortSignal } from './messages.ts';
import type { DayResult, RunInput, RunResult, TickInput, TickResult } from './messages.ts';
import type { Plan } from './plan.ts';
import { counting } from './proxies.ts';

/** A tick that no worker has taken for this long does nothing, in milliseconds: its time is over. */
const TAKEN_WITHIN_MS = 60_000;
/** How long a run waits for approval at most, in milliseconds, where the next tick does not come before. */
const APPROVED_WITHIN_MS = 3_600_000;

export async function program(payload: TickInput): Promise<TickResult> {
  const input = tickHeard(payload);
  if (!input) throw ApplicationFailure.nonRetryable('what it was started with is no tick of a program', 'Refused');
  // The same again where the tick is reset.
  const seed = patched('seeded-by-tick') ? workflowInfo().firstExecutionRunId : uuid4();
  const lateMs = sinceStartMs();
  const late = lateMs > TAKEN_WITHIN_MS ? `no worker took the tick for ${Math.round(lateMs / 1_000)} s` : undefined;
  const { nobody, ...result } = await ticked(input, seed, late);
  const ended = nobody
    ? 'nobody'
    : result.run !== undefined
      ? 'ran'
      : result.would !== undefined
        ? 'dry-run'
        : 'left-out';
  const { program: name, cadence } = input;
  // A count is no reason to fail; a tick that was cancelled counts, too.
  if (patched('counts-ticks'))
    await CancellationScope.nonCancellable(() =>
      counting().ticked({ program: name, cadence: cadence.name, ended }),
    ).catch(() => undefined);
  return { seed, ...result };
}

async function ticked(
  input: TickInput,
  seed: string,
  late: string | undefined,
): Promise<Omit<TickResult, 'seed'> & Pick<Left, 'nobody'>> {
  const { cadence } = input;
  if (cadence.gameDay !== undefined) return { drawn: {}, ...(await callDay(input, cadence.gameDay, seed, late)) };
  const chosen = await choose(input, seed, late);
  const took = 'skipped' in chosen ? chosen : await inGroup(input, chosen, seed);
  if ('skipped' in took)
    return {
      picked: '',
      drawn: {},
      ...leftOut(input, took),
      ...(took.nobody === true ? { nobody: true as const } : {}),
    };
  const { picked, group } = took;
  setCurrentDetails(`**${input.program}**, ${cadence.name}: \`${picked.experiment.name}\``);
  return {
    picked: picked.experiment.name,
    drawn: picked.drawn,
    ...(group === undefined ? {} : { group }),
    ...(cadence.dryRun ? await rehearse(input, took, seed) : await run(input, took, seed)),
  };
}

/** Calls a game day, and stays with it until it is over: no other is called meanwhile. It begins when its commander says so. */
async function callDay(
  { program, appliedBy, cadence }: TickInput,
  called: CalledDay,
  seed: string,
  late: string | undefined,
): Promise<Pick<TickResult, 'picked'> & Partial<TickResult>> {
  const input = dayHeard({ ...called, calledBy: startedByProgram(program, appliedBy) });
  if (!input) throw ApplicationFailure.nonRetryable('what it is to call is no game day', 'Refused');
  const { name, purpose, roles } = input.gameDay;
  if (late !== undefined) return { picked: '', skipped: late };
  if (cadence.dryRun) return { picked: name, would: `call the game day, for ${roles.commander} to begin` };
  const day = namedAt(name, seed);
  setCurrentDetails(`**${program}**, ${cadence.name}: the game day \`${day}\`, commanded by ${roles.commander}`);
  try {
    const { ending } = (await executeChild('gameDay', {
      workflowId: day,
      args: [input],
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
      workflowTaskTimeout: '2s',
      memo: { gameDay: name },
      staticSummary: `game day ${name}`,
      staticDetails: `**${name}**, called by the program ${program}, commanded by ${roles.commander}\n\n${purpose}`,
    })) as DayResult;
    return { picked: name, run: day, status: ending };
  } catch (failure) {
    if (isCancellation(failure)) throw failure;
    return { picked: name, run: day, status: why(failure) };
  }
}

/** What is run, or why nothing is. */
async function choose(tick: TickInput, seed: string, late: string | undefined): Promise<Took | Left> {
  const { cadence } = tick;
  if (cadence.pool.length === 0) throw ApplicationFailure.nonRetryable('its pool is empty', 'Refused');
  if (late !== undefined) return { skipped: late };
  if (patched('chosen-by-journal')) return chosenSafely(tick, seed);
  const picked = pick(cadence, seed);
  return picked ? { picked } : { skipped: 'its pool is empty' };
}

/** What a tick says that has begun nothing. */
function leftOut({ program, cadence }: TickInput, { skipped, choice, waits }: Left): Partial<TickResult> {
  const said = choice === undefined ? {} : { choice };
  setCurrentDetails(
    `**${program}**, ${cadence.name}: ${skipped}${choice === undefined ? '' : `\n\n${rankingMarkdown(choice)}`}`,
  );
  if (!waits) return { skipped, ...said };
  const { waitUpToMs = WAIT_UP_TO_MS, everyMs } = cadence;
  const mostMs = Math.min(waitUpToMs, everyMs);
  const would = looksAgain(cadence, 0)
    ? `wait until it is safe, for ${formatDuration(mostMs)} at most`
    : 'begin nothing';
  return { picked: choice?.ranking[0]?.experiment ?? '', would: `${would}: ${skipped}`, ...said };
}

async function run(tick: TickInput, took: Took, seed: string): Promise<Partial<TickResult>> {
  const { picked } = took;
  const { experiment } = picked;
  const run = nameOf(picked, seed);
  const waitedMs = sinceStartMs();
  const waited = waitedMs < LOOK_AGAIN_MS ? {} : { waitedMs };
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
    return { run, status, deviated, ...waited };
  } catch (failure) {
    if (isCancellation(failure)) throw failure;
    if (!(failure instanceof WorkflowExecutionAlreadyStartedError))
      return { run, status: why(failure), deviated: null, ...waited };
    // It was begun before the tick was reset, and is nobody's child any more.
    const wish = { mode: 'immediate', reason: 'its tick was reset', by: `the program ${tick.program}` } as const;
    await getExternalWorkflowHandle(run).signal(abortSignal, wish);
    return { run, status: 'told to end, since its tick was reset', deviated: null, ...waited };
  }
}

/** What a run would have done, and why it would have been that one: nothing else keeps it. */
async function rehearse(tick: TickInput, took: Took, seed: string): Promise<Partial<TickResult>> {
  const would = await rehearsed(tick, took, seed);
  const { choice } = took;
  if (choice === undefined) return { would };
  setCurrentDetails(`**${tick.program}**, ${tick.cadence.name}: would ${would}\n\n${rankingMarkdown(choice)}`);
  return { would, choice };
}

async function rehearsed(tick: TickInput, took: Took, seed: string): Promise<string> {
  let found: Plan;
  try {
    found = (await executeChild('plan', {
      workflowId: `plan-${nameOf(took.picked, seed)}`,
      args: [inputOf(tick, took, seed)],
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    })) as Plan;
  } catch (failure) {
    if (isCancellation(failure)) throw failure;
    return `be refused, since nobody could plan it: ${why(failure)}`;
  }
  const refusal = refusalOf(found.guards, true);
  const failed = found.checks.find(({ passed }) => !passed);
  const [violation] = found.violations;
  if (refusal) return `be refused by ${refusal.guard}: ${refusal.found}`;
  if (failed) return `be refused by ${failed.check}: ${failed.found}`;
  if (violation !== undefined) return `be refused by policy: ${violation}`;
  if (found.approvals > 0) return `wait until ${found.approvals} other people approve it`;
  const [first = 'nobody'] = found.targets;
  const more = found.targets.length - 1;
  return `hit ${first}${more > 0 ? ` and ${more} more` : ''}`;
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
    approveWithinMs: Math.max(1_000, Math.min(cadence.everyMs - sinceStartMs(), APPROVED_WITHIN_MS)),
    ...(choice === undefined ? {} : { chosen: { program, cadence: cadence.name, choice } }),
  };
}

/** A run's name, as whoever starts one by hand gives it. A tick that is reset gives it again, so that it starts no second one. */
function nameOf({ experiment }: Picked, seed: string): string {
  return namedAt(experiment.name, seed);
}

function namedAt(name: string, seed: string): string {
  const atMs = patched('named-by-tick') ? workflowInfo().startTime.getTime() : Date.now();
  const stamp = new Date(atMs).toISOString().replaceAll(/[-:]/g, '').slice(0, 15).replace('T', '-');
  return `${name}-${stamp}-${seed.slice(0, 4)}`;
}
