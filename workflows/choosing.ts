/**
 * What a tick runs, and when.
 *
 * Owns the order of things: the control worker chooses by the journal, its guards are asked, and while they refuse what may pass with time the tick
 * waits and both are asked again. What cannot be told is no reason to begin anything.
 */
import { isCancellation, patched, setCurrentDetails, sleep, workflowInfo } from '@temporalio/workflow';
import type { Standing } from '../activities/standing.ts';
import type { GuardAnswer } from '../domain/admission.ts';
import type { Choice, RefusedNow } from '../domain/picking.ts';
import { candidatesOf, startedByProgram, taken } from '../domain/program.ts';
import type { Picked } from '../domain/program.ts';
import { LOOK_AGAIN_MS, looksAgain, passingRefusalOf, UNASKED_GUARD } from '../domain/safety-gate.ts';
import { formatDuration } from '../domain/units.ts';
import { why } from './blindness.ts';
import type { TickInput } from './messages.ts';
import { admission, choosing, deploymentsAt } from './proxies.ts';

/** The most findings that a tick names which has nobody to take. */
const NAMED_MAX = 5;
/** The most of a ranking of whom is asked whether it may begin, at each look. */
const ASKED_MAX = 10;
/** The longest that is kept of why one may not, in characters: it travels with the run. */
const FOUND_MAX = 150;

/** What was taken from the pool, and why; ticks of before 0.5 have no choice to show. */
export interface Took {
  readonly picked: Picked;
  readonly choice?: Choice;
  /** The group whose turn it is; absent where targets have none. */
  readonly group?: string;
}

/** Why nothing was taken. */
export interface Left {
  readonly skipped: string;
  /** What was chosen; absent where nobody could tell. */
  readonly choice?: Choice;
  /** It is no group's turn, as it mostly is. */
  readonly nobody?: true;
  /** Waiting might help: a dry run does not. */
  readonly waits?: true;
}

/** What is begun now, be it after a while; or why nothing is. */
export async function chosenSafely(tick: TickInput, seed: string): Promise<Took | Left> {
  let standing: Standing | undefined;
  const deployed = await deployedOf(tick);
  for (let looks = 1; ; looks++) {
    const chosen = await chooseOnce(tick, seed, deployed);
    if ('skipped' in chosen || !patched('waits-until-safe')) return chosen;
    const found = await firstSafe(tick, chosen.choice);
    if ('picked' in found) return found;
    const { refusal, choice } = found;
    const unsafe = `${refusal.guard}: ${refusal.found}`.slice(0, FOUND_MAX);
    if (tick.cadence.dryRun) return { skipped: unsafe, choice, waits: true };
    standing ??= await standingOf(tick);
    const waitedMs = (looks - 1) * LOOK_AGAIN_MS;
    const { off, nextAtMs } = standing;
    const nextInMs = nextAtMs === undefined ? tick.cadence.everyMs - sinceStartMs() : nextAtMs - Date.now();
    const left = looks === 1 ? 'it is not safe' : `not safe for ${formatDuration(waitedMs)}, at ${looks} looks`;
    if (off !== undefined || !looksAgain(tick.cadence, waitedMs, nextInMs))
      return { skipped: `${left}: ${off ?? unsafe}`, choice };
    setCurrentDetails(`**${tick.program}**, ${tick.cadence.name}: waits until it is safe\n\n${unsafe}`);
    await sleep(LOOK_AGAIN_MS, { summary: `not safe yet: ${unsafe}` });
    // Whoever has paused the program meanwhile has stopped what waits, too.
    standing = await standingOf(tick);
    if (standing.off !== undefined) return { skipped: `${left}; then ${standing.off}`, choice };
  }
}

/** How long ago the tick began, in milliseconds. */
export function sinceStartMs(): number {
  return Date.now() - workflowInfo().startTime.getTime();
}

