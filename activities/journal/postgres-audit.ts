/**
 * The audit in PostgreSQL: one row an entry, which is kept as the text that it was written as.
 *
 * Owns that entries are chained one after the other, whoever writes. A role that may only insert and select is enough.
 */
import type { PoolClient } from 'pg';
import { z } from 'zod';
import { chained } from '../../domain/audit.ts';
import type { AuditEntry, AuditRecord } from '../../domain/audit.ts';
import { auditEntrySchema, digestOf, gathering } from './audit-schema.ts';
import type { Postgres } from './postgres-pool.ts';
import { JournalError } from './store.ts';
import type { AuditStore } from './store.ts';

/** Entries that are read at a time. */
const PAGE = 500;

const rowSchema = z.object({ seq: z.string(), entry: z.string() });

/** The audit in this database. */
export function openPostgresAudit(postgres: Postgres): AuditStore {
  return {
    append: gathering((records) => postgres.transaction((client) => append(client, records))),
    last: (what) =>
      postgres.transaction(async (client) => {
        const where = 'WHERE what = $1 ORDER BY seq DESC LIMIT 1';
        const { rows } = await client.query(`SELECT seq, entry::text FROM squall_audit ${where}`, [what]);
        return rows.map(entryOf)[0];
      }),
    async *entries() {
      for (let after = String(-(2n ** 63n)); ;) {
        const page = await postgres.transaction(async (client) => {
          const where = 'WHERE seq > $1 ORDER BY seq LIMIT $2';
          const { rows } = await client.query(`SELECT seq, entry::text FROM squall_audit ${where}`, [after, PAGE]);
          return rows as readonly unknown[];
        });
        yield* page.map(entryOf);
        if (page.length < PAGE) return;
        after = rowSchema.parse(page.at(-1)).seq;
      }
    },
  };
}

async function append(client: PoolClient, records: readonly AuditRecord[]): Promise<void> {
  // One after the other: an entry holds the digest of the one before it.
  await client.query(`SELECT pg_advisory_xact_lock(hashtextextended('squall audit ' || current_schema(), 0))`);
  const keys = records.map(({ key }) => JSON.stringify(key));
  const { rows: there } = await client.query<{ key: string }>('SELECT key FROM squall_audit WHERE key = ANY($1)', [
    keys,
  ]);
  const known = new Set(there.map(({ key }) => key));
  const fresh = records.filter((_record, index) => !known.has(keys[index] as string));
  if (fresh.length === 0) return;
  const { rows } = await client.query('SELECT seq, entry::text FROM squall_audit ORDER BY seq DESC LIMIT 1');
  const entries = chained(rows.map(entryOf)[0], fresh, digestOf);
  await client.query(
    'INSERT INTO squall_audit (seq, key, what, entry) SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::json[])',
    [
      entries.map(({ seq }) => seq),
      entries.map(({ key }) => JSON.stringify(key)),
      entries.map(({ what }) => what),
      entries.map((entry) => JSON.stringify(entry)),
    ],
  );
}

function entryOf(row: unknown): AuditEntry {
  const { seq, entry } = rowSchema.parse(row);
  const parsed = auditEntrySchema.safeParse(JSON.parse(entry));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new JournalError(
    `the row ${seq} of squall_audit cannot be read as an entry (${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}). It was left as it is: nothing is audited, and no run begins, until it is restored`,
  );
}
