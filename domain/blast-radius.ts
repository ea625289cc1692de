/**
 * The blast-radius budget of a site: who may hold which targets at once.
 *
 * Owns the rule. An ask is for exactly the targets of one stage; it is granted when none of them is another run's, and what
 * is held together stays within the limits. Whoever waits is served in the order of asking: an ask is judged as if all who
 * wait before it had been granted. Pure; a grant is good for as long as its exact execution is open, which others find out.
 */

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
  | { readonly answer: 'granted' }
  | { readonly answer: 'refused'; readonly why: string }
  /** `position` counts from 1. */
  | { readonly answer: 'waits'; readonly position: number; readonly why: string };

/** Nobody holds anything. */
export const NO_GRANTS: Budget = { granted: [], waiting: [] };

/** Keys under grants and asks at one site beyond which nobody is granted more: a workflow's state must stay small. */
export const KEYS_MAX = 50_000;

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
  const answers = asks.map((ask): BudgetAnswer => {
    const known = answerTo(queue, ask);
    if (known) return known;
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
export function answerTo(budget: Budget, ask: Pick<Ask, 'execution' | 'stage'>): BudgetAnswer | undefined {
  if (budget.granted.some((other) => isSame(other, ask))) return { answer: 'granted' };
  const i = budget.waiting.findIndex((other) => isSame(other, ask));
  const own = budget.waiting[i];
  if (!own) return undefined;
  const before = new Queue(budget.granted);
  for (const other of budget.waiting.slice(0, i)) before.wait(other);
  return { answer: 'waits', position: i + 1, why: before.refusal(own) ?? 'it is about to be granted' };
}

/** The budget once these executions are closed, or have gone away: what they held is free, and whoever can be served is. */
export function release(budget: Budget, executions: ReadonlySet<string>): Budget {
  return serve(
    budget.granted.filter(({ execution }) => !executions.has(execution)),
    budget.waiting.filter(({ execution }) => !executions.has(execution)),
  );
}

/** The budget without what one ask waits for, or was granted and cannot use. */
export function withdraw(budget: Budget, ask: Pick<Ask, 'execution' | 'stage'>): Budget {
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
    if (answerTo(queue, ask)) continue;
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

/** What is held, or will be by those who wait, counted as it is added: a thousand may ask at once. */
class Held {
  /** Who came first, by key. */
  readonly #holders = new Map<string, Ask>();
  readonly #runs = new Map<string, string>();
  readonly #services = new Map<string, { held: number; members: number }>();
  #keys = 0;

  constructor(asks: readonly Ask[]) {
    for (const ask of asks) this.add(ask);
  }

  add(ask: Ask): void {
    this.#runs.set(ask.execution, ask.run);
    for (const { service, members, keys } of ask.services) {
      const before = this.#services.get(service) ?? { held: 0, members: 0 };
      this.#services.set(service, { held: before.held + keys.length, members: Math.max(before.members, members) });
      this.#keys += keys.length;
      for (const key of keys) if (!this.#holders.has(key)) this.#holders.set(key, ask);
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

  #overLimit({ execution, services, limits }: Ask): string | undefined {
    const { runs = Infinity, serviceShare = Infinity, siteShare = Infinity } = limits;
    if (!this.#runs.has(execution) && this.#runs.size >= runs)
      return `at most ${runs} at once may run here, and there are: ${[...this.#runs.values()].join(', ')}`;
    const after = new Map(this.#services);
    for (const { service, members, keys } of services) {
      const before = after.get(service) ?? { held: 0, members: 0 };
      const held = before.held + keys.length;
      const known = Math.max(before.members, members);
      after.set(service, { held, members: known });
      if (held > serviceShare * known + 1e-9)
        return `${held} of the ${known} of ${service || 'no service'} would be hit at once, more than ${percent(serviceShare)}`;
    }
    if (siteShare === Infinity) return undefined;
    const held = [...after.values()].reduce((sum, one) => sum + one.held, 0);
    const members = [...after.values()].reduce((sum, one) => sum + one.members, 0);
    if (held <= siteShare * members + 1e-9) return undefined;
    return `${held} of the ${members} known at this site would be hit at once, more than ${percent(siteShare)}`;
  }
}

function isSame(one: Pick<Ask, 'execution' | 'stage'>, other: Pick<Ask, 'execution' | 'stage'>): boolean {
  return one.execution === other.execution && one.stage === other.stage;
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(6))}%`;
}
