/**
 * The journal: the record of a run.
 *
 * Owns the versioned schema. A run appends {@link JournalEvent}s in order; everything people look at (report, status,
 * metrics) is derived from them. `seq` makes an append idempotent: the same event offered twice counts once.
 */
import type { GuardAnswer } from './admission.ts';
import type { AbortMode, Experiment, SteadyStateGroup } from './experiment.ts';
import type { Expiry } from './fault.ts';
import type { ShownStage } from './ladder.ts';
import type { Choice } from './picking.ts';
import type { SeriesByProbe } from './probe.ts';
import type { Dimension } from './quantity.ts';
import type { AbortCause, Phase, Status } from './run.ts';

/** The schema's name and version; readers refuse another major version. */
export const JOURNAL_SCHEMA = 'squall/journal/v1';

/** One run's journal, as the file store writes it. */
export interface Journal {
  readonly schema: typeof JOURNAL_SCHEMA;
  readonly run: string;
  readonly events: readonly JournalEvent[];
}

/** One thing that happened. `atMs`: milliseconds since the Unix epoch, on the workflow's clock. */
export type JournalEvent = { readonly seq: number; readonly atMs: number } & JournalEntry;

/** What an event is known by: the same one, written twice, counts once. */
export function eventKey({
  seq,
  atMs,
  type,
}: {
  readonly seq: number;
  readonly atMs: number;
  readonly type: string;
}): string {
  return `${seq} ${atMs} ${type}`;
}

/** One reading against what was asked of it. */
export interface CheckedReading {
  readonly probe: string;
  readonly group: SteadyStateGroup;
  readonly dimension?: Dimension;
  readonly value: number | null;
  /** What was accepted, in words: `at most 500ms`. */
  readonly expected: string;
  readonly held: boolean;
}

/** One pre-flight check: its name, whether it passed, and what was found. */
export interface PreflightCheck {
  readonly check: string;
  readonly passed: boolean;
  readonly found: string;
}

/** The part of an event that differs by type. */
export type JournalEntry =
  | {
      readonly type: 'started';
      readonly experiment: Experiment;
      /** SHA-256 of the document as read, in hex, as the starter says. */
      readonly documentHash: string;
      readonly seed: string;
      /** A name that nobody proved says so, here and wherever an event says `by`; what was written before 0.3 does not. */
      readonly startedBy: string;
      /** From which machine, as the starter says; absent, here and elsewhere, before 0.3. */
      readonly from?: string;
      /** By which it is found again; absent where it has none, and before 0.5. */
      readonly labels?: readonly string[];
      /** The execution that was started, which stays the same when the run is reset; absent in journals before 0.3. */
      readonly execution?: string;
      readonly installation: string;
      readonly versions: Readonly<Record<string, string>>;
    }
  | {
      /** Why a program took this experiment. Absent where somebody started it, and before 0.5. */
      readonly type: 'chosen';
      readonly program: string;
      readonly cadence: string;
      readonly choice: Choice;
    }
  | {
      readonly type: 'pre-flight';
      readonly checks: readonly PreflightCheck[];
      readonly candidates: number;
      readonly excluded: readonly { readonly reason: string; readonly count: number }[];
      readonly baseline: Readonly<Record<string, number>>;
      /** What the target does when nobody speaks any more; absent in journals before 0.2. */
      readonly expiry?: Expiry;
      /** The plan's hash: of the experiment, its seed, targets and stages. Absent in journals before 0.3. */
      readonly plan?: string;
    }
  | {
      readonly type: 'admission';
      /** The stage it was asked for; absent before pre-flight. */
      readonly stage?: number;
      readonly guards: readonly GuardAnswer[];
    }
  | {
      readonly type: 'approval-asked';
      /** The hash of the plan that is to be approved. */
      readonly plan: string;
      /** How many people must agree. */
      readonly people: number;
      readonly why: string;
      readonly forMs: number;
      /** The plan's stages, with the first targets of each; all of them are in `stage-opened`. Absent in journals before 0.3. */
      readonly stages?: readonly ShownStage[];
    }
  | {
      readonly type: 'approved';
      readonly by: string;
      readonly from?: string;
      readonly plan: string;
      readonly reason?: string;
    }
  | {
      readonly type: 'rejected';
      readonly by: string;
      readonly from?: string;
      readonly plan: string;
      readonly reason: string;
    }
  | { readonly type: 'note'; readonly by: string; readonly from?: string; readonly text: string }
  | { readonly type: 'refused'; readonly check: string; readonly found: string }
  | { readonly type: 'phase'; readonly phase: Phase; readonly stage?: number }
  | { readonly type: 'stage-skipped'; readonly stage: number; readonly size: string; readonly why: string }
  | {
      readonly type: 'stage-opened';
      readonly stage: number;
      readonly size: string;
      readonly lease: string;
      /** The targets this stage adds. */
      readonly targets: readonly string[];
      /** Targets under fault once this stage holds, and the share of all candidates that is (ratio). */
      readonly reached: number;
      readonly radius: number;
      readonly ttlMs: number;
    }
  | {
      readonly type: 'stage-held';
      readonly stage: number;
      readonly injected: number;
      readonly problems: readonly string[];
      /** By which means, in words, where the target decides: `by netem (egress)`. Absent in journals before 0.4. */
      readonly how?: readonly string[];
    }
  | { readonly type: 'samples'; readonly series: SeriesByProbe }
  | {
      readonly type: 'edge';
      readonly edge: 'breach-begins' | 'breach-ends' | 'no-data';
      /** Index into the experiment's stop conditions; absent for no data. */
      readonly condition?: number;
      readonly probe: string;
      readonly value: number | null;
      /** In words: `error-rate 7.2% is above 5%`. */
      readonly evidence: string;
    }
  | {
      readonly type: 'timer';
      readonly timer: 'started' | 'fired' | 'cancelled';
      readonly condition: number;
      readonly forMs: number;
    }
  | { readonly type: 'blind'; readonly what: 'watch'; readonly why: string }
  | {
      readonly type: 'abort';
      readonly cause: AbortCause;
      readonly mode: AbortMode;
      readonly evidence: string;
      /** Who asked, where somebody did. */
      readonly by?: string;
      readonly from?: string;
      readonly stage?: number;
    }
  | {
      /** Whether people were told of the abort that has the same `seq`. */
      readonly type: 'told';
      /** The destination; absent where nobody was there to tell. */
      readonly to?: string;
      readonly delivered: boolean;
      /** Why not. */
      readonly why?: string;
    }
  | {
      readonly type: 'reverted';
      readonly stage: number;
      readonly lease: string;
      /** `revert-only`: a second lease was opened because the first was lost. */
      readonly by: 'lease' | 'revert-only';
      readonly targets: number;
      /** From the request to the verified absence, in milliseconds. */
      readonly tookMs: number;
    }
  | { readonly type: 'stuck'; readonly stage: number; readonly lease: string; readonly why: string }
  | {
      readonly type: 'steady-state';
      readonly when: 'before' | 'during' | 'after';
      readonly held: boolean;
      readonly readings: readonly CheckedReading[];
    }
  | { readonly type: 'recovered'; readonly recovered: boolean; readonly tookMs: number }
  | { readonly type: 'closed'; readonly status: Status; readonly deviated: boolean | null; readonly reason: string }
  | {
      /** Somebody has looked into why it deviated: programs may take its experiment again. It comes after the end. */
      readonly type: 'acknowledged';
      readonly by: string;
      readonly from?: string;
      readonly reason: string;
    };