/** When the targets of each of the pool were last deployed, as their sites say; undefined where it does not matter. */
async function deployedOf({ cadence: { pick, pool } }: TickInput): Promise<readonly (number | null)[] | undefined> {
  if (pick !== 'evidence' || !patched('sees-deployments')) return undefined;
  const found: (number | null)[] = pool.map(() => null);
  const bySite = Map.groupBy(pool.keys(), (i) => pool[i]?.experiment.targets.site ?? '');
  const ask = async (site: string, of: readonly number[]): Promise<void> => {
    const named = of
      .flatMap((i) => pool[i] ?? [])
      .map(({ experiment: { fault, targets } }) => ({ fault, selector: targets.selector }));
    const options = { summary: `what was deployed at ${site}` };
    const times = await deploymentsAt(site).deployed.executeWithOptions(options, [named]);
    for (const [nth, i] of of.entries()) found[i] = times[nth] ?? null;
  };
  await Promise.all(
    [...bySite].map(([site, of]) =>
      ask(site, of).catch((failure: unknown) => {
        if (isCancellation(failure)) throw failure;
      }),
    ),
  );
  return found;
}

/** The control worker chooses, by the journal. */
async function chooseOnce(
  { cadence }: TickInput,
  seed: string,
  deployed: readonly (number | null)[] | undefined,
): Promise<(Took & { readonly choice: Choice }) | Left> {
  const { everyMs, pick } = cadence;
  const asked = { pick, seed, pool: candidatesOf(cadence, deployed), nowMs: Date.now(), everyMs };
  try {
    const choice = await choosing().choose.executeWithOptions({ summary: `choose: ${pick}` }, [asked]);
    const picked = taken(cadence, choice);
    if (picked) return { picked, choice };
    return { skipped: `each of its pool has deviated, and nobody has acknowledged it: ${findingsOf(choice)}`, choice };
  } catch (failure) {
    if (isCancellation(failure)) throw failure;
    return { skipped: `nobody could tell what to run: ${why(failure)}` };
  }
}

function findingsOf({ passedOver }: Choice): string {
  const named = passedOver.slice(0, NAMED_MAX).map(({ finding }) => finding);
  return passedOver.length > named.length ? `${named.join(', ')} …` : named.join(', ');
}

/** The first of a ranking whom the guards let begin, with the choice that is left; or the first refusal, where they let nobody. */
async function firstSafe(
  tick: TickInput,
  choice: Choice,
): Promise<(Took & { readonly choice: Choice }) | { readonly refusal: GuardAnswer; readonly choice: Choice }> {
  const refused: RefusedNow[] = [];
  let first: GuardAnswer | undefined;
  for (const { experiment } of choice.ranking.slice(0, ASKED_MAX)) {
    const left: Choice = { ...choice, ranking: choice.ranking.slice(refused.length), refused };
    const picked = taken(tick.cadence, left);
    if (!picked) break;
    const refusal = await refusalNow(tick, picked);
    if (!refusal) return { picked, choice: refused.length === 0 ? choice : left };
    first ??= refusal;
    const { guard, found } = refusal;
    refused.push({ experiment, guard, found: found.slice(0, FOUND_MAX) });
    // Whoever does not answer for one does not for another.
    if (guard === UNASKED_GUARD) break;
  }
  return { refusal: first ?? { guard: UNASKED_GUARD, passed: false, found: 'there was nobody to ask for' }, choice };
}

/** What refuses an experiment now, and may let it later. */
async function refusalNow(
  { program, appliedBy }: TickInput,
  { experiment, documentHash }: Picked,
): Promise<GuardAnswer | undefined> {
  const startedBy = { by: startedByProgram(program, appliedBy) };
  const asked = { run: workflowInfo().workflowId, experiment, documentHash, startedBy, plans: true as const };
  try {
    const options = { summary: `is it safe: ${experiment.name}` };
    const { guards, execution } = await admission().admit.executeWithOptions(options, [asked]);
    if (patched('knows-its-reset') && execution !== workflowInfo().firstExecutionRunId)
      return { guard: UNASKED_GUARD, passed: false, found: 'the tick was reset; what it had begun goes on by itself' };
    return passingRefusalOf(guards);
  } catch (failure) {
    if (isCancellation(failure)) throw failure;
    return { guard: UNASKED_GUARD, passed: false, found: `nobody could be asked: ${why(failure)}` };
  }
}

/** How its schedule stands; what cannot be told begins nothing. */
async function standingOf({ program, cadence }: TickInput): Promise<Standing> {
  try {
    return await choosing().standing.executeWithOptions({ summary: 'is it still scheduled' }, [program, cadence.name]);
  } catch (failure) {
    if (isCancellation(failure)) throw failure;
    return { off: `nobody could tell whether it is still scheduled: ${why(failure)}` };
  }
}
