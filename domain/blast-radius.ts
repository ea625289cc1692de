/**
 * The blast-radius budget of a site: who may hold which targets at once.
 *
 * Owns the rule. An ask is for exactly the targets of one stage; it is granted when none of them is another run's, and what
 * is held together stays within the limits. Whoever waits is served in the order of asking: an ask is judged as if all who
 * wait before it had been granted. Pure; a grant is good for as long as its exact execution is open, which others find out.
 *
 * Whoever may send a message may lie in one: about how much there is, and in another's name. A lie must never grant anything.
 */

import { isEqual, isForeign, isSame, nameOf } from './ask.ts';
import type { Ask, AskName } from './ask.ts';
import { Held } from './held-targets.ts';

/** Plain JSON: it travels from one execution of the budget's workflow to the next. */
export interface Budget {
  /** In the order in which they were granted. */
  readonly granted: readonly Ask[];
  /** In the order in which they asked. */
  readonly waiting: readonly Ask[];
}

/** What an ask was answered. */
export type BudgetAnswer =
  { readonly answer: 'granted' } | { readonly answer: 'refused'; readonly why: string } | Waits;

/** Whose turn has not come; `position` counts from 1. */
export interface Waits {
  readonly answer: 'waits';
  readonly position: number;
  readonly why: string;
}

/** Nobody holds anything. */
export const NO_GRANTS: Budget = { granted: [], waiting: [] };

/**
 * The budget after `asks`, in their order, and the answer to each. An ask that is repeated changes nothing.
 *
 * A run that holds targets already is judged by what is granted alone: whoever waits may be waiting for it. It waits only where
 * nobody else does who holds targets, so that no two wait for each other; and nobody waits for what could never be granted.
 */
export function take(
  budget: Budget,
  asks: readonly Ask[],
): { readonly budget: Budget; readonly answers: readonly BudgetAnswer[] } {
  const queue = new Queue(budget.granted);
  for (const ask of budget.waiting) queue.wait(ask);
  const before = answersTo(budget, asks);
  const answers = asks.map((ask, i): BudgetAnswer => {
    const known = before[i] ?? answerTo(queue, ask);
    if (known) return known;
    const another = rivalOf(queue, ask);
    if (another !== undefined) return { answer: 'refused', why: another };
    const why = queue.refusal(ask);
    if (why === undefined) {
      queue.grant(ask);
      return { answer: 'granted' };
    }
    const hopeless = new Held([]).refusal(ask) ?? queue.full(ask);
    if (!ask.waits || hopeless !== undefined) return { answer: 'refused', why: hopeless ?? why };
    if (queue.holds(ask) && queue.waiting.some((other) => queue.holds(other) && other.execution !== ask.execution))
      return { answer: 'refused', why: `${why}, and another run that holds targets waits already` };
    return { answer: 'waits', position: queue.wait(ask), why };
  });
  return { budget: { granted: queue.granted, waiting: queue.waiting }, answers };
}

/** What this ask was answered, as things are; undefined where it has not asked. */
export function answerTo(budget: Budget, ask: Ask): BudgetAnswer | undefined {
  return isKnown(budget, ask) ? answersTo(budget, [ask])[0] : undefined;
}

/** The same of many, at one look: a thousand may wait, and each asks again and again. */
export function answersTo({ granted, waiting }: Budget, asks: readonly Ask[]): (BudgetAnswer | undefined)[] {
  const grants = Map.groupBy(granted, nameOf);
  const asked = Map.groupBy(asks, nameOf);
  const waits = new Map<Ask, Waits>();
  const before = new Queue(granted);
  for (const [i, own] of waiting.entries()) {
    for (const ask of asked.get(nameOf(own)) ?? [])
      if (isEqual(own, ask))
        waits.set(ask, { answer: 'waits', position: i + 1, why: before.refusal(own) ?? 'it is about to be granted' });
    before.wait(own);
  }
  return asks.map((ask) =>
    grants.get(nameOf(ask))?.some((other) => isEqual(other, ask)) ? { answer: 'granted' } : waits.get(ask),
  );
}

function isKnown({ granted, waiting }: Budget, ask: Ask): boolean {
  return granted.some((other) => isEqual(other, ask)) || waiting.some((other) => isEqual(other, ask));
}

