/**
 * Attending runs: asking, for as long as they hold, the guards whose answer may change under them.
 *
 * Owns how often, and for how long a guard may be silent. All runs of a site share a look: however many hold, whoever is asked is
 * asked as often as for one. Returns only with a refusal, so that a day's hold has the history of a minute's.
 */
import { refusalOf } from '../../domain/admission.ts';
import type { GuardAnswer } from '../../domain/admission.ts';
import { unlessEnded } from '../pause.ts';
import { ticks } from '../watch.ts';
import { climb } from './guard.ts';
import type { Asked, Guard } from './guard.ts';

/** Time between two looks that a run takes, in milliseconds. */
const EVERY_MS = 5_000;
/** A guard that cannot be read so many times in a row refuses: whoever it asks may be restarted meanwhile. */
const UNREADABLE_MAX = 3;

/** Resolves with the first refusal of whoever is asked; rejects when `signal` aborts. */
export type Attend = (input: Asked, signal: AbortSignal) => Promise<GuardAnswer>;

/** How runs are attended by those of `guards` that are asked all the time. A look that is younger than half of `everyMs` is shared. */
export function attending(guards: readonly Guard[], everyMs = EVERY_MS): Attend {
  const always = guards
    .filter((guard) => guard.always)
    .map((guard): Guard => ({ ...guard, ask: guard.askAlways ?? guard.ask }));
  const looks = new Map<string, { readonly atMs: number; readonly answers: Promise<readonly GuardAnswer[]> }>();
  // Nobody's end may end a look: others wait for it too. Each guard has its time limit.
  const unending = new AbortController().signal;
  const refusal = async (input: Asked, notBeforeMs: number): Promise<GuardAnswer | undefined> => {
    const { site } = input.experiment.targets;
    let look = looks.get(site);
    if (!look || look.atMs < notBeforeMs) {
      look = { atMs: performance.now(), answers: climb(always, input, unending) };
      looks.set(site, look);
    }
    return refusalOf(await look.answers, false);
  };
  return async (input, signal) => {
    let unreadable = 0;
    for await (const _ of ticks(everyMs, signal)) {
      const nowMs = performance.now();
      const asked = refusal(input, nowMs - everyMs / 2).then(
        // What was true of others before is not held against a run, nor counted twice.
        (refused) => refused && refusal(input, nowMs),
      );
      const refused = await unlessEnded(asked, signal);
      unreadable = refused?.unreadable ? unreadable + 1 : 0;
      if (refused && (refused.unreadable === undefined || unreadable >= UNREADABLE_MAX)) return refused;
    }
    throw signal.reason;
  };
}
