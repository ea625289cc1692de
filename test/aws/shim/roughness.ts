/**
 * How AWS is on a bad day: what happens to a call, drawn from a seed.
 *
 * Owns what happens to single calls: throttles, errors, lost and slow answers, no capacity. What is told late is in `lag.ts`, what
 * takes time in `transit.ts`. Must never last: after some calls in a row for the same thing, one passes. A call that is slow has had
 * its effect before the client's time for it is over.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { randomFrom } from '../../../domain/random.ts';
import { broken, CUT, refusal, throttled } from './answer.ts';
import type { Answer, AnswerOrCut } from './answer.ts';
import { isDry, sameAs } from './call.ts';
import type { Call } from './call.ts';
import { Lag } from './lag.ts';
import { Transit } from './transit.ts';

/** What happens to single calls, and how often each does beside the others. */
const SINGLE = {
  throttled: 5,
  /** A 500 before the effect. */
  'internal-error': 2,
  /** A 503 before the effect. */
  unavailable: 2,
  /** A 500 after the effect. */
  'error-after': 1,
  /** The connection is cut before the effect. */
  'cut-before': 1,
  /** The connection is cut after the effect. */
  lost: 4,
  /** Within the client's time for it. */
  slow: 3,
  /** The effect is within the client's time for it, the answer is not. */
  'too-slow': 1,
  /** Where instances are started. */
  'no-capacity': 4,
} as const;

type Single = keyof typeof SINGLE;

/** `stale`: the answer is of before a write. `unseen`: what is new is not there yet. `in-transit`: it is still `stopping`. */
export type Happening = Single | 'stale' | 'unseen' | 'in-transit';

/** How rough a shim is. */
export interface Rough {
  /** The share of calls to which something happens. Default: 0.25. */
  readonly rate?: number;
  /** What may happen. Default: everything. */
  readonly only?: readonly Happening[];
  /** Of so many calls in a row for the same thing, the next passes. Default: 5. */
  readonly inARow?: number;
  /** How long the client waits for an answer, in milliseconds. Default: 1,000. */
  readonly requestTimeout?: number;
  /** How late at most a change is told, in milliseconds. Default: 800. */
  readonly lagMs?: number;
  /** How long at most an instance is on its way to another state, in milliseconds. Default: 800. */
  readonly transitMs?: number;
}

/** Has the call done. */
export type Pass = (call: Call) => Promise<AnswerOrCut>;
/** Is told what happens to a call. */
export type Note = (happening: Happening) => void;

export class Roughness {
  readonly #seed: number;
  readonly #rate: number;
  readonly #only: readonly Happening[] | undefined;
  readonly #inARow: number;
  readonly #timeoutMs: number;
  readonly #lag: Lag;
  readonly #transit: Transit;
  /** Calls so far, by name. */
  readonly #calls = new Map<string, number>();
  /** Calls in a row to which something happened, by what was asked. */
  readonly #row = new Map<string, number>();

  constructor(seed: number, rough: Rough) {
    const { rate = 0.25, only, inARow = 5, requestTimeout = 1_000, lagMs = 800, transitMs = 800 } = rough;
    const may = (happening: Happening): boolean => only?.includes(happening) ?? true;
    this.#seed = seed;
    this.#rate = rate;
    this.#only = only;
    this.#inARow = inARow;
    this.#timeoutMs = requestTimeout;
    this.#lag = new Lag({ rate, inARow, lagMs, stale: may('stale'), unseen: may('unseen') });
    this.#transit = new Transit(may('in-transit') ? transitMs : 0);
  }

  /** What the client hears. */
  async answer(call: Call, pass: Pass, note: Note): Promise<AnswerOrCut> {
    // Each call has numbers of its own: what happens to it does not depend on how others of other names came between.
    const number = this.#calls.get(call.name) ?? 0;
    this.#calls.set(call.name, number + 1);
    const random = randomFrom(`${this.#seed} ${call.name} ${number}`);
    const late: Pass = (one) =>
      this.#lag.answer(one, (asked) => this.#transit.answer(asked, pass, random, note), random, note);
    const happening = this.#draw(call, random);
    if (happening === undefined) return late(call);
    note(happening);
    return this.#happen(happening, call, late, random);
  }

  #draw(call: Call, random: () => number): Single | undefined {
    const happens = random() < this.#rate;
    const key = sameAs(call);
    const row = this.#row.get(key) ?? 0;
    const choice = happens && row < this.#inARow ? this.#choose(call, random()) : undefined;
    if (choice === undefined) this.#row.delete(key);
    else this.#row.set(key, row + 1);
    return choice;
  }

  #choose(call: Call, at: number): Single | undefined {
    const starts = /^ec2:(?:Start|Run)Instances$/.test(call.name) && !isDry(call);
    const weights = Object.entries(SINGLE).filter(
      ([name]) => (this.#only?.includes(name as Single) ?? true) && (name !== 'no-capacity' || starts),
    ) as [Single, number][];
    let left = at * weights.reduce((sum, [, weight]) => sum + weight, 0);
    return weights.find(([, weight]) => (left -= weight) < 0)?.[0];
  }

  async #happen(happening: Single, call: Call, late: Pass, random: () => number): Promise<AnswerOrCut> {
    switch (happening) {
      case 'throttled':
        return throttled(call);
      case 'internal-error':
        return broken(call, 500);
      case 'unavailable':
        return broken(call, 503);
      case 'no-capacity':
        return noCapacity(call);
      case 'cut-before':
        return CUT;
      case 'error-after':
        await late(call);
        return broken(call, 500);
      case 'lost':
        await late(call);
        return CUT;
      case 'slow':
        return this.#slowly(call, late, random, 0.2 + random() * 0.5);
      case 'too-slow':
        return this.#slowly(call, late, random, 1.1 + random() * 0.4);
    }
  }

  /** In `share` of the client's time for it, of which some goes by before the effect. */
  async #slowly(call: Call, late: Pass, random: () => number, share: number): Promise<AnswerOrCut> {
    const allMs = share * this.#timeoutMs;
    const beforeMs = random() * Math.min(allMs, 0.7 * this.#timeoutMs);
    // A test that has ended waits for nobody.
    await sleep(beforeMs, undefined, { ref: false });
    const answer = await late(call);
    await sleep(allMs - beforeMs, undefined, { ref: false });
    return answer;
  }
}

function noCapacity(call: Call): Answer {
  const message = 'We currently do not have sufficient capacity in the Availability Zone you requested.';
  return refusal(call, 'InsufficientInstanceCapacity', message, 500);
}
