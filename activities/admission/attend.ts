/**
 * Attending a run: asking, for as long as it holds, the guards whose answer may change under it.
 *
 * Owns how often, and for how long a guard may be silent. Returns only with a refusal, so that a day's hold has the history of a
 * minute's.
 */
import { refusalOf } from '../../domain/admission.ts';
import type { GuardAnswer } from '../../domain/admission.ts';
import { ticks } from '../watch.ts';
import { climb } from './guard.ts';
import type { Asked, Guard } from './guard.ts';

/** Time between two looks, in milliseconds. */
const EVERY_MS = 5_000;
/** A guard that cannot be read so many times in a row refuses: whoever it asks may be restarted meanwhile. */
const UNREADABLE_MAX = 3;

/** The first refusal; rejects when `signal` aborts. */
export async function attend(
  guards: readonly Guard[],
  input: Asked,
  signal: AbortSignal,
  everyMs = EVERY_MS,
): Promise<GuardAnswer> {
  const always = guards.filter((guard) => guard.always);
  let unreadable = 0;
  for await (const _ of ticks(everyMs, signal)) {
    const refusal = refusalOf(await climb(always, input, signal), false);
    unreadable = refusal?.unreadable ? unreadable + 1 : 0;
    if (refusal && (refusal.unreadable === undefined || unreadable >= UNREADABLE_MAX)) return refusal;
  }
  throw signal.reason;
}
