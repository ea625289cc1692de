/** The PostgreSQL store, on a real server: as every store, and what only a server can do to it. */
import assert from 'node:assert/strict';
import { writeFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { MIGRATIONS } from '../../activities/journal/postgres-migrations.ts';
import type { PostgresPlace } from '../../activities/journal/postgres-pool.ts';
import { openPostgresStore } from '../../activities/journal/postgres.ts';
import { JournalError } from '../../activities/journal/store.ts';
import type { JournalStore } from '../../activities/journal/store.ts';
import { blind, conformance } from './conformance.ts';
import { PostgresServer, SKIP } from './postgres-server.ts';

describe('the PostgreSQL store', { skip: SKIP }, () => {
  let server: PostgresServer;
  let folder: string;
  before(async () => {
    server = await PostgresServer.open();
    folder = await mkdtemp(join(tmpdir(), 'squall-postgres-test-'));
  });
  after(async () => {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });

  describe('as every store', () => conformance({ place: async () => ({ postgres: (await server.schema()).place }) }));

  let name: string;
  let place: PostgresPlace;
  let opened: JournalStore[] = [];
  const open = (where: PostgresPlace = place): JournalStore => {
    const store = openPostgresStore(where);
    opened.push(store);
    return store;
  };
  beforeEach(async () => {
    ({ name, place } = await server.schema());
  });
  afterEach(async () => {
    await Promise.all(opened.map((store) => store[Symbol.asyncDispose]()));
    opened = [];
  });
  /** A place whose URL is in a file, which may change. */
  const written = async (url: string): Promise<PostgresPlace> => {
    const file = join(folder, 'url');
    await writeFile(file, url);
    return { urlFrom: { file } };
  };
  const fails = (says: RegExp) => (failure: unknown) => {
    assert.ok(failure instanceof JournalError, String(failure));
    assert.match(failure.message, says);
    assert.ok(!`${failure.stack}${JSON.stringify(failure)}`.includes(server.password), 'it says the password');
    assert.equal(failure.cause, undefined);
    return true;
  };

  it('makes its tables once, however many open it at the same time', async () => {
    await Promise.all(Array.from({ length: 8 }, () => open().ready()));
    assert.deepEqual(
      await server.query(`SELECT version FROM ${name}.squall_schema`),
      MIGRATIONS.map((_step, index) => ({ version: index + 1 })),
    );
  });

  it('refuses tables of a newer version, and leaves them as they are', async () => {
    await open().append('a', [blind(0)]);
    await server.query(`INSERT INTO ${name}.squall_schema VALUES ($1, now())`, [MIGRATIONS.length + 1]);
    const says = fails(/is of version 3, and this Squall knows 2.*a newer one/);
    await assert.rejects(open().read('a'), says);
    await assert.rejects(open().append('a', [blind(1)]), says);
    assert.equal((await server.query(`SELECT * FROM ${name}.squall_event`)).length, 1);
  });

  it('needs no more rights than it uses: one who may only read reads', async () => {
    await open().append('a', [blind(0)]);
    await server.query(`CREATE ROLE reader_${name} LOGIN PASSWORD '${server.password}'`);
    const reader = await written(
      server.url(`?options=${encodeURIComponent(`-csearch_path=${name}`)}`).replace('squall:', `reader_${name}:`),
    );
    await assert.rejects(open(reader).read('a'), fails(/no schema has been selected.*search_path/));
    await server.query(`GRANT USAGE ON SCHEMA ${name} TO reader_${name}`);
    await assert.rejects(open(reader).read('a'), fails(/permission denied.*docs.journal\.md/));
    await server.query(`GRANT SELECT ON ALL TABLES IN SCHEMA ${name} TO reader_${name}`);
    assert.deepEqual((await open(reader).read('a'))?.events, [blind(0)]);
    assert.equal((await open(reader).list()).length, 1);
    await assert.rejects(open(reader).append('a', [blind(1)]), fails(/permission denied/));
  });

  it('needs no more rights than it uses: one who may only add adds, and takes nothing back', async () => {
    await open().ready();
    const writer = `writer_${name}`;
    await server.query(`CREATE ROLE ${writer} LOGIN PASSWORD '${server.password}'`);
    await server.query(`GRANT USAGE ON SCHEMA ${name} TO ${writer}`);
    await server.query(`GRANT SELECT ON ALL TABLES IN SCHEMA ${name} TO ${writer}`);
    await server.query(
      `GRANT INSERT ON ${name}.squall_event, ${name}.squall_day_event, ${name}.squall_audit TO ${writer}`,
    );
    await server.query(`GRANT INSERT, UPDATE ON ${name}.squall_journal, ${name}.squall_day TO ${writer}`);
    const search = `?options=${encodeURIComponent(`-csearch_path=${name}`)}`;
    const store = open(await written(server.url(search).replace('squall:', `${writer}:`)));
    await store.append('a', [blind(0)]);
    await store.append('a', [blind(1)]);
    await store.audit.append([{ key: 'a', atMs: 0, what: 'note', who: 'ada' }]);
    assert.equal((await store.read('a'))?.events.length, 2);
    assert.equal((await Array.fromAsync(store.audit.entries())).length, 1);
  });

  it('carries what a newer version wrote through an append, and says so on reading', async () => {
    const store = open();
    await store.append('a', [blind(0)]);
    const newer = { seq: 1, atMs: 1_001, type: 'consulted', by: 'ada' };
    await server.query(
      `INSERT INTO ${name}.squall_event (run, seq, at_ms, type, event) VALUES ('a', 1, 1001, 'consulted', $1)`,
      [JSON.stringify(newer)],
    );
    await store.append('a', [blind(2)]);
    await assert.rejects(store.read('a'), fails(/the journal of a in PostgreSQL.*newer version/));
    const rows = await server.query(`SELECT event FROM ${name}.squall_event ORDER BY seq`);
    assert.deepEqual(
      rows.map(({ event }) => event as unknown),
      [blind(0), newer, blind(2)],
    );
  });

  it('lists a damaged journal with its problem, and never writes over it', async () => {
    const store = open();
    for (const run of ['a', 'b', 'c']) await store.append(run, [blind(0)]);
    await server.query(`UPDATE ${name}.squall_journal SET about = '{"phase":5}' WHERE run = 'a'`);
    await server.query(`UPDATE ${name}.squall_journal SET schema = 'squall/journal/v2' WHERE run = 'b'`);
    assert.deepEqual(
      (await store.list()).map(({ run, problem }) => [run, problem]),
      [
        ['a', 'the row of a in squall_journal is no journal, or it is damaged'],
        ['b', 'the row of b in squall_journal is no journal, or it is damaged'],
        ['c', undefined],
      ],
    );
    await assert.rejects(store.append('b', [blind(1)]), fails(/the journal of b .*squall\/journal\/v2/));
    await assert.rejects(store.read('b'), fails(/newer version/));
  });

  it('refuses to audit behind a row that is no entry, and names it', async () => {
    const store = open();
    await store.audit.append([{ key: 'a', atMs: 0, what: 'note', who: 'ada' }]);
    await server.query(`UPDATE ${name}.squall_audit SET entry = '{}'`);
    const says = fails(/the row 0 of squall_audit cannot be read/);
    await assert.rejects(store.audit.append([{ key: 'b', atMs: 0, what: 'note', who: 'ada' }]), says);
    await assert.rejects(Array.fromAsync(store.audit.entries()), says);
  });

  describe('says what is wrong, what to do, and no password, where', () => {
    const cases: readonly [what: string, url: () => string, says: RegExp][] = [
      ['the password is wrong', () => server.url().replace(server.password, 'wrong-one'), /authentication.*password/],
      ['there is no such database', () => server.url('', 'nowhere'), /"nowhere" does not exist.*createdb/],
      ['there is no such schema', () => server.url('?options=-csearch_path%3Dnone'), /no schema|cannot be used/],
      ['nobody listens', () => server.url().replace(`:${server.port}`, ':1'), /ECONNREFUSED.*Check that the server/],
      ['it is no URL', () => `squall:${server.password}@here`, /expected a URL such as postgresql:/],
      ['it is a URL of something else', () => server.url().replace('postgresql', 'https'), /expected a URL/],
      ['it names no host', () => `postgresql:///postgres?password=${server.password}`, /expected a URL/],
      ['it is empty', () => '', /the file .* holds no secret/],
    ];
    for (const [what, url, says] of cases)
      it(what, async () => {
        const store = open(await written(url()));
        await assert.rejects(store.ready(), fails(says));
        await assert.rejects(store.append('a', [blind(0)]), JournalError);
      });
  });

  it('takes a password that was rotated without a restart', async () => {
    const store = open(await written(server.url().replace(server.password, 'the-old-one')));
    await assert.rejects(store.ready(), fails(/authentication/));
    await written(server.url(`?options=${encodeURIComponent(`-csearch_path=${name}`)}`));
    await store.ready();
  });

  it('waits for a server that hangs no longer than it must, and goes on when it is back', async () => {
    const store = open();
    await store.append('a', [blind(0)]);
    server.signal('SIGSTOP');
    try {
      // Those who are connected are answered by processes of their own; nobody else is.
      await assert.rejects(open().ready(), fails(/timeout/));
      await store.append('a', [blind(1)]);
    } finally {
      server.signal('SIGCONT');
    }
    await server.stop();
    await assert.rejects(store.append('a', [blind(2)]), fails(/Check that the server runs/));
    await server.start();
    await store.append('a', [blind(2)]);
    assert.deepEqual((await store.read('a'))?.events, [blind(0), blind(1), blind(2)]);
  });

  it('waits for whoever holds a journal no longer than a statement may take', async () => {
    const store = open();
    await store.append('a', [blind(0)]);
    const holding = server.query(`BEGIN; SELECT * FROM ${name}.squall_journal FOR UPDATE; SELECT pg_sleep(60)`);
    const held = assert.rejects(holding);
    try {
      const waits = `SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND state = 'active' AND pid <> pg_backend_pid()`;
      while ((await server.query(waits)).length === 0);
      await assert.rejects(store.append('a', [blind(1)]), fails(/statement timeout/));
    } finally {
      await server.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%'
        AND pid <> pg_backend_pid()`);
      await held;
    }
    await store.append('a', [blind(1)]);
    assert.equal((await store.read('a'))?.events.length, 2);
  });
});
