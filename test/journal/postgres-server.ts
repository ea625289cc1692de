/**
 * A real PostgreSQL, of Debian's package.
 *
 * Owns its process, its folder, and the URLs of its schemas, which are in this process's environment.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, globSync, openSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import type { QueryResultRow } from 'pg';
import type { PostgresPlace } from '../../activities/journal/postgres-pool.ts';
import { startGuarded } from '../../workers/guarded.ts';
import type { Guarded } from '../../workers/guarded.ts';
import { freePort } from '../../workers/temporal-server.ts';
import { until } from '../until.ts';

/** Debian keeps them off the path. */
const BIN = [...globSync('/usr/lib/postgresql/*/bin').toSorted(), '']
  .map((folder) => (name: string) => join(folder, name))
  .findLast((path) => spawnSync(path('postgres'), ['--version']).status === 0);
const ROOT = process.getuid?.() === 0;
/** PostgreSQL refuses to be run by root; the package brings a user of its own. */
const AS: readonly string[] = ROOT ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'] : [];

/** Why this machine has none; false where it has. */
export const SKIP = BIN ? false : 'no PostgreSQL: apt-get install postgresql';

export class PostgresServer {
  readonly port: number;
  readonly password: string;
  readonly #folder: string;
  #process: Guarded | undefined;
  #schemas = 0;

  private constructor(port: number, password: string, folder: string) {
    this.port = port;
    this.password = password;
    this.#folder = folder;
  }

  static async open(): Promise<PostgresServer> {
    const folder = await mkdtemp(join(tmpdir(), 'squall-postgres-'));
    const server = new PostgresServer(await freePort(), randomBytes(12).toString('hex'), folder);
    const secret = join(folder, 'password');
    await writeFile(secret, server.password);
    if (ROOT) execFileSync('chown', ['-R', 'postgres:', folder]);
    const init = ['--username=squall', `--pwfile=${secret}`, '--auth=scram-sha-256', '--encoding=UTF8', '--no-locale'];
    run(['initdb', '--no-sync', ...init, server.#data]);
    await server.start();
    return server;
  }

  get #data(): string {
    return join(this.#folder, 'data');
  }

  async start(): Promise<void> {
    const options = { listen_addresses: '127.0.0.1', unix_socket_directories: '', fsync: 'off' };
    const settings = Object.entries(options).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const log = openSync(join(this.#folder, 'log'), 'a');
    const [path = '', ...args] = command(['postgres', '-D', this.#data, '-p', String(this.port), ...settings]);
    this.#process = await startGuarded(path, args, { output: log });
    closeSync(log);
    await until(() =>
      this.query('SELECT 1').then(
        () => true,
        () => false,
      ),
    );
  }

  /** Ends it at once; its data stay. */
  async stop(): Promise<void> {
    this.signal('SIGINT');
    await until(() => this.#process?.ended() !== false);
  }

  /** To the postmaster, which answers new connections. */
  signal(name: 'SIGINT' | 'SIGSTOP' | 'SIGCONT'): void {
    if (this.#process?.ended() === false) process.kill(this.#process.pid, name);
  }

  async close(): Promise<void> {
    await this.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** A URL of the server; `search` as in `?options=…`. */
  url(search = '', database = 'postgres'): string {
    return `postgresql://squall:${this.password}@127.0.0.1:${this.port}/${database}${search}`;
  }

  /** A schema of its own, as the configuration names it, and its name. */
  async schema(): Promise<{ readonly name: string; readonly place: PostgresPlace }> {
    const number = (this.#schemas += 1);
    const name = `case_${number}`;
    await this.query(`CREATE SCHEMA ${name}`);
    const env = `SQUALL_TEST_POSTGRES_${number}`;
    process.env[env] = this.url(`?options=${encodeURIComponent(`-csearch_path=${name}`)}`);
    return { name, place: { urlFrom: { env } } };
  }

  async query(sql: string, values: readonly unknown[] = []): Promise<QueryResultRow[]> {
    const client = new Client({ connectionString: this.url(), connectionTimeoutMillis: 20_000 });
    try {
      await client.connect();
      return (await client.query<QueryResultRow>(sql, [...values])).rows;
    } finally {
      await client.end();
    }
  }
}

function command([name = '', ...args]: readonly string[]): string[] {
  return [...AS, BIN?.(name) ?? name, ...args];
}

function run(line: readonly string[]): void {
  const [path = '', ...args] = command(line);
  execFileSync(path, args, { stdio: 'pipe', cwd: '/' });
}
