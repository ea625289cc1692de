/**
 * An ask for targets: one stage of one execution of a run asks to hold exactly these.
 *
 * Owns when two asks are one, and when one cannot be true beside another. Pure.
 */
import { targetKey } from './target-key.ts';

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

/** What an ask is known by; {@link isEqual} tells whether it is the same one. */
export type AskName = Pick<Ask, 'execution' | 'stage'>;

/** What an ask is known by, as a text. */
export function nameOf({ execution, stage }: AskName): string {
  return `${execution}/${stage}`;
}

/** Whether two asks are known by the same. */
export function isSame(one: AskName, other: AskName): boolean {
  return one.execution === other.execution && one.stage === other.stage;
}

/** Names an ask with what it is for, shortly: enough to tell a refusal by, of which a lie can make no more than another. */
export function digestOf(ask: Ask): string {
  return `${ask.execution}/${ask.stage}/${ask.run}/${targetKey(contentOf(ask, ask))}`;
}

/** Whether two asks are one: of the same stage, for the same, under the same limits. */
export function isEqual(one: Ask, other: Ask): boolean {
  return isSame(one, other) && one.run === other.run && contentOf(one, other) === contentOf(other, one);
}

/** Whether one execution asks as of two runs. */
export function isForeign(one: Ask, other: Ask): boolean {
  return one.execution === other.execution && one.run !== other.run;
}

/** What is asked for, as a text; without the limits where one of both does not know them. */
function contentOf({ services, limits, remembered }: Ask, beside: Pick<Ask, 'remembered'>): string {
  const { runs, serviceShare, siteShare } = limits;
  const known = remembered || beside.remembered ? [] : [runs, serviceShare, siteShare];
  return JSON.stringify([services.map(({ service, members, keys }) => [service, members, keys]), ...known]);
}
