/**
 * Looks: how often a game day's samples, and its alerts, are taken to its record, and how late something may come there.
 *
 * Owns the numbers, by which one activity looks and another knows how long to wait. Pure.
 */

/** Time between two looks, in milliseconds, however often or seldom the day is sampled. */
const LOOK_MIN_MS = 1_000;
const LOOK_MAX_MS = 5_000;
/** What it may take to ask, and to write down, in milliseconds. */
const ASKED_MS = 5_000;
/** After so many looks that did not come, whatever happened meanwhile is not known. */
const MISSED_LOOKS = 6;

/** Time between two looks at a day that is sampled each `everyMs`. All in milliseconds. */
export function lookEvery(everyMs: number): number {
  return Math.min(LOOK_MAX_MS, Math.max(LOOK_MIN_MS, everyMs));
}

/** How much later than it happened something is heard of at most, where all goes well. All in milliseconds. */
export function heardWithin(everyMs: number): number {
  return everyMs + lookEvery(everyMs) + ASKED_MS;
}

/** Whether so long a pause between two looks says nothing of what was meanwhile. All in milliseconds. */
export function isPause(pauseMs: number, everyMs: number): boolean {
  return pauseMs > MISSED_LOOKS * lookEvery(everyMs);
}
