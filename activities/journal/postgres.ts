/**
 * The PostgreSQL store: journals, the audit and the records of game days, in the tables of one schema.
 *
 * Owns nothing but that they share their connections.
 */
import { openPostgresAudit } from './postgres-audit.ts';
import { openPostgresEvents } from './postgres-events.ts';
import { Postgres } from './postgres-pool.ts';
import type { PostgresPlace } from './postgres-pool.ts';
import { DAYS, JOURNALS } from './kind.ts';
import type { JournalStore } from './store.ts';

/** Opens the store; it connects at its first use. */
export function openPostgresStore(place: PostgresPlace): JournalStore {
  const postgres = new Postgres(place);
  return {
    ...openPostgresEvents(postgres, JOURNALS),
    ready: () => postgres.transaction(async () => undefined),
    audit: openPostgresAudit(postgres),
    days: openPostgresEvents(postgres, DAYS),
    [Symbol.asyncDispose]: () => postgres.close(),
  };
}
