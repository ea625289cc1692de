/**
 * The blast-radius budget of a site: who may hold which targets at once.
 *
 * Owns the rule. An ask is for exactly the targets of one stage; it is granted when none of them is another run's, and what
 * is held together stays within the limits. Whoever waits is served in the order of asking: an ask is judged as if all who
 * wait before it had been granted. Pure; a grant is good for as long as its exact execution is open, which others find out.
 *
 * Whoever may send a message may lie in one: about how much there is, and in another's name. A lie must never grant anything.
 */

import { targetKey } from './target-key.ts';
import { percent } from './units.ts';

/** What a policy allows at one site at once. */
export interface BudgetLimits {
  /** Runs. */
  readonly runs?: number;
  /** The label by which targets belong to a service. */
  readonly label?: string;
  /** The share of a service's members (ratio). */
  readonly serviceShare?: number;
  /** The share of all that is known of the site (ratio). */
  readonly siteShare?: number;
}

/** Targets of one service, by their keys. */
export interface ServiceAsk {
  /** Empty for those that belong to none. */
  readonly service: string;
  /** How many there are, hit or not. */
  readonly members: number;
  readonly keys: readonly string[];
}

/** One stage of one execution of a run asks for its targets. */
export interface Ask {
  readonly run: string;
  readonly execution: string;
  readonly stage: number;
  readonly services: readonly ServiceAsk[];
  readonly limits: BudgetLimits;
  /** Whether it waits where it cannot be granted now. */
  readonly waits: boolean;
  /** A grant by the run's own word, which knows no limits. */
  readonly remembered?: true;
}

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

/** What an ask is known by; {@link isEqual} tells whether it is the same one. */
export type AskName = Pick<Ask, 'execution' | 'stage'>;

/** Nobody holds anything. */
export const NO_GRANTS: Budget = { granted: [], waiting: [] };

/** Keys under grants and asks at one site beyond which nobody is granted more: a workflow's state must stay small. */
export const KEYS_MAX = 50_000;

/** Runs that are named in a sentence. */
const NAMED_MAX = 3;

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

/** How much of a service is held, and by which runs; `members`: the least that anybody says it has. */
interface Service {
  readonly held: number;
  readonly members: number;
  readonly by: Set<string>;
}

/** What is held, or will be by those who wait, counted as it is added: a thousand may ask at once. */
class Held {
  /** Who came first, by key. */
  readonly #holders = new Map<string, Ask>();
  readonly #runs = new Map<string, string>();
  readonly #services = new Map<string, Service>();
  #keys = 0;

  constructor(asks: readonly Ask[]) {
    for (const ask of asks) this.add(ask);
  }

