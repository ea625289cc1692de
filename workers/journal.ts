/**
 * The journal's store, from the configuration.
 *
 * Composition only: the one place that knows which stores there are.
 */
import { openFileStore } from '../activities/journal/file.ts';
import { describePlace } from '../activities/journal/postgres-pool.ts';
import { openPostgresStore } from '../activities/journal/postgres.ts';
import type { JournalStore } from '../activities/journal/store.ts';
import type { Config } from './config.ts';

/** Opens the store of `config`; whoever opens it disposes it. It is reached at its first use. */
export function openJournal({ journal }: Pick<Config, 'journal'>): JournalStore {
  return typeof journal === 'string' ? openFileStore(journal) : openPostgresStore(journal.postgres);
}

/** Where the journal is, in words. */
export function describeJournal({ journal }: Pick<Config, 'journal'>): string {
  return typeof journal === 'string' ? journal : describePlace(journal.postgres);
}

/** Where reports are written unless somebody says otherwise: beside the journals where those are files, else here. */
export function reportFolder({ journal }: Pick<Config, 'journal'>): string {
  return typeof journal === 'string' ? journal : process.cwd();
}
