/**
 * What is held of a site, or will be by those who wait, and what would be too much beside it.
 *
 * Owns the counting: of runs, of each service's members, and of the site. Whoever may send a message may lie about how many there
 * are, which must never make room. Counted as it is added, since a thousand may ask at once.
 */
import type { Ask, ServiceAsk } from './ask.ts';
import { percent } from './units.ts';

/** Keys under grants and asks at one site beyond which nobody is granted more: a workflow's state must stay small. */
export const KEYS_MAX = 50_000;

/** Runs that are named in a sentence. */
const NAMED_MAX = 3;

/** How much of a service is held, and by which runs; `members`: the least that anybody says it has. */
interface Service {
  readonly held: number;
  readonly members: number;
  readonly by: Set<string>;
}

/** What is held, or will be by those who wait, counted as it is added: a thousand may ask at once. */
export class Held {
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