  add(ask: Ask): void {
    this.#runs.set(ask.execution, ask.run);
    for (const asked of ask.services) {
      const { held, members, by } = this.#with(asked);
      by.add(ask.run);
      this.#services.set(asked.service, { held, members, by });
      this.#keys += asked.keys.length;
      for (const key of asked.keys) if (!this.#holders.has(key)) this.#holders.set(key, ask);
    }
  }

  /** Why `ask` cannot be granted beside all of it, in words; undefined where it can. */
  refusal(ask: Ask): string | undefined {
    const foreign = this.#foreign(ask);
    const [first] = foreign;
    if (first === undefined) return this.full(ask) ?? this.#overLimit(ask);
    const keys = ask.services.reduce((sum, service) => sum + service.keys.length, 0);
    return `${foreign.filter(({ run }) => run === first.run).length} of its ${keys} targets are ${first.run}’s`;
  }

  holdersOf(ask: Ask): ReadonlyMap<string, string> {
    return new Map(this.#foreign(ask).map(({ execution, run }) => [execution, run]));
  }

  /** Whose each of its targets is that is another's. */
  #foreign(ask: Ask): Ask[] {
    return ask.services.flatMap(({ keys }) =>
      keys.flatMap((key) => {
        const holder = this.#holders.get(key);
        return holder && holder.execution !== ask.execution ? [holder] : [];
      }),
    );
  }

  /** Why there is no room for it. */
  full({ services }: Ask): string | undefined {
    const keys = services.reduce((sum, service) => sum + service.keys.length, this.#keys);
    return keys > KEYS_MAX
      ? `more than ${KEYS_MAX} targets would be held, or waited for, at this site at once`
      : undefined;
  }

  #overLimit({ run, execution, services, limits }: Ask): string | undefined {
    const { runs = Infinity, serviceShare = Infinity, siteShare = Infinity } = limits;
    if (!this.#runs.has(execution) && this.#runs.size >= runs)
      return `at most ${runs} at once may run here, and there are: ${named(this.#runs.values())}`;
    const after = new Map(this.#services);
    for (const asked of services) {
      const { held, members, by } = this.#with(asked, after);
      after.set(asked.service, { held, members, by });
      if (held > serviceShare * members + 1e-9) {
        const what = `${held} of the ${members} of ${asked.service || 'no service'}`;
        return `${what} would be hit at once, more than ${percent(serviceShare)}${withThoseOf(by, run)}`;
      }
    }
    if (siteShare === Infinity) return undefined;
    const own = new Set(services.map(({ service }) => service));
    let held = 0;
    let members = 0;
    for (const [service, one] of after) {
      held += one.held;
      // However large others say that theirs are: that leaves no more to hit elsewhere.
      members += own.has(service) ? one.members : Math.min(one.members, one.held / siteShare || 0);
    }
    if (held <= siteShare * members + 1e-9) return undefined;
    const what = `${held} of the ${Math.floor(members)} known at this site`;
    return `${what} would be hit at once, more than ${percent(siteShare)}${withThoseOf(this.#runs.values(), run)}`;
  }

  /** The service once `asked` is held too. */
  #with({ service, members, keys }: ServiceAsk, services: ReadonlyMap<string, Service> = this.#services): Service {
    const before = services.get(service);
    if (!before) return { held: keys.length, members, by: new Set() };
    return { held: before.held + keys.length, members: Math.min(before.members, members), by: before.by };
  }
}

function nameOf({ execution, stage }: AskName): string {
  return `${execution}/${stage}`;
}

function isSame(one: AskName, other: AskName): boolean {
  return one.execution === other.execution && one.stage === other.stage;
}

/** Names an ask with what it is for, shortly: enough to tell a refusal by, of which a lie can make no more than another. */
export function digestOf(ask: Ask): string {
  return `${ask.execution}/${ask.stage}/${ask.run}/${targetKey(contentOf(ask, ask))}`;
}

/** Whether two asks are one: of the same stage, for the same, under the same limits. */
function isEqual(one: Ask, other: Ask): boolean {
  return isSame(one, other) && one.run === other.run && contentOf(one, other) === contentOf(other, one);
}

function isForeign(one: Ask, other: Ask): boolean {
  return one.execution === other.execution && one.run !== other.run;
}

/** What is asked for, as a text; without the limits where one of both does not know them. */
function contentOf({ services, limits, remembered }: Ask, beside: Pick<Ask, 'remembered'>): string {
  const { runs, serviceShare, siteShare } = limits;
  const known = remembered || beside.remembered ? [] : [runs, serviceShare, siteShare];
  return JSON.stringify([services.map(({ service, members, keys }) => [service, members, keys]), ...known]);
}

/** Runs besides `own`, in words. */
function withThoseOf(runs: Iterable<string>, own: string): string {
  const others = new Set(runs);
  others.delete(own);
  return others.size === 0 ? '' : `, with those of ${named(others)}`;
}

/** The first few by name. */
function named(runs: Iterable<string>): string {
  const all = [...runs];
  const first = all.slice(0, NAMED_MAX).join(', ');
  return all.length > NAMED_MAX ? `${first} and ${all.length - NAMED_MAX} more` : first;
}
