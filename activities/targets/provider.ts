/**
 * The target protocol: how candidates are found at a site.
 *
 * One file a provider. A provider lists and excludes; it must never choose: choosing is the ladder's (`domain/ladder.ts`).
 */
import type { Grouping, Groups } from '../../domain/grouping.ts';
import type { z } from 'zod';
import type { TargetId } from '../../domain/fault.ts';
import type { TargetFacts } from '../../domain/policy.ts';
import type { Site } from '../faults/driver.ts';

/** Why candidates were left out, and how many. */
export interface Exclusion {
  readonly reason: string;
  readonly count: number;
  /** Up to three of them, for people. */
  readonly examples: readonly string[];
}

/** What a selector found. */
export interface Candidates {
  /** In a stable order, without repeats. */
  readonly targets: readonly TargetId[];
  /**
   * What is known of each: labels or tags, and where it is. Who has none has facts with no labels; one of whom a provider
   * says nothing may be protected, and is left out.
   */
  readonly facts: ReadonlyMap<TargetId, TargetFacts>;
  readonly excluded: readonly Exclusion[];
  /** Why those were left out who were chosen before, as far as they are there. */
  readonly whyNot?: ReadonlyMap<TargetId, string>;
}

/** Targets that were chosen before, of whom it is asked whether they may still be touched. */
export interface Chosen {
  /** They are left out last where there would be too many. */
  readonly targets: ReadonlySet<TargetId>;
  /** The fault asks disruption budgets itself, which leave none of them out here. */
  readonly asksBudgets: boolean;
}

/** Finds targets of one provider. */
export interface TargetProvider<Selector> {
  /** The part of a fault's kind before the slash. */
  readonly provider: string;
  /** Parses `targets:` without `site`. Its output is plain JSON. */
  readonly selector: z.ZodType<Selector>;
  /** Rejects where who was chosen before cannot be read, of whatever reason. */
  resolve(selector: Selector, signal: AbortSignal, chosen?: Chosen): Promise<Candidates>;
  /** When what is named was last deployed, in milliseconds since the Unix epoch; undefined, or not there, where nobody can say. */
  deployedAtMs?(selector: Selector, signal: AbortSignal): Promise<number | undefined>;
  /** The groups of what is named. Rejects where they cannot be read; not there where targets have none. */
  groups?(selector: Selector, grouping: Grouping, signal: AbortSignal): Promise<Groups>;
}

/** Builds a provider for a site. Every provider module exports one as `targets`. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a registry holds providers of every selector type
export type TargetProviderFactory<Selector = any> = (site: Site) => TargetProvider<Selector>;
