/**
 * Identity: who asked for something, and how sure that is.
 *
 * Owns the text that a person signs, and the words for who somebody is. A name that nobody proved is never passed off as
 * one that somebody did.
 */

import type { DayAct } from './game-day-acts.ts';

/** What a person may be allowed to do. */
export type Right = 'start' | 'approve' | 'stop';

/** What somebody says of themselves, with or without a signature. */
export interface Claim {
  /** As the starter says: `user@host`, or the name that the policy knows the key by. */
  readonly by: string;
  /** Ed25519 over {@link signedText}, in base64; absent where no key was given. */
  readonly signature?: string;
  /** When it was signed, in milliseconds since the Unix epoch; a start's and a stop's signature say so, and it is signed too. */
  readonly signedAtMs?: number;
  /** From which machine, as the starter says. */
  readonly from?: string;
  /** Of a run of a game day: what its commander signed for. */
  readonly day?: DayClaim;
}

/** What the commander of a game day let begin, in one execution of it. */
export interface DayClaim {
  readonly day: string;
  readonly execution: string;
  readonly act: Extract<DayAct, { readonly act: 'begin' | 'approve' }>;
}

/** Who it was. */
export interface Identity {
  readonly name: string;
  /** Whether a signature proved the name. */
  readonly proven: boolean;
}

/** What is signed for: an act, the run or stop that it concerns, and what exactly is agreed to. */
export interface Signed {
  readonly act: 'start' | 'plan' | 'approve' | 'reject' | 'stop' | 'resume' | 'game-day';
  /** The run's name, the stop's, or the day's. */
  readonly of: string;
  /** What exactly: {@link startText}, {@link stopText}, {@link answeredText} of a plan or a reason, or a day's `actText`. */
  readonly what: string;
}

/** The text that a signature is over: one line each, so that nothing that is signed for can be read as something else. */
export function signedText({ act, of, what }: Signed, by: string): string {
  return JSON.stringify(['squall/v1', act, of, what, by]);
}

/** How long a start, or a stop, is good for after it was signed, in milliseconds; as much is borne of a clock that goes ahead. */
export const SIGNED_MS = 600_000;

/** What a start is signed for: one experiment of one document, at one time. All hashes are SHA-256 in hex. */
export function startText(experimentHash: string, documentHash: string, signedAtMs: number): string {
  return JSON.stringify([experimentHash, documentHash, signedAtMs]);
}

/** What pulling an emergency stop is signed for: a reason, at one time. */
export function stopText(reason: string, signedAtMs: number): string {
  return JSON.stringify([reason, signedAtMs]);
}

/** What an answer is signed for: one plan, or reason, of one execution. */
export function answeredText(what: string, execution: string): string {
  return JSON.stringify([what, execution]);
}

/** What stands behind a name that nobody proved. */
export const UNPROVEN = ' (not authenticated)';

/** For people: `alice`, or `root@db-1 (not authenticated)`. */
export function describeIdentity({ name, proven }: Identity): string {
  return proven || name.endsWith(UNPROVEN) ? name : `${name}${UNPROVEN}`;
}

/** Whoever signs with no name. */
export const NAMELESS = 'somebody who gave no name';

/** How a name is written that was only said. A lever is no person, and who is nobody is not taken for anybody. */
export function unproven(by: string): string {
  return by === NAMELESS || /^the (?:file|probe) /.test(by) ? by : describeIdentity({ name: by, proven: false });
}
