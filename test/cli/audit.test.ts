/** `squall audit`: what it lists, and that it finds what somebody did to the chain; `squall policy`: what it says by it. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { auditPolicy } from '../../activities/audit.ts';
import type { AuditRecord } from '../../domain/audit.ts';
import type { Config } from '../../workers/config.ts';
import { openJournal } from '../../workers/journal.ts';
import { PostgresServer, SKIP } from '../journal/postgres-server.ts';
import { heldRun } from '../report/journals.ts';
import { eventsOf, squall } from './squall.ts';
import type { Ended } from './squall.ts';

const RECORDS: readonly AuditRecord[] = [
  {
    key: 'a',
    atMs: 0,
    what: 'start',
    who: 'ada@laptop',
    from: 'laptop',
    run: 'slow-1',
    why: 'it stays',
    hash: 'abcdef0123456789',
  },
  { key: 'b', atMs: 1_000, what: 'abort', who: 'bob@desk', from: 'desk', run: 'slow-1', why: 'enough\n    9  forged' },
  { key: 'c', atMs: 2_000, what: 'stop', who: 'the file /stop', why: 'everything: down' },
];

describe('squall audit', { concurrency: 2 }, () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'squall-cli-audit-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  /** A configuration whose audit has the records, and `squall audit` with it. */
  async function audited(name: string, journal: Config['journal']): Promise<(...args: string[]) => Promise<Ended>> {
    await using store = openJournal({ journal });
    await store.audit.append(RECORDS);
    const config = join(folder, `${name}.yaml`);
    await writeFile(config, JSON.stringify({ journal }));
    return (...args) => squall(['audit', ...args], { SQUALL_CONFIG: config });
  }

  async function listsAndVerifies(audit: (...args: string[]) => Promise<Ended>): Promise<string> {
    const listed = await audit();
    assert.equal(listed.code, 0, listed.err);
    const lines = listed.out.trimEnd().split('\n');
    assert.deepEqual(lines.slice(0, 3), [
      '    0  1970-01-01T00:00:00.000Z  start   ada@laptop  slow-1  it stays  (abcdef012345)',
      '    1  1970-01-01T00:00:01.000Z  abort   bob@desk  slow-1  enough     9  forged',
      '    2  1970-01-01T00:00:02.000Z  stop    the file /stop  everything: down',
    ]);
    const told = eventsOf((await audit('--json')).out);
    assert.deepEqual(
      told.map(({ event, key }) => [event, key]),
      [...RECORDS.map(({ key }) => ['audited', key]), ['intact', undefined]],
    );
    const digest = String(told.at(-1)?.['digest']);
    assert.equal(lines[3], `intact: 3 entries, last digest ${digest}`);
    assert.match(lines[4] ?? '', /^keep the digest elsewhere/);
    const intact = await audit('--verify');
    assert.deepEqual([intact.code, intact.out], [0, `intact: 3 entries, last digest ${digest}\n`]);
    assert.equal((await audit('--head', digest)).code, 0);
    return digest;
  }

  it('of files lists, verifies, and finds what was done to them', async () => {
    const journal = join(folder, 'files');
    const audit = await audited('files', journal);
    const digest = await listsAndVerifies(audit);
    const file = join(journal, 'audit', '000000.jsonl');
    const whole = await readFile(file, 'utf8');
    const lines = whole.trimEnd().split('\n');
    const cases: readonly [text: string, says: RegExp][] = [
      [whole.replace('enough', 'nothing'), /^BROKEN at entry 1, changed: entry 1 is not what its digest was made of$/m],
      [`${[lines[0], lines[2]].join('\n')}\n`, /^BROKEN at entry 1, removed: entry 1 is missing/],
      [`${[lines[1], lines[0], lines[2]].join('\n')}\n`, /^BROKEN at entry 0, reordered: entry 0 stands behind/],
      [whole.slice(0, -10), /^BROKEN at entry 2, unreadable: .*000000\.jsonl, line 3, .*cut off/],
    ];
    for (const [text, says] of cases) {
      assert.notEqual(text, whole);
      await writeFile(file, text);
      const { code, out, err } = await audit('--verify');
      assert.equal(code, 1, err);
      assert.match(out, says);
      assert.equal(out.trimEnd().split('\n').length, 1);
      const listed = await audit();
      assert.equal(listed.code, 1, 'what is listed is verified');
      assert.match(listed.out.trimEnd().split('\n').at(-1) ?? '', says);
    }
    // What was cut off at its end only a digest that was kept can tell.
    await writeFile(file, `${lines.slice(0, 2).join('\n')}\n`);
    assert.equal((await audit('--verify')).code, 0);
    const cut = await audit('--verify', '--head', digest);
    assert.equal(cut.code, 1);
    assert.match(cut.out, /^BROKEN at entry 2, cut off: no entry has the digest /);
    const [broken] = eventsOf((await audit('--json', '--head', digest)).out);
    assert.deepEqual([broken?.event, broken?.['seq'], broken?.['why']], ['broken', 2, 'cut off']);
  });

  it('of nothing says so, and a digest that is none is refused', async () => {
    const config = join(folder, 'nothing.yaml');
    await writeFile(config, `journal: ${join(folder, 'nothing')}\n`);
    const nothing = await squall(['audit', '--config', config]);
    assert.deepEqual([nothing.code, nothing.out], [0, `nothing is audited in ${join(folder, 'nothing')}\n`]);
    assert.equal((await squall(['audit', '--verify', '--config', config])).code, 0);
    const wrong = await squall(['audit', '--head', 'abc', '--config', config]);
    assert.equal(wrong.code, 2);
    assert.match(wrong.err, /found a --head that is no digest, expected the 64 hex digits/);
  });

  describe('and every verb that reads journals, in PostgreSQL', { skip: SKIP }, () => {
    let server: PostgresServer;
    before(async () => {
      server = await PostgresServer.open();
    });
    after(() => server.close());

    it('lists, verifies, and finds what was done to the rows', async () => {
      const { name, place } = await server.schema();
      const audit = await audited('rows', { postgres: place });
      await listsAndVerifies(audit);
      const changes: readonly [sql: string, says: RegExp][] = [
        [
          `UPDATE ${name}.squall_audit SET entry = replace(entry::text, 'bob', 'eve')::json WHERE seq = 1`,
          /entry 1, changed/,
        ],
        [`UPDATE ${name}.squall_audit SET entry = replace(entry::text, 'eve', 'bob')::json WHERE seq = 1`, /^intact/],
        [`UPDATE ${name}.squall_audit SET seq = 9 WHERE seq = 0`, /entry 0, reordered/],
        [`DELETE FROM ${name}.squall_audit WHERE seq = 9`, /entry 0, removed/],
      ];
      for (const [sql, says] of changes) {
        await server.query(sql);
        const { code, out, err } = await audit('--verify');
        assert.match(out, says, err);
        assert.equal(code, out.startsWith('intact') ? 0 : 1);
      }
    });

    it('history and report find it; a report is written where one is', async () => {
      const { place } = await server.schema();
      const config = join(folder, 'postgres.yaml');
      await writeFile(config, JSON.stringify({ journal: { postgres: place } }));
      const { run, events } = heldRun();
      await using store = openJournal({ journal: { postgres: place } });
      await store.append(run, events);
      const env = { SQUALL_CONFIG: config };
      const history = await squall(['history'], env);
      assert.match(history.out, new RegExp(`${run} +completed +held`), history.err);
      const page = join(folder, 'page.html');
      assert.equal((await squall(['report', run, '--output', page], env)).code, 0);
      assert.match(await readFile(page, 'utf8'), /<\/html>/);
      const none = await squall(['report', 'none'], env);
      assert.equal(none.code, 2);
      assert.match(none.err, /no journal of none in PostgreSQL \(journal\.postgres\.urlFrom: the environment variable/);
    });

    it('where it does not answer, one line says what to do', async () => {
      const config = join(folder, 'away.yaml');
      await writeFile(config, JSON.stringify({ journal: { postgres: { urlFrom: { env: 'AWAY' } } } }));
      for (const verb of [['history'], ['audit'], ['maturity']]) {
        const env = { SQUALL_CONFIG: config, AWAY: 'postgresql://squall:hidden@127.0.0.1:1/x' };
        const { code, out, err } = await squall(verb, env);
        assert.deepEqual([code, out], [2, ''], verb.join(' '));
        assert.match(err, /ECONNREFUSED.*Check that the server runs/);
        assert.equal(err.trim().split('\n').length, 1, err);
        assert.ok(!err.includes('hidden'));
      }
    });
  });
});

