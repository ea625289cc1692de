/**
 * The PostgreSQL store: one row an event, which is kept as the text that it was written as.
 *
 * Owns the journal's rows and their bounds. Appends to one run wait for each other at the row of its journal; one that cannot
 * be read is refused with its name and left exactly as it is.
 */
import type { PoolClient } from 'pg';
import { z } from 'zod';
import { eventKey, JOURNAL_SCHEMA } from '../../domain/journal.ts';
import type { Journal, JournalEvent } from '../../domain/journal.ts';
import { nameOf, runOf } from './names.ts';
import { openPostgresAudit } from './postgres-audit.ts';
import { Postgres } from './postgres-pool.ts';
import type { PostgresPlace } from './postgres-pool.ts';
import { journalEventSchema, journalSchema } from './schema.ts';
import type { LooseEvent } from './schema.ts';
import { byTime, JOURNAL_MAX_BYTES, JournalError } from './store.ts';
import type { Appended, JournalHead, JournalStore } from './store.ts';
import { aboutOf, aboutSchema } from './text.ts';

/** Opens the store; it connects at its first use. */
export function openPostgresStore(place: PostgresPlace): JournalStore {
  const postgres = new Postgres(place);
  return {
    async append(run, events) {
      const name = nameOf(run);
      const offered = z.array(journalEventSchema).parse(events) satisfies readonly JournalEvent[];
      return offered.length === 0
        ? { added: [] }
        : postgres.transaction((client) => append(client, { run, name }, offered));
    },
    async read(run) {
      const name = nameOf(run);
      return postgres.transaction((client) => read(client, { run, name }));
    },
    list: () => postgres.transaction(list),
    ready: () => postgres.transaction(async () => undefined),
    audit: openPostgresAudit(postgres),
    [Symbol.asyncDispose]: () => postgres.close(),
  };
}

/** A run, and what it is called in the tables. */
interface Named {
  readonly run: string;
  readonly name: string;
}

const journalRow = z.object({ schema: z.string(), bytes: z.coerce.number() });

async function append(client: PoolClient, named: Named, offered: readonly JournalEvent[]): Promise<Appended> {
  const { run, name } = named;
  await client.query('INSERT INTO squall_journal (run, schema, bytes) VALUES ($1, $2, 0) ON CONFLICT DO NOTHING', [
    name,
    JOURNAL_SCHEMA,
  ]);
  const { rows: journals } = await client.query('SELECT schema, bytes FROM squall_journal WHERE run = $1 FOR UPDATE', [
    name,
  ]);
  const { schema, bytes } = journalRow.parse(journals[0]);
  if (schema !== JOURNAL_SCHEMA) throw damaged(run, `its schema is ${schema}`);
  const lines = offered.map((event) => JSON.stringify(event));
  const { rows } = await client.query<{ seq: string; at_ms: number; type: string }>(
    `INSERT INTO squall_event (run, seq, at_ms, type, event)
     SELECT $1, * FROM unnest($2::bigint[], $3::float8[], $4::text[], $5::json[])
     ON CONFLICT DO NOTHING RETURNING seq, at_ms, type`,
    [name, offered.map(({ seq }) => seq), offered.map(({ atMs }) => atMs), offered.map(({ type }) => type), lines],
  );
  const kept = new Set(rows.map(({ seq, at_ms: atMs, type }) => eventKey({ seq: Number(seq), atMs, type })));
  // The first of a pair that is offered at once is the one that is kept.
  const added = offered.filter((event) => kept.delete(eventKey(event)));
  if (added.length === 0) return { added };
  const isAdded = new Set(added);
  const more = offered.reduce(
    (sum, event, index) => (isAdded.has(event) ? sum + Buffer.byteLength(lines[index] ?? '') : sum),
    0,
  );
  if (bytes + more > JOURNAL_MAX_BYTES)
    throw new JournalError(
      `the journal of ${run} would grow beyond ${JOURNAL_MAX_BYTES} bytes; the events were not added`,
    );
  await client.query('UPDATE squall_journal SET bytes = $2, about = $3 WHERE run = $1', [
    name,
    bytes + more,
    JSON.stringify(aboutOf(await tellingEvents(client, name))),
  ]);
  return { added: added.sort(byTime) };
}

const looseEvent = z.looseObject({ seq: z.number(), atMs: z.number(), type: z.string() });

/** The events that say what a list shows, the first one and the last that the run wrote itself. Of a stage not its targets, which may be thousands. */
async function tellingEvents(client: PoolClient, name: string): Promise<readonly LooseEvent[]> {
  const { rows } = await client.query<{ event: string }>(
    `SELECT CASE type WHEN 'stage-opened'
       THEN json_build_object('seq', seq, 'atMs', at_ms, 'type', type, 'reached', event->'reached')::text ELSE event::text END AS event
     FROM squall_event WHERE run = $1 AND (type IN ('started', 'chosen', 'phase', 'stage-opened', 'closed', 'acknowledged')
       OR position = (SELECT position FROM squall_event WHERE run = $1 ORDER BY at_ms, seq, position LIMIT 1)
       OR position = (SELECT position FROM squall_event WHERE run = $1 AND type <> 'acknowledged' ORDER BY at_ms DESC, seq DESC, position DESC LIMIT 1))
     ORDER BY at_ms, seq, position`,
    [name],
  );
  return rows.map(({ event }) => looseEvent.parse(JSON.parse(event)));
}

async function read(client: PoolClient, { run, name }: Named): Promise<Journal | undefined> {
  const { rows: journals } = await client.query(
    `SELECT schema, (SELECT coalesce(sum(octet_length(event::text)), 0) FROM squall_event WHERE run = $1) AS bytes
     FROM squall_journal WHERE run = $1`,
    [name],
  );
  if (journals.length === 0) return undefined;
  const { schema, bytes } = journalRow.parse(journals[0]);
  if (bytes > JOURNAL_MAX_BYTES)
    throw damaged(run, `it has ${bytes} bytes; a journal has at most ${JOURNAL_MAX_BYTES}`);
  const { rows } = await client.query<{ event: string }>(
    'SELECT event::text FROM squall_event WHERE run = $1 ORDER BY at_ms, seq, position',
    [name],
  );
  const parsed = journalSchema.safeParse({
    schema,
    run,
    events: rows.map(({ event }) => JSON.parse(event) as unknown),
  });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw damaged(run, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'it is not a journal'}`);
}

const headRow = z.object({ run: z.string(), schema: z.string(), about: z.string().nullable() });

async function list(client: PoolClient): Promise<readonly JournalHead[]> {
  const { rows } = await client.query('SELECT run, schema, about::text FROM squall_journal');
  return rows
    .map((row) => headOf(headRow.parse(row)))
    .sort((a, b) => a.startedAtMs - b.startedAtMs || (a.run < b.run ? -1 : 1));
}

function headOf({ run: name, schema, about }: z.infer<typeof headRow>): JournalHead {
  const run = runOf(name);
  const parsed = aboutSchema.safeParse(about === null ? undefined : JSON.parse(about));
  if (parsed.success && schema === JOURNAL_SCHEMA) return { run, ...parsed.data };
  const problem = `the row of ${run} in squall_journal is no journal, or it is damaged`;
  return { run, experiment: '', startedAtMs: 0, phase: 'pre-flight', status: null, deviated: null, problem };
}

function damaged(run: string, why: string): JournalError {
  return new JournalError(
    `the journal of ${run} in PostgreSQL cannot be read (${why}). It was left as it is: read it with a newer version of Squall`,
  );
}
