/**
 * Candidates while they are being sifted.
 *
 * Owns the counting of who is left out and why. Must never choose: what is kept only goes by rules that say what must never
 * be a target.
 */
import type { TargetId } from '../../domain/fault.ts';
import type { TargetFacts } from '../../domain/policy.ts';
import { targetKey } from '../../domain/target-key.ts';
import type { Candidates, Chosen, Exclusion } from './provider.ts';

/** Those left out that are named for people. */
const EXAMPLES = 3;

/** Somebody who may be a target, unless there would be too many of a kind. */
export interface Sifted {
  readonly id: TargetId;
  /** For people. */
  readonly name: string;
  readonly facts: TargetFacts;
  /** Of each of these, no more may be targets than it allows. */
  readonly limits: readonly Limit[];
}

/** Something that must not lose more than so many at once. */
export interface Limit {
  readonly key: string;
  readonly allows: number;
  /** Why whoever is too many is left out. */
  readonly reason: string;
  /** It is a disruption budget's. */
  readonly budget?: true;
}

/** Counts whom it leaves out. */
export class Sieve {
  readonly #chosen: Chosen;
  readonly #kept: Sifted[] = [];
  readonly #left = new Map<string, { count: number; examples: string[] }>();
  readonly #whyNot = new Map<TargetId, string>();

  constructor(chosen: Chosen = { targets: new Set(), asksBudgets: false }) {
    this.#chosen = chosen;
  }

  keep(sifted: Sifted): void {
    this.#kept.push(sifted);
  }

  leave(reason: string, { id, name }: Pick<Sifted, 'id' | 'name'>): void {
    if (this.#chosen.targets.has(id)) this.#whyNot.set(id, reason);
    const left = this.#left.get(reason) ?? { count: 0, examples: [] };
    left.count += 1;
    if (left.examples.length < EXAMPLES) left.examples.push(name);
    this.#left.set(reason, left);
  }

  /** Whoever is left, in a stable order. Of those who are too many the same ones are left out each time, as if by lot, and last who was chosen. */
  candidates(): Candidates {
    const taken = new Map<string, number>();
    const facts = new Map<TargetId, TargetFacts>();
    const { targets, asksBudgets } = this.#chosen;
    const byLot = this.#kept
      .map((sifted) => ({ lot: targetKey(sifted.id), sifted, chosen: targets.has(sifted.id) }))
      .toSorted((a, b) => Number(b.chosen) - Number(a.chosen) || (a.lot < b.lot ? -1 : 1));
    for (const { sifted, chosen } of byLot) {
      const { id, limits } = sifted;
      const binding = chosen && asksBudgets ? limits.filter(({ budget }) => !budget) : limits;
      const full = binding.find(({ key, allows }) => (taken.get(key) ?? 0) >= allows);
      if (full !== undefined) {
        this.leave(full.reason, sifted);
        continue;
      }
      for (const { key } of limits) taken.set(key, (taken.get(key) ?? 0) + 1);
      facts.set(id, sifted.facts);
    }
    const excluded = [...this.#left].map(([reason, left]): Exclusion => ({ reason, ...left }));
    return { targets: [...facts.keys()].toSorted(), facts, excluded, whyNot: this.#whyNot };
  }
}
