/**
 * The way to PostgreSQL: where it is, how long it may take, and what is said when it does not answer.
 *
 * Owns the connections and the tables' version. It connects at its first use and tries anew at each that follows a failure:
 * a control worker must serve its reverts although the journal is away. Must never put the URL, which holds the password,
 * into a message.
 */
import { Pool } from 'pg';
import type { PoolClient, PoolConfig } from 'pg';
import { readSecret } from '../probes/secret.ts';
import type { SecretRef } from '../probes/secret.ts';
import { MIGRATIONS } from './postgres-migrations.ts';
import { JournalError } from './store.ts';

/** Connections of one process. */
const CONNECTIONS_MAX = 8;
/** How long a connection may take, and how long one is waited for, in milliseconds. */
const CONNECT_MS = 3_000;
/** How long a statement may take, in milliseconds: the server ends it, and a little later nobody waits for it. */
const STATEMENT_MS = 5_000;
const SILENT_MS = STATEMENT_MS + 1_000;

/** Where PostgreSQL is: a URL, by reference. */
export interface PostgresPlace {
  readonly urlFrom: SecretRef;
}

/** Connections to one database whose tables are of this version. */
export class Postgres {
  readonly #place: PostgresPlace;
  #pool: Promise<Pool> | undefined;
  #closed = false;

  constructor(place: PostgresPlace) {
    this.#place = place;
  }

  /** Does `work` in one transaction, which is undone when it throws. Throws {@link JournalError} where PostgreSQL does. */
  async transaction<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    try {
      this.#pool ??= this.#open();
      return await inTransaction(await this.#pool, work);
    } catch (failure) {
      // A secret that was rotated is read again at the next use.
      if (/^28/.test(codeOf(failure))) await this.#forget();
      throw failure instanceof JournalError ? failure : unusable(failure, this.#place);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#forget();
  }

  async #forget(): Promise<void> {
    const pool = this.#pool;
    this.#pool = undefined;
    await (await pool?.catch(() => undefined))?.end();
  }

  async #open(): Promise<Pool> {
    let pool: Pool | undefined;
    try {
      if (this.#closed) throw new JournalError('the journal was closed');
      pool = new Pool(await settings(this.#place));
      // A connection that breaks while nobody uses it is no event: the next use opens another.
      pool.on('error', () => undefined);
      pool.on('connect', (client) => client.on('error', () => undefined));
      await inTransaction(pool, migrate);
      return pool;
    } catch (failure) {
      this.#pool = undefined;
      await pool?.end();
      throw failure;
    }
  }
}

/** In words, for people. */
export function describePlace({ urlFrom }: PostgresPlace): string {
  return `PostgreSQL (journal.postgres.urlFrom: ${'env' in urlFrom ? `the environment variable ${urlFrom.env}` : `the file ${urlFrom.file}`})`;
}

async function inTransaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    const result = await work(client);
    await client.query('COMMIT');
    client.release();
    return result;
  } catch (failure) {
    // Closing the connection undoes it, whatever state it is in.
    client.release(true);
    throw failure;
  }
}

async function settings(place: PostgresPlace): Promise<PoolConfig> {
  return {
    connectionString: await urlOf(place),
    application_name: 'squall',
    max: CONNECTIONS_MAX,
    connectionTimeoutMillis: CONNECT_MS,
    statement_timeout: STATEMENT_MS,
    idle_in_transaction_session_timeout: SILENT_MS,
    query_timeout: SILENT_MS,
    keepAlive: true,
  };
}

async function urlOf(place: PostgresPlace): Promise<string> {
  const url = await readSecret(place.urlFrom).catch((error: unknown) => {
    throw new JournalError(`the journal cannot be opened: ${error instanceof Error ? error.message : String(error)}`);
  });
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const hasHost = parsed !== undefined && (parsed.hostname !== '' || parsed.searchParams.has('host'));
  if (!hasHost || !/^postgres(ql)?:$/.test(parsed.protocol))
    throw new JournalError(
      `${describePlace(place)}: expected a URL such as postgresql://user:password@host:5432/database`,
    );
  return url;
}

/** Brings the tables to this version. Throws where they are of a newer one. */
async function migrate(client: PoolClient): Promise<void> {
  // Whoever may only read finds everything in place, and asks for no more.
  if ((await versionOf(client)) === MIGRATIONS.length) return;
  await client.query(`SELECT pg_advisory_xact_lock(hashtextextended('squall schema ' || current_schema(), 0))`);
  await client.query(
    'CREATE TABLE IF NOT EXISTS squall_schema (version integer PRIMARY KEY, applied_at timestamptz NOT NULL)',
  );
  const version = (await versionOf(client)) ?? 0;
  for (const [index, step] of [...MIGRATIONS.entries()].slice(version)) {
    await client.query(step);
    await client.query('INSERT INTO squall_schema VALUES ($1, now())', [index + 1]);
  }
}

/** The tables' version; undefined where there are none. Throws where it is newer than this Squall knows. */
async function versionOf(client: PoolClient): Promise<number | undefined> {
  const { rows: there } = await client.query<{ there: boolean }>(
    `SELECT to_regclass('squall_schema') IS NOT NULL AS there`,
  );
  if (there[0]?.there !== true) return undefined;
  const { rows } = await client.query<{ version: number | null }>('SELECT max(version) AS version FROM squall_schema');
  const version = rows[0]?.version ?? 0;
  if (version > MIGRATIONS.length)
    throw new JournalError(
      `the journal in PostgreSQL is of version ${version}, and this Squall knows ${MIGRATIONS.length}. It was left as it is: use the Squall that wrote it, or a newer one`,
    );
  return version;
}

/** What to do, by PostgreSQL's or the system's code. */
const ADVICE: Readonly<Record<string, string>> = {
  '28P01': 'Check the user and the password in the URL',
  '28000': 'Check the user in the URL, and pg_hba.conf on the server',
  '3D000': 'Create the database with createdb',
  '3F000': 'Create the schema that search_path names',
  '42501': 'Let the user read and insert, or create the tables at the first use; see docs/journal.md',
  '53100': 'Its disk is full',
  '53300': 'It has no connection left: raise max_connections, or start fewer workers',
  '25006': 'It takes no writes: connect to the primary',
};

function unusable(failure: unknown, place: PostgresPlace): JournalError {
  const code = codeOf(failure);
  // Where a name has several addresses, the failure has a code and no message.
  const why = (failure instanceof Error ? failure.message : String(failure)) || code;
  const advice = ADVICE[code] ?? 'Check that the server runs and the URL is right';
  return new JournalError(`${describePlace(place)} cannot be used: ${why}. ${advice}; until then no run begins`);
}

/** PostgreSQL's or the system's code; empty where there is none. */
function codeOf(failure: unknown): string {
  return failure instanceof Error && 'code' in failure ? String(failure.code) : '';
}
