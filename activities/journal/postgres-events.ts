/**
 * Events in PostgreSQL: one row an event, which is kept as the text that it was written as.
 *
 * Owns the rows of journals, and of days' records, and their bounds. Appends to one wait for each other at its row; one that cannot be read
 * is refused with its name and left exactly as it is.
 */
import type { PoolClient } from 'pg';
import { z } from 'zod';
import { eventKey } from '../../domain/journal.ts';
import type { Kind, Listed, Stamped } from './kind.ts';
import { nameOf, runOf } from './names.ts';
import type { Postgres } from './postgres-pool.ts';
import { byTime, JOURNAL_MAX_BYTES, JournalError } from './store.ts';
import type { Appended, EventStore } from './store.ts';
import { looseSchema } from './text.ts';
import type { LooseEvent } from './text.ts';

/** The events of this kind in this database. */
export function openPostgresEvents<Event extends Stamped, Whole, Head extends object>(
  postgres: Postgres,
  kind: Kind<Event, Whole, Head>,
): EventStore<Event, Whole, Head> {
  return {
    async append(run, events) {
      const name = nameOf(run);
      const offered = z.array(kind.event).parse(events);
      return offered.length === 0
        ? { added: [] }
        : postgres.transaction((client) => append(client, kind, { run, name }, offered));
    },
    async read(run) {
      const name = nameOf(run);
      return postgres.transaction((client) => read(client, kind, { run, name }));
    },
    list: () => postgres.transaction((client) => list(client, kind)),
  };
}

/** A run, or a day, and what it is called in the tables. */
interface Named {
  readonly run: string;
  readonly name: string;
}

const wholeRow = z.object({ schema: z.string(), bytes: z.coerce.number() });

async function append<Event extends Stamped, Whole, Head extends object>(
  client: PoolClient,
  kind: Kind<Event, Whole, Head>,
  named: Named,
  offered: readonly Event[],
): Promise<Appended<Event>> {
  const { run, name } = named;
  const { whole, events } = kind.tables;
  await client.query(`INSERT INTO ${whole} (run, schema, bytes) VALUES ($1, $2, 0) ON CONFLICT DO NOTHING`, [
    name,
    kind.schema,
  ]);
  const { rows: wholes } = await client.query(`SELECT schema, bytes FROM ${whole} WHERE run = $1 FOR UPDATE`, [name]);
  const { schema, bytes } = wholeRow.parse(wholes[0]);
  if (schema !== kind.schema) throw damaged(kind, run, `its schema is ${schema}`);
  const lines = offered.map((event) => JSON.stringify(event));
  const { rows } = await client.query<{ seq: string; at_ms: number; type: string }>(
    `INSERT INTO ${events} (run, seq, at_ms, type, event)
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
      `${the(kind)} of ${run} would grow beyond ${JOURNAL_MAX_BYTES} bytes; the events were not added`,
    );
  await client.query(`UPDATE ${whole} SET bytes = $2, about = $3 WHERE run = $1`, [
    name,
    bytes + more,
    JSON.stringify(kind.about(await tellingEvents(client, kind, name))),
  ]);
  return { added: added.sort(byTime) };
}

const looseEvent = looseSchema.shape.events.element;

/** The events that say what a list shows, the first one and the last that is not said afterwards. Of a stage not its targets, which may be thousands. */
async function tellingEvents(
  client: PoolClient,
  { tables: { events }, telling, afterwards }: Pick<Listed<object>, 'tables' | 'telling' | 'afterwards'>,
  name: string,
): Promise<readonly LooseEvent[]> {
  const { rows } = await client.query<{ event: string }>(
    `SELECT CASE type WHEN 'stage-opened'
       THEN json_build_object('seq', seq, 'atMs', at_ms, 'type', type, 'stage', event->'stage', 'reached', event->'reached')::text ELSE event::text END AS event
     FROM ${events} WHERE run = $1 AND (type = ANY($2)
       OR position = (SELECT position FROM ${events} WHERE run = $1 ORDER BY at_ms, seq, position LIMIT 1)
       OR position = (SELECT position FROM ${events} WHERE run = $1 AND type <> ALL($3) ORDER BY at_ms DESC, seq DESC, position DESC LIMIT 1))
     ORDER BY at_ms, seq, position`,
    [name, telling, afterwards],
  );
  return rows.map(({ event }) => looseEvent.parse(JSON.parse(event)));
}

async function read<Event extends Stamped, Whole, Head extends object>(
  client: PoolClient,
  kind: Kind<Event, Whole, Head>,
  { run, name }: Named,
): Promise<Whole | undefined> {
  const { whole, events } = kind.tables;
  const { rows: wholes } = await client.query(
    `SELECT schema, (SELECT coalesce(sum(octet_length(event::text)), 0) FROM ${events} WHERE run = $1) AS bytes
     FROM ${whole} WHERE run = $1`,
    [name],
  );
  if (wholes.length === 0) return undefined;
  const { schema, bytes } = wholeRow.parse(wholes[0]);
  if (bytes > JOURNAL_MAX_BYTES)
    throw damaged(kind, run, `it has ${bytes} bytes; a journal has at most ${JOURNAL_MAX_BYTES}`);
  const { rows } = await client.query<{ event: string }>(
    `SELECT event::text FROM ${events} WHERE run = $1 ORDER BY at_ms, seq, position`,
    [name],
  );
  const parsed = kind.whole.safeParse({
    schema,
    [kind.key]: run,
    events: rows.map(({ event }) => JSON.parse(event) as unknown),
  });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw damaged(kind, run, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? `it is not ${kind.noun}`}`);
}

const headRow = z.object({ run: z.string(), schema: z.string(), about: z.string().nullable() });

async function list<Head extends object>(client: PoolClient, kind: Listed<Head>): Promise<readonly Head[]> {
  const { rows } = await client.query(`SELECT run, schema, about::text FROM ${kind.tables.whole}`);
  return rows
    .map((row) => headRow.parse(row))
    .map((row) => ({ head: headOf(kind, row), run: runOf(row.run) }))
    .sort((a, b) => kind.startedAtMs(a.head) - kind.startedAtMs(b.head) || (a.run < b.run ? -1 : 1))
    .map(({ head }) => head);
}

function headOf<Head extends object>(kind: Listed<Head>, { run: name, schema, about }: z.infer<typeof headRow>): Head {
  const run = runOf(name);
  const parsed = kind.aboutSchema.safeParse(about === null ? undefined : JSON.parse(about));
  if (parsed.success && schema === kind.schema) return { [kind.key]: run, ...parsed.data } as unknown as Head;
  return kind.unreadable(run, 0, `the row of ${run} in ${kind.tables.whole} is no ${bare(kind)}, or it is damaged`);
}

function damaged(kind: { readonly noun: string }, run: string, why: string): JournalError {
  return new JournalError(
    `${the(kind)} of ${run} in PostgreSQL cannot be read (${why}). It was left as it is: read it with a newer version of Squall`,
  );
}

function the(kind: { readonly noun: string }): string {
  return `the ${bare(kind)}`;
}

function bare({ noun }: { readonly noun: string }): string {
  return noun.replace(/^(?:a|the) /, '');
}