/** Why `ask` is not the one that is known by its name, or not of the run that its execution is known by. */
function rivalOf({ granted, waiting }: Budget, ask: Ask): string | undefined {
  if (granted.some((other) => isSame(other, ask))) return 'another ask for this stage was granted';
  if (waiting.some((other) => isSame(other, ask))) return 'another ask for this stage waits';
  const of = granted.find((other) => isForeign(other, ask)) ?? waiting.find((other) => isForeign(other, ask));
  return of && `its execution asked before as one of ${of.run}`;
}

/** The budget once these executions are closed, or have gone away: what they held is free, and whoever can be served is. */
export function release(budget: Budget, executions: ReadonlySet<string>): Budget {
  return serve(
    budget.granted.filter(({ execution }) => !executions.has(execution)),
    budget.waiting.filter(({ execution }) => !executions.has(execution)),
  );
}

/** The budget without what one ask waits for, or was granted and cannot use. */
export function withdraw(budget: Budget, ask: AskName): Budget {
  return serve(
    budget.granted,
    budget.waiting.filter((other) => !isSame(other, ask)),
  );
}

function serve(granted: readonly Ask[], waiting: readonly Ask[]): Budget {
  const queue = new Queue(granted);
  for (const ask of waiting) {
    if (queue.refusal(ask) === undefined) queue.grant(ask);
    else queue.wait(ask);
  }
  return { granted: queue.granted, waiting: queue.waiting };
}

/** Every execution that was granted something, or waits, and the run that it is of. */
export function everybody({ granted, waiting }: Budget): ReadonlyMap<string, string> {
  return new Map([...granted, ...waiting].map(({ execution, run }) => [execution, run]));
}

/** Those for whose sake one of `asks` would be refused, or made to wait: if they are over, they must not be in its way. */
export function inTheWay(budget: Budget, asks: readonly Ask[]): ReadonlyMap<string, string> {
  const queue = new Queue(budget.granted);
  for (const ask of budget.waiting) queue.wait(ask);
  const found = new Map<string, string>();
  for (const ask of asks) {
    if (isKnown(queue, ask)) continue;
    // Who told of its execution as of another run's is found to be over, since there is no such execution.
    for (const list of [queue.granted, queue.waiting])
      for (const other of list) if (isForeign(other, ask)) found.set(other.execution, other.run);
    if (rivalOf(queue, ask) !== undefined) continue;
    if (queue.refusal(ask) === undefined) {
      queue.grant(ask);
      continue;
    }
    const holders = queue.holdersOf(ask);
    // Where no target of it is anybody's, it is all together who are too many.
    for (const [execution, run] of holders.size > 0 ? holders : everybody(queue)) found.set(execution, run);
    // Nor does it wait beside another that holds and waits.
    if (queue.holds(ask))
      for (const other of queue.waiting) if (queue.holds(other)) found.set(other.execution, other.run);
    if (ask.waits) queue.wait(ask);
  }
  return found;
}

/** Who was granted what, and who waits; each ask is judged by those before it. */
class Queue {
  readonly granted: Ask[];
  readonly waiting: Ask[] = [];
  readonly #byGrants: Held;
  readonly #byAll: Held;
  readonly #holders: Set<string>;

  constructor(granted: readonly Ask[]) {
    this.granted = [...granted];
    this.#byGrants = new Held(granted);
    this.#byAll = new Held(granted);
    this.#holders = new Set(granted.map(({ execution }) => execution));
  }

  /** Whether its run was granted something already. */
  holds({ execution }: Ask): boolean {
    return this.#holders.has(execution);
  }

  refusal(ask: Ask): string | undefined {
    return (this.holds(ask) ? this.#byGrants : this.#byAll).refusal(ask);
  }

  /** The other executions that hold, or wait for, what it asks for, and their runs. */
  holdersOf(ask: Ask): ReadonlyMap<string, string> {
    return (this.holds(ask) ? this.#byGrants : this.#byAll).holdersOf(ask);
  }

  /** Why there is no room for it, in the queue either. */
  full(ask: Ask): string | undefined {
    return this.#byAll.full(ask);
  }

  grant(ask: Ask): void {
    this.granted.push(ask);
    this.#byGrants.add(ask);
    this.#byAll.add(ask);
    this.#holders.add(ask.execution);
  }

  /** Returns its position, from 1. */
  wait(ask: Ask): number {
    this.#byAll.add(ask);
    return this.waiting.push(ask);
  }
}
