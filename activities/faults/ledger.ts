/**
 * The ledger: who does what to which target of this host, written down before it is done.
 *
 * Owns the two slots of every fault: the fault's (its id, taken exclusively and replaced by a tombstone) and the target's
 * (one active fault a resource). Every change is one statement or one transaction, so it is a compare-and-swap among all
 * processes of the host. Times are on the host's monotonic clock.
 * Must never touch a target.
 */
import { utimesSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import type { Fault, TargetId } from '../../domain/fault.ts';
import { monotonicMs } from './clock.ts';
import { ledgerFile, openLedger } from './ledger-file.ts';
import { parseRow, unreadable } from './ledger-row.ts';
import type { LedgerRow } from './ledger-row.ts';

// A driver needs nothing else of the ledger.
export { faultOf } from './ledger-row.ts';
export type { LedgerRow } from './ledger-row.ts';

/** How long another process may hold the file before a statement fails, in milliseconds. */
const BUSY_MS = 5_000;
/** Tombstones are kept this long, in milliseconds: no attempt of an activity can be alive after it. */
const TOMBSTONE_MS = 3_600_000;

/** `claimed`: both slots were free and are taken. `active`: this very fault holds them already; `lapsed`: and its time is over. */
export type Claim = 'claimed' | 'active' | 'lapsed' | 'fenced' | 'occupied';

/** What a claim writes down of one fault. */
export interface Claiming<Params> {
  readonly fault: Fault<Params>;
  /** What two faults must not both hold. */
  readonly resource: string;
  /** All that undoing needs; plain JSON. */
  readonly undo: unknown;
}

/** Names faults: of one installation, by id. */
export type FaultKey = Pick<Fault<unknown>, 'installation' | 'id'>;

/** One host's ledger. */
export class Ledger {
  readonly #stateDir: string;
  readonly #busyMs: number;
  #opened: DatabaseSync | undefined;

  /** The ledger in `stateDir`; nothing is opened or made before it is first used. A statement waits `busyMs` for another process. */
  constructor(stateDir: string, busyMs = BUSY_MS) {
    this.#stateDir = stateDir;
    this.#busyMs = busyMs;
  }

  close(): void {
    this.#opened?.close();
    this.#opened = undefined;
  }

  get #db(): DatabaseSync {
    this.#opened ??= openLedger(this.#stateDir, this.#busyMs);
    return this.#opened;
  }

  /**
   * Takes both slots of each fault, or says why not. `batch` names the faults that one holder is to hold. Throws, and takes
   * nothing, where a fault would be written down that could not be read again: nobody could revert it.
   */
  claim<Params>(kind: string, claims: readonly Claiming<Params>[], batch: string | null = null): Claim[] {
    const now = monotonicMs();
    const insert = this.#db.prepare(
      `INSERT INTO faults (installation, id, kind, run, target, resource, params, undo, ttl_ms, not_after_ms,
                           deadline, not_after, changed, state, claimed, batch)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'active', 1, ?) ON CONFLICT DO NOTHING RETURNING *`,
    );
    return this.#transaction(() =>
      claims.map(({ fault, resource, undo }) => {
        const { installation, id, run, target, params, ttlMs, notAfterMs } = fault;
        const deadline = now + Math.min(ttlMs, notAfterMs);
        const written = insert.get(
          ...[installation, id, kind, run, target, resource, JSON.stringify(params), JSON.stringify(undo)],
          ...[ttlMs, notAfterMs, deadline, now + notAfterMs, now, batch],
        );
        if (written !== undefined) {
          const why = unreadable(written);
          if (why !== undefined) throw new Error(`${id} cannot be written down: ${why}`);
          return 'claimed';
        }
        const row = this.#row(fault);
        if (row === undefined) return 'occupied';
        if (row.state === 'tombstone') return 'fenced';
        return row.deadline > now ? 'active' : 'lapsed';
      }),
    );
  }

  /** Moves the deadline of each fault that is still active to `ttlMs` from now, never past its end; true where it did. */
  renew(faults: readonly (FaultKey & { readonly ttlMs: number })[]): boolean[] {
    const now = monotonicMs();
    const update = this.#db.prepare(
      `UPDATE faults SET deadline = MIN(?, not_after), changed = ?
       WHERE installation = ? AND id = ? AND state = 'active' AND deadline > ?`,
    );
    return this.#transaction(() =>
      faults.map(({ installation, id, ttlMs }) => update.run(now + ttlMs, now, installation, id, now).changes === 1),
    );
  }

  /** Puts a tombstone in each fault's slot, whether the fault was ever there or not, and frees its target's. */
  fence(faults: readonly Fault<unknown>[], kind: string): void {
    const now = monotonicMs();
    const upsert = this.#db.prepare(
      `INSERT INTO faults (installation, id, kind, run, target, resource, params, undo, ttl_ms, not_after_ms,
                           deadline, not_after, changed, state, claimed, undone)
       VALUES (?, ?, ?, ?, ?, '', '{}', '{}', 0, 0, 0, 0, ?, 'tombstone', 0, 1)
       ON CONFLICT (installation, id) DO UPDATE SET state = 'tombstone', changed = excluded.changed`,
    );
    this.#transaction(() => {
      for (const { installation, id, run, target } of faults) upsert.run(installation, id, kind, run, target, now);
    });
  }

  /** Fences a fault that is not to be put on, since its target was found as the fault would have made it. */
  refuse(fault: Fault<unknown>, kind: string): void {
    this.fence([fault], kind);
    this.#db
      .prepare('UPDATE faults SET refused = 1 WHERE installation = ? AND id = ? AND claimed = 0')
      .run(fault.installation, fault.id);
  }

  /** Notes that the targets of these faults are as they were. */
  undone(faults: readonly FaultKey[]): void {
    this.#set(faults, 'undone = 1');
  }

  /** Notes that a fault is on, unless it was fenced meanwhile; false where it was. */
  applied(fault: FaultKey): boolean {
    const update = this.#db.prepare(
      `UPDATE faults SET applied = 1 WHERE installation = ? AND id = ? AND state = 'active'`,
    );
    return update.run(fault.installation, fault.id).changes === 1;
  }

  /**
   * Does `act`, which must be quick and synchronous, while nobody can fence the fault, and notes that it is on; false
   * where it is fenced or over. For targets that have no compare-and-swap of their own.
   */
  whileActive(fault: FaultKey, act: () => void): boolean {
    return this.#transaction(() => {
      const row = this.#row(fault);
      if (row?.state !== 'active' || row.deadline <= monotonicMs()) return false;
      act();
      return this.applied(fault);
    });
  }

  /** Gives the active, unheld faults of `batch` to a holder; returns them. */
  hold(batch: string, pid: number, start: string): LedgerRow[] {
    const update = this.#db.prepare(
      `UPDATE faults SET holder_pid = ?, holder_start = ?
       WHERE batch = ? AND state = 'active' AND holder_pid IS NULL AND deadline > ? RETURNING *`,
    );
    return update.all(pid, start, batch, monotonicMs()).map(parseRow);
  }

  /** Puts faults that nobody holds yet into another batch. */
  rebatch(faults: readonly FaultKey[], batch: string): void {
    const update = this.#db.prepare(
      `UPDATE faults SET batch = ? WHERE installation = ? AND id = ? AND state = 'active' AND holder_pid IS NULL`,
    );
    this.#transaction(() => {
      for (const { installation, id } of faults) update.run(batch, installation, id);
    });
  }

  /** What is written of each fault; undefined where nothing is. */
  rows(faults: readonly FaultKey[]): (LedgerRow | undefined)[] {
    return faults.map((fault) => this.#row(fault));
  }

  /** Of these targets, those whose resource an active fault holds, and that fault's id. */
  occupied(targets: readonly TargetId[], resourceOf: (target: TargetId) => string): Map<TargetId, string> {
    const select = this.#db.prepare(`SELECT id FROM faults WHERE resource = ? AND state = 'active'`);
    const found = new Map<TargetId, string>();
    for (const target of targets) {
      const row = select.get(resourceOf(target));
      if (row) found.set(target, String(row['id']));
    }
    return found;
  }

  /**
   * Everything of `installation` and `kind` that is not known to be undone, and whether its time is over. Forgets old
   * tombstones. Throws at the end where a row cannot be read: it must not keep the others on, nor be passed over in silence.
   */
  *leftovers(installation: string, kind: string): Generator<{ readonly row: LedgerRow; readonly expired: boolean }> {
    const now = monotonicMs();
    // Whoever looks after a ledger keeps it from being taken for one that was forgotten.
    const db = this.#db;
    utimesSync(ledgerFile(this.#stateDir), new Date(), new Date());
    db.prepare(`DELETE FROM faults WHERE state = 'tombstone' AND undone = 1 AND changed < ?`).run(now - TOMBSTONE_MS);
    const select = this.#db.prepare(`SELECT * FROM faults WHERE installation = ? AND kind = ? AND undone = 0`);
    let problem: string | undefined;
    for (const raw of select.all(installation, kind)) {
      const wrong = unreadable(raw);
      if (wrong === undefined) {
        const row = parseRow(raw);
        yield { row, expired: row.state === 'tombstone' || row.deadline <= now };
      } else problem ??= `${String(raw['id'])} cannot be read from ${ledgerFile(this.#stateDir)}: ${wrong}`;
    }
    if (problem !== undefined) throw new Error(problem);
  }

  #set(faults: readonly FaultKey[], assignment: string): void {
    const update = this.#db.prepare(`UPDATE faults SET ${assignment} WHERE installation = ? AND id = ?`);
    this.#transaction(() => {
      for (const { installation, id } of faults) update.run(installation, id);
    });
  }

  #row({ installation, id }: FaultKey): LedgerRow | undefined {
    const raw = this.#db.prepare('SELECT * FROM faults WHERE installation = ? AND id = ?').get(installation, id);
    return raw === undefined ? undefined : parseRow(raw);
  }

  #transaction<T>(work: () => T): T {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#db.exec('COMMIT');
      return result;
    } catch (error) {
      try {
        this.#db.exec('ROLLBACK');
      } catch {
        // A full disk has ended the transaction by itself; what went wrong is in the first error.
      }
      throw error;
    }
  }
}
