/**
 * The journal store: where runs' journals live.
 *
 * Owns what every store promises, whatever it is made of, of journals and of the records of game days alike. A store keeps and returns
 * events; it must never interpret them beyond what listing needs, and never lose or overwrite one.
 */
import type { AuditAct, AuditEntry, AuditRecord } from '../../domain/audit.ts';
import type { DayEnding, GameDayEvent, GameDayRecord } from '../../domain/game-day-events.ts';
import type { Journal, JournalEvent } from '../../domain/journal.ts';
import type { Phase, Status } from '../../domain/run.ts';

/** What an append did. */
export interface Appended<Event> {
  /** The events that were not in the journal before, in its order. Metrics are derived from these, so each counts once. */
  readonly added: readonly Event[];
}

/** One run as a list shows it. */
export interface JournalHead {
  readonly run: string;
  /** The experiment's name; empty where the journal does not say. */
  readonly experiment: string;
  /** Milliseconds since the Unix epoch. */
  readonly startedAtMs: number;
  /** When its last event happened, in milliseconds since the Unix epoch. Absent where an earlier version wrote it. */
  readonly lastAtMs?: number | undefined;
  /** Whether it has opened a stage. Absent where an earlier version wrote it. */
  readonly touched?: boolean | undefined;
  readonly phase: Phase;
  /** Null while the run is open. */
  readonly status: Status | null;
  /** Null while the run is open, or where it ended too early to say. */
  readonly deviated: boolean | null;
  /** The document's, as its starter says, cut to 64 characters. Absent where an earlier version wrote it. */
  readonly documentHash?: string | undefined;
  /** Somebody has acknowledged that it deviated; absent where nobody has. */
  readonly acknowledged?: true | undefined;
  /** Whether a stop condition, a person or an emergency stop ended it early. Absent where an earlier version wrote it. */
  readonly stopped?: boolean | undefined;
  /** The largest share of the candidates that a stage which was held asks for (ratio); absent where none does, or an earlier version wrote it. */
  readonly askedShare?: number | undefined;
  /** The most targets that a stage which was held reached; absent where none was, or an earlier version wrote it. */
  readonly reached?: number | undefined;
  /** A program took it when its targets had been deployed since the test before; absent where not, or an earlier version wrote it. */
  readonly afterDeployment?: true | undefined;
  /** Why this journal cannot be read; the other fields are then the best that is known. */
  readonly problem?: string;
}

/** The largest journal that is read or written, in bytes of JSON. */
export const JOURNAL_MAX_BYTES = 64 * 1024 * 1024;

/** One game day as a list shows it. Times are milliseconds since the Unix epoch; what is null has not happened. */
export interface DayHead {
  readonly day: string;
  /** The document's name; empty where the record does not say. */
  readonly gameDay: string;
  readonly calledAtMs: number;
  readonly begunAtMs: number | null;
  readonly endedAtMs: number | null;
  readonly ending: DayEnding | null;
  /** Why this record cannot be read; the other fields are then the best that is known. */
  readonly problem?: string;
}

/** Keeps events, by the name of the run or day that they are of. Safe for any number of processes at once. */
export interface EventStore<Event, Whole, Head> {
  /**
   * Adds events to what is kept under this name, making it where there is nothing, and returns once they will survive a crash.
   * Idempotent: an event is known by its `seq`, `atMs` and `type`, so the same event offered twice is kept once, while a
   * reset run, which counts anew from the reset, loses nothing. Rejects rather than touch what it cannot read.
   */
  append(name: string, events: readonly Event[]): Promise<Appended<Event>>;
  /** All of it, its events in the order they happened; undefined where there is none. Rejects where it cannot be read. */
  read(name: string): Promise<Whole | undefined>;
  /** All of them, the latest started last. Reads a bounded part of each; what it cannot read is listed with its problem. */
  list(): Promise<readonly Head[]>;
}

/** Keeps the records of game days. */
export type DayStore = EventStore<GameDayEvent, GameDayRecord, DayHead>;

/** Keeps journals. Whoever opened it disposes it, so that the process can end. */
export interface JournalStore extends AsyncDisposable, EventStore<JournalEvent, Journal, JournalHead> {
  /** Rejects where the store cannot be used, with what to do. A store that cannot be used now may be usable later. */
  ready(): Promise<void>;
  readonly audit: AuditStore;
  readonly days: DayStore;
}

/** Keeps the audit beside the journals. Safe for any number of processes at once. */
export interface AuditStore {
  /**
   * Chains what is not audited yet behind the last entry and returns once it will survive a crash. A record is known by its
   * `key`: offered twice, it is kept once. Rejects rather than touch what it cannot read.
   */
  append(records: readonly AuditRecord[]): Promise<void>;
  /** The last entry of this kind. */
  last(what: AuditAct): Promise<AuditEntry | undefined>;
  /** Every entry as it is kept, in order, a bounded part at a time. Nothing is checked but that each is an entry. */
  entries(): AsyncIterable<AuditEntry>;
}

/** A journal, or the audit, that cannot be read or written. The message names the place and what to do; nothing was changed. */
export class JournalError extends Error {
  override readonly name = 'JournalError';
}

/** The order of a journal. In one execution both rise together; where a reset made two, time tells the true order. */
export function byTime(
  a: { readonly atMs: number; readonly seq: number },
  b: { readonly atMs: number; readonly seq: number },
): number {
  return a.atMs - b.atMs || a.seq - b.seq;
}
