/**
 * Admission: whether a run may begin, and whether it may widen.
 *
 * Owns the form of a guard's answer and the rule of the ladder: in order, the first refusal wins, what was asked is told,
 * and a refusal that people may set aside is set aside only by people.
 */
import type { Identity } from './identity.ts';
import type { Policy } from './policy.ts';

/** What one guard said, and on what. */
export interface GuardAnswer {
  readonly guard: string;
  readonly passed: boolean;
  /** What was found, in words. */
  readonly found: string;
  /** The experiment asks that approval may set this refusal aside. */
  readonly overridable?: true;
  /** Nobody could say: refused for want of an answer. */
  readonly unreadable?: true;
  /** Who refuses, where somebody does: as they are called, and not proven. */
  readonly by?: string;
  /** Refused for now: the run has a place in the budget's queue. */
  readonly waits?: true;
}

/** What a control worker says to a run that asks. */
export interface Admission {
  /** In the ladder's order, up to the first refusal that nobody may set aside. */
  readonly guards: readonly GuardAnswer[];
  /** What the rest of the run is held to; absent where it is asked before a stage. */
  readonly policy?: Policy;
  /** Who started it, as far as that was proven; absent where it is asked before a stage. */
  readonly startedBy?: Identity;
  /** The execution that asked; absent in what older versions said. */
  readonly execution?: string;
}

/** Somebody's leave for exactly one plan of one execution. */
export interface Approval {
  readonly by: Identity;
  /** The plan's hash. */
  readonly plan: string;
  /** The execution that was approved: one that was reset must be approved anew. */
  readonly execution: string;
}

/** The guard that refused; undefined where all passed. `approved`: people have set aside what they may. */
export function refusalOf(guards: readonly GuardAnswer[], approved: boolean): GuardAnswer | undefined {
  return guards.find(({ passed, overridable }) => !passed && !(overridable === true && approved));
}

/** Whether people would have to set a refusal aside, and could. */
export function needsOverride(guards: readonly GuardAnswer[]): boolean {
  return refusalOf(guards, false) !== undefined && refusalOf(guards, true) === undefined;
}
