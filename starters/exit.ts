/** Exit codes of `squall`, as README promises them. */
import type { Verdict } from '../domain/run.ts';

export const EXIT = {
  held: 0,
  deviated: 1,
  /** An audit whose chain does not hold. */
  broken: 1,
  invalid: 2,
  refused: 3,
  stuck: 4,
  unreachable: 5,
  noVerdict: 6,
  /** An error that nobody foresaw, as EX_SOFTWARE of sysexits.h; what was touched ends all the same. */
  unforeseen: 70,
  interrupted: 130,
} as const;

/** The exit code of a run that ended with `verdict`; `interrupted` when Ctrl-C ended it. */
export function exitOf(verdict: Verdict, interrupted: boolean): number {
  // There was no site worker to ask.
  if (verdict.status === 'refused') return verdict.refusedBy === 'site' ? EXIT.unreachable : EXIT.refused;
  if (interrupted && verdict.status === 'aborted' && verdict.deviated !== true) return EXIT.interrupted;
  if (verdict.deviated === true) return EXIT.deviated;
  return verdict.deviated === false ? EXIT.held : EXIT.noVerdict;
}