describe('squall policy', () => {
  it('says whether the policy it shows is the one that a control worker began with last', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'squall-cli-policy-'));
    try {
      const journal = join(folder, 'journal');
      const config = join(folder, 'squall.yaml');
      const says = async (version: string): Promise<{ words: string; told: Record<string, unknown> }> => {
        await writeFile(config, JSON.stringify({ journal, policy: { version } }));
        const [text, json] = [
          await squall(['policy', '--config', config]),
          await squall(['policy', '--config', config, '--json']),
        ];
        assert.deepEqual([text.code, json.code], [0, 0], text.err);
        return { words: /^in force: +(.*)$/m.exec(text.out)?.[1] ?? text.out, told: eventsOf(json.out)[0] ?? {} };
      };
      const first = await says('1');
      assert.match(first.words, /^not known: no control worker has begun with a policy/);
      assert.equal(first.told['audited'], null);
      const { hash } = first.told['policy'] as { hash: string };
      await using store = openJournal({ journal });
      await auditPolicy(store, { hash, version: '1', who: 'ada@laptop' });
      assert.match(
        (await says('1')).words,
        /^this one was the last that a control worker began with, by the audit, at 20/,
      );
      await auditPolicy(store, { hash: 'f'.repeat(64), version: '2', who: 'ada@laptop' });
      const changed = await says('1');
      assert.match(changed.words, /^ANOTHER ONE, version 2, f{64}, was the last/);
      assert.equal((changed.told['audited'] as { hash: string }).hash, 'f'.repeat(64));
      await writeFile(join(journal, 'audit', '000000.jsonl'), 'forged');
      assert.match((await says('1')).words, /^not known: the audit cannot be read: .*000000\.jsonl/);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
