/**
 * The ledger's file: one SQLite file for each boot and pid namespace, which outlives any process.
 *
 * Owns where it is, its tables, and how long it is kept. Must never read or change what is written in it.
 */
import { createHash } from 'node:crypto';
import { globSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { worldId } from './clock.ts';

/** The ledger of another boot or container is removed when nobody has written to it for this long, in milliseconds. */
const FORGOTTEN_MS = 30 * 86_400_000;

const SCHEMA = `
CREATE TABLE IF NOT EXISTS faults (
  installation TEXT NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL, run TEXT NOT NULL,
  target TEXT NOT NULL, resource TEXT NOT NULL, params TEXT NOT NULL, undo TEXT NOT NULL,
  ttl_ms REAL NOT NULL, not_after_ms REAL NOT NULL,
  deadline REAL NOT NULL, not_after REAL NOT NULL, changed REAL NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('active', 'tombstone')),
  claimed INTEGER NOT NULL, applied INTEGER NOT NULL DEFAULT 0, undone INTEGER NOT NULL DEFAULT 0,
  refused INTEGER NOT NULL DEFAULT 0,
  batch TEXT, holder_pid INTEGER, holder_start TEXT,
  PRIMARY KEY (installation, id)
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS target_slot ON faults (resource) WHERE state = 'active';
CREATE INDEX IF NOT EXISTS by_batch ON faults (batch);
`;

/**
 * The file of this boot's ledger in `stateDir`. What another boot did to processes ended with it, and pids of another host
 * or container that shares the folder mean nothing here, so each has a file of its own.
 */
export function ledgerFile(stateDir: string): string {
  return join(stateDir, `ledger-${createHash('sha256').update(worldId()).digest('hex').slice(0, 12)}.db`);
}

/** Opens the ledger of this boot in `stateDir`, and makes it where there is none; a statement waits `busyMs` for another process. */
export function openLedger(stateDir: string, busyMs: number): DatabaseSync {
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const file = ledgerFile(stateDir);
  removeForgotten(stateDir, file);
  const db = new DatabaseSync(file, { timeout: busyMs });
  // NORMAL survives the death of any process; after a power cut there is no process left to undo.
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
  db.exec(SCHEMA);
  addColumn(db, 'refused', 'INTEGER NOT NULL DEFAULT 0');
  return db;
}

/** Adds what an earlier version's ledger of this boot lacks: its faults must be found, and undone. */
function addColumn(db: DatabaseSync, column: string, type: string): void {
  const lacks = (): boolean =>
    !db
      .prepare('PRAGMA table_info(faults)')
      .all()
      .some(({ name }) => name === column);
  if (!lacks()) return;
  db.exec('BEGIN IMMEDIATE');
  // Another process may have been first.
  if (lacks()) db.exec(`ALTER TABLE faults ADD COLUMN ${column} ${type}`);
  db.exec('COMMIT');
}

/** Removes ledgers other than `mine` that nobody has written to for long: a month after its last write a ledger holds nothing. */
function removeForgotten(stateDir: string, mine: string): void {
  const before = Date.now() - FORGOTTEN_MS;
  const old = (file: string): boolean => (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0) < before;
  for (const name of globSync('ledger-*.db', { cwd: stateDir })) {
    const file = join(stateDir, name);
    const parts = [file, `${file}-wal`, `${file}-shm`];
    if (file !== mine && parts.every(old)) for (const part of parts) rmSync(part, { force: true });
  }
}
