/**
 * The gate before a tick: whether it begins, waits, or is left out.
 *
 * Owns which refusals pass with time, how long is waited between two looks, and when no more. Pure.
 */
import { needsOverride, refusalOf } from './admission.ts';
import type { GuardAnswer } from './admission.ts';
import { STOP_GUARD } from './emergency-stop.ts';
import type { Cadence } from './program.ts';

/** From one look to the next, in milliseconds. */
export const LOOK_AGAIN_MS = 300_000;
/** How long a tick waits at most, in milliseconds, where its cadence does not say. */
export const WAIT_UP_TO_MS = 1_800_000;
/** The longest that a cadence may say, in milliseconds: the day after a change of the clock comes sooner than others. */
export const WAIT_UP_TO_MAX_MS = 43_200_000;

/** What refuses where no control worker answers. */
export const UNASKED_GUARD = 'admission';

/** Those that may let later what they refuse now. Whom another refuses, a policy say, has a run that is refused, and a journal that says so. */
const PASSING: ReadonlySet<string> = new Set([
  STOP_GUARD,
  'window',
  'cool-down',
  'no-incidents',
  'healthy',
  'capacity',
  UNASKED_GUARD,
]);

/** The refusal for which is waited; undefined where nothing is, be it that nobody refuses, or that waiting is of no use. */
export function passingRefusalOf(guards: readonly GuardAnswer[]): GuardAnswer | undefined {
  // What people may set aside the run asks them.
  const refusal = refusalOf(guards, needsOverride(guards));
  return refusal && PASSING.has(refusal.guard) ? refusal : undefined;
}

/**
 * Whether there is another look. `waitedMs`: between the looks so far. `nextInMs`: until the next tick comes, where that is known;
 * where not, it comes a whole turn after this one. All in milliseconds.
 */
export function looksAgain(
  { everyMs, waitUpToMs = WAIT_UP_TO_MS }: Pick<Cadence, 'everyMs' | 'waitUpToMs'>,
  waitedMs: number,
  nextInMs = everyMs - waitedMs,
): boolean {
  return waitedMs + LOOK_AGAIN_MS <= waitUpToMs && LOOK_AGAIN_MS < nextInMs;
}
