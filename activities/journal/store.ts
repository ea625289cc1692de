/**
 * The journal store: where runs' journals live.
 *
 * Owns what every store promises, whatever it is made of. A store keeps and returns events; it must never interpret them
 * beyond what listing needs, and never lose or overwrite one.
 */
import type { Journal, JournalEvent } from '../../domain/journal.ts';
import type { Phase, Status } from '../../domain/run.ts';

/** What an append did. */
export interface Appended {
  /** The events that were not in the journal before, in its order. Metrics are derived from these, so each counts once. */
  readonly added: readonly JournalEvent[];
}

/** One run as a list shows it. */
export interface JournalHead {
  readonly run: string;
  /** The experiment's name; empty where the journal does not say. */
  readonly experiment: string;
  /** Milliseconds since the Unix epoch. */
  readonly startedAtMs: number;
  readonly phase: Phase;
  /** Null while the run is open. */
  readonly status: Status | null;
  /** Null while the run is open, or where it ended too early to say. */
  readonly deviated: boolean | null;
  /** Why this journal cannot be read; the other fields are then the best that is known. */
  readonly problem?: string;
}

/** Keeps journals. Safe for any number of processes at once. */
export interface JournalStore {
  /**
   * Adds events to the journal of `run`, making it where there is none, and returns once they will survive a crash.
   * Idempotent: an event is known by its `seq`, `atMs` and `type`, so the same event offered twice is kept once, while a
   * reset run, which counts anew from the reset, loses nothing. Rejects rather than touch a journal it cannot read.
   */
  append(run: string, events: readonly JournalEvent[]): Promise<Appended>;
  /** The journal, its events in the order they happened; undefined where there is none. Rejects where it cannot be read. */
  read(run: string): Promise<Journal | undefined>;
  /** Every run, the latest started last. Reads a bounded part of each; a journal it cannot read is listed with its problem. */
  list(): Promise<readonly JournalHead[]>;
}

/** A journal that cannot be read or written. The message names the file and what to do; nothing was changed. */
export class JournalError extends Error {
  override readonly name = 'JournalError';
}
