/**
 * What people ask of a run: the shapes of its summary.
 *
 * Owns the words that status, report and their readers share. Has no rules.
 */
import type { CheckedReading, JournalEntry, JournalEvent } from './journal.ts';
import type { SeriesByProbe } from './probe.ts';
import type { Phase, Status } from './run.ts';

/** One run. Times are milliseconds since the Unix epoch; null is "not yet", or "never" in a run that is over. */
export interface RunSummary {
  readonly run: string;
  /** Not closed: still running, stuck, or its end never reached the journal. */
  readonly open: boolean;
  readonly phase: Phase;
  /** Null while open. */
  readonly status: Status | null;
  readonly deviated: boolean | null;
  /** One or two sentences. */
  readonly verdict: string;
  /** As the run gave it when it closed. */
  readonly reason: string | null;
  /** What was started, by whom; null where the journal lacks its first event. */
  readonly started: EntryOf<'started'> | null;
  readonly startedAtMs: number;
  readonly endedAtMs: number | null;
  /** The last thing that is known of. */
  readonly lastAtMs: number;
  readonly preflight: EntryOf<'pre-flight'> | null;
  readonly refusal: EntryOf<'refused'> | null;
  readonly phases: readonly PhaseSpan[];
  /** In order of stage, with those that were skipped. */
  readonly stages: readonly StageSummary[];
  /** The most targets under fault at once, and the share of all candidates that was (ratio). */
  readonly reached: number;
  readonly radius: number;
  readonly steadyState: {
    readonly before: SteadyStateSummary | null;
    readonly during: SteadyStateSummary | null;
    readonly after: SteadyStateSummary | null;
  };
  readonly edges: readonly EventOf<'edge'>[];
  readonly timers: readonly TimerSummary[];
  readonly blind: readonly EventOf<'blind'>[];
  /** Every abort that took effect, in order. */
  readonly aborts: readonly EventOf<'abort'>[];
  /** The abort that decided how the run ended: a stop condition's, or else the first. */
  readonly decisive: EventOf<'abort'> | null;
  readonly reverts: readonly EventOf<'reverted'>[];
  readonly rollback: Span | null;
  readonly recovery: RecoverySummary | null;
  /** Every sample, by probe, in the order of time. */
  readonly samples: SeriesByProbe;
}

/** A stretch of time; `toMs` is null while it lasts. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number | null;
}

/** One phase, and for injecting and holding the stage. */
export interface PhaseSpan extends Span {
  readonly phase: Phase;
  readonly stage: number | null;
}

/** One stage, from 0. */
export interface StageSummary {
  readonly stage: number;
  /** As written: `10%` or `3`. */
  readonly size: string;
  /** Why it was skipped; null where it was opened. All that follows is then empty. */
  readonly skipped: string | null;
  readonly lease: string | null;
  /** The targets that this stage added. */
  readonly targets: readonly string[];
  readonly reached: number;
  readonly radius: number;
  readonly ttlMs: number | null;
  readonly openedAtMs: number | null;
  readonly heldAtMs: number | null;
  /** Targets that the fault was put on; null until the stage held. */
  readonly injected: number | null;
  readonly problems: readonly string[];
  /** By which means it was put on, in words, where the target decides. */
  readonly how: readonly string[];
  readonly revertedAtMs: number | null;
  readonly revert: EntryOf<'reverted'> | null;
  /** Why its revert needs a person; null once it is reverted. */
  readonly stuck: string | null;
}

/** The steady state at one time. */
export interface SteadyStateSummary {
  readonly atMs: number;
  readonly held: boolean;
  readonly readings: readonly CheckedReading[];
}

/** How long a breach was borne. */
export interface TimerSummary extends Span {
  /** Index into the experiment's stop conditions. */
  readonly condition: number;
  readonly forMs: number;
  /** Null while it runs. */
  readonly ended: 'fired' | 'cancelled' | null;
}

/** The way back to the steady state. */
export interface RecoverySummary extends Span {
  /** Null until it is known. */
  readonly recovered: boolean | null;
  readonly tookMs: number | null;
}

/** The part of an event of one type that differs. */
export type EntryOf<T extends JournalEntry['type']> = Extract<JournalEntry, { type: T }>;
/** An event of one type. */
export type EventOf<T extends JournalEntry['type']> = Extract<JournalEvent, { type: T }>;
