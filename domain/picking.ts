/**
 * Picking: the words of it.
 *
 * Owns what a picker sees of a pool and of the past, the record of a choice, and the order of a ranking.
 */

import type { StageSize } from './experiment.ts';

/** How a tick chooses: what teaches most, by chance, or each in its turn. */
export const PICKERS = ['evidence', 'random', 'round-robin'] as const;
export type Picker = (typeof PICKERS)[number];

/** An experiment of a pool, as far as a choice goes. */
export interface Candidate {
  readonly experiment: string;
  /** SHA-256 of its document, in hex. */
  readonly documentHash: string;
  /** What it is done to: site and selector, as text that is the same for the same. */
  readonly target: string;
  /** The driver's kind. */
  readonly fault: string;
  /** When its targets were last deployed, in milliseconds since the Unix epoch; null: nobody could say; absent: nobody was asked. */
  readonly deployedAtMs?: number | null;
  /** How far it may go, from the least to the most; absent where its cadence does not say. */
  readonly radii?: readonly StageSize[];
}

/** What a journal says of an earlier run. */
export interface PastRun {
  readonly run: string;
  readonly experiment: string;
  /** When it began, in milliseconds since the Unix epoch. */
  readonly atMs: number;
  /** Null where it ended, or may yet end, without a verdict. */
  readonly deviated: boolean | null;
  /** It was ended early by what it did, or by somebody: whatever it was done to has had a bad time. */
  readonly aborted: boolean;
  /** The document that it ran; absent where nobody looked. */
  readonly documentHash?: string;
  /** Somebody has acknowledged that it deviated. */
  readonly acknowledged?: boolean;
  /** Its journal cannot be read: what it hides may be a finding. */
  readonly unread?: true;
  /** The largest share of the candidates that its ladder asked for (ratio), and the most targets that were under fault. Absent where nobody looked. */
  readonly askedShare?: number;
  readonly reached?: number;
  /** Its targets had been deployed since the test before. */
  readonly afterDeployment?: boolean;
}

/** What there is to choose from, and when. */
export interface Choosing {
  readonly pick: Picker;
  readonly seed: string;
  readonly pool: readonly Candidate[];
  /** In the order in which they began. */
  readonly past: readonly PastRun[];
  /** Milliseconds since the Unix epoch. */
  readonly nowMs: number;
  /** From one tick to the next, in milliseconds. */
  readonly everyMs: number;
}

/** How far an experiment goes by now. */
export interface RadiusStep {
  readonly size: StageSize;
  /** From 1 for the least, of so many. */
  readonly step: number;
  readonly of: number;
  /** The run that led there, by holding at the step before, or by failing at one beyond; absent where none did. */
  readonly since?: { readonly run: string; readonly held: boolean };
}

/** A candidate in its place. */
export interface Ranked {
  /** Its place in the pool, from 0. */
  readonly pooled: number;
  readonly experiment: string;
  /** The higher, the sooner, among those that are tested or untested alike. Absent where none was given. */
  readonly score?: number;
  /** Nobody has tried it yet: it comes before all that were. */
  readonly untested?: true;
  /** What the score is made of, by name. */
  readonly reasons: Readonly<Record<string, number>>;
  /** Whether its targets were deployed since it was tested; absent where they were not, or it does not matter. */
  readonly deployed?: 'since-tested' | 'unknown';
  /** Absent where its cadence does not say how far it goes. */
  readonly radius?: RadiusStep;
}

/** One that waits until a finding of it is acknowledged. */
export interface PassedOver {
  readonly experiment: string;
  /** The run that deviated. */
  readonly finding: string;
  /** Its journal cannot be read, so that nobody knows. */
  readonly unread?: true;
}

/** One that a guard did not let begin at the time, and may later. */
export interface RefusedNow {
  readonly experiment: string;
  readonly guard: string;
  readonly found: string;
}

/** A choice, as it is journalled. */
export interface Choice {
  readonly pick: Picker;
  readonly seed: string;
  /** The first is the one that was chosen; cut to a length that travels with a run. Empty where all are passed over. */
  readonly ranking: readonly Ranked[];
  readonly passedOver: readonly PassedOver[];
  /** Those that were ranked before the first one. Absent where there are none. */
  readonly refused?: readonly RefusedNow[];
  /** How many were ranked, those that were refused among them. */
  readonly of: number;
  /** When it was made, in milliseconds since the Unix epoch, and how long from one tick to the next: with them, and the past as it was then, the same is chosen again. Absent before 0.5. */
  readonly atMs?: number;
  readonly everyMs?: number;
}

/** The order of a ranking: what nobody has tried, then by score, then as the pool has them. */
export function byPlace(a: Ranked, b: Ranked): number {
  return (
    Number(b.untested === true) - Number(a.untested === true) || (b.score ?? 0) - (a.score ?? 0) || a.pooled - b.pooled
  );
}

/** To four digits: what is printed is what was compared. */
export function rounded(score: number): number {
  return Number(score.toPrecision(4));
}
