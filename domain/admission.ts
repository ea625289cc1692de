/**
 * Admission: whether a run may begin, and whether it may widen.
 *
 * Owns the form of a guard's answer and the rule of the ladder: in order, the first refusal wins, and what was asked is
 * told.
 */

/** What one guard said, and on what. */
export interface GuardAnswer {
  readonly guard: string;
  readonly passed: boolean;
  /** What was found, in words. */
  readonly found: string;
}

/** The answers of a ladder, in its order, up to the first refusal. */
export type Admission = readonly GuardAnswer[];

/** The guard that refused; undefined where all passed. */
export function refusalOf(admission: Admission): GuardAnswer | undefined {
  return admission.find(({ passed }) => !passed);
}
