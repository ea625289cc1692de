/**
 * What every journal store must do, whatever it is made of.
 *
 * Owns the suite: it knows a store by what `journal:` of a `squall.yaml` says, and nothing else of it.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { auditPolicy } from '../../activities/audit.ts';
import { digestOf } from '../../activities/journal/audit-schema.ts';
import { JournalError } from '../../activities/journal/store.ts';
import type { JournalStore } from '../../activities/journal/store.ts';
import { ChainCheck } from '../../domain/audit.ts';
import type { AuditEntry, AuditRecord } from '../../domain/audit.ts';
import type { JournalEvent } from '../../domain/journal.ts';
import type { Config } from '../../workers/config.ts';
import { openJournal } from '../../workers/journal.ts';
import { abortedRun, heldRun, hostileRun, hugeRun, refusedRun, stuckRun } from '../report/journals.ts';
import { conformanceOfDays } from './conformance-of-days.ts';
import { NAMES } from './hostile-names.ts';
import { listsDeployed } from './lists-deployed.ts';
import { offered } from './offered.ts';

const WRITER = join(import.meta.dirname, 'writer.ts');
/** An event that says its number. */
export const blind = (seq: number, atMs = 1_000 + seq): JournalEvent => ({
  seq,
  atMs,
  type: 'blind',
  what: 'watch',
  why: `event ${seq}`,
});

const noted = (key: string, more: Partial<AuditRecord> = {}): AuditRecord => ({
  key,
  atMs: 1_000,
  what: 'note',
  who: 'ada@laptop',
  ...more,
});

/** A place that is new and empty. `tidy` looks at what killed writers left there. */
export interface StoreToTest {
  readonly place: () => Promise<Config['journal']>;
  readonly tidy?: (place: Config['journal']) => Promise<void>;
}

/** Defines the suite. */
export function conformance({ place: placeOf, tidy }: StoreToTest): void {
  let place: Config['journal'];
  let opened: JournalStore[] = [];
  /** Another store on the same place, as another process has it. */
  const open = (): JournalStore => {
    const store = openJournal({ journal: place });
    opened.push(store);
    return store;
  };
  beforeEach(async () => {
    place = await placeOf();
  });
  afterEach(async () => {
    await Promise.all(opened.map((store) => store[Symbol.asyncDispose]()));
    opened = [];
  });
  const entries = (): Promise<AuditEntry[]> => Array.fromAsync(open().audit.entries());
  const chainOf = (audited: readonly AuditEntry[]): ChainCheck => {
    const check = new ChainCheck(digestOf);
    for (const entry of audited) check.take(entry);
    assert.equal(check.end(), undefined);
    return check;
  };

  it('gives back every journal as it was, whatever is in it', async () => {
    const store = open();
    await store.ready();
    for (const journal of [heldRun(), abortedRun(), refusedRun(), stuckRun(), hugeRun(), hostileRun()]) {
      await store.append(journal.run, journal.events);
      assert.deepEqual(await open().read(journal.run), journal);
    }
    assert.equal((await store.list()).length, 6);
  });

  it('keeps texts that no database likes', async () => {
    const odd = { ...blind(0), why: 'nul \0, a lone \ud800, a line\nend, ’ü🦀' } as JournalEvent;
    await open().append('odd', [odd]);
    assert.deepEqual((await open().read('odd'))?.events, [odd]);
  });

  it('keeps an event offered twice once, and says which were new', async () => {
    const store = open();
    assert.deepEqual((await store.append('a', [blind(0), blind(1), blind(1)])).added, [blind(0), blind(1)]);
    assert.deepEqual((await store.append('a', [blind(1), blind(2)])).added, [blind(2)]);
    assert.deepEqual((await store.append('a', [blind(0), blind(2)])).added, []);
    assert.deepEqual((await store.read('a'))?.events, [blind(0), blind(1), blind(2)]);
  });

  it('orders events that arrive late', async () => {
    const store = open();
    await store.append('a', [blind(2)]);
    await store.append('a', [blind(0), blind(1)]);
    assert.deepEqual((await store.read('a'))?.events, [blind(0), blind(1), blind(2)]);
    assert.equal((await store.list())[0]?.startedAtMs, 1_000);
  });

  it('keeps what a reset run says under numbers that were used before', async () => {
    const store = open();
    await store.append('a', [blind(0), blind(1), blind(2)]);
    const again = blind(1, 9_000);
    assert.deepEqual((await store.append('a', [blind(0), again])).added, [again]);
    assert.deepEqual((await store.read('a'))?.events, [blind(0), blind(1), blind(2), again]);
  });

  it('lists how far each run came, the latest last', async () => {
    const store = open();
    for (const [run, atMs] of [
      ['late', 3_000],
      ['early', 1_000],
      ['middle', 2_000],
    ] as const)
      await store.append(run, [blind(0, atMs)]);
    const { run, events } = abortedRun();
    for (const event of events) await store.append(run, [event]);
    const held = new Set(
      events.flatMap((event) => (event.type === 'stage-held' && event.injected > 0 ? event.stage : [])),
    );
    const heads = await open().list();
    assert.deepEqual(
      heads.map((head) => head.run),
      ['early', 'middle', 'late', run],
    );
    assert.deepEqual(heads.at(-1), {
      run,
      experiment: 'slow-payments',
      startedAtMs: events[0]?.atMs,
      lastAtMs: events.at(-1)?.atMs,
      touched: true,
      phase: 'closed',
      status: 'aborted',
      deviated: true,
      stopped: true,
      documentHash: events.flatMap((event) => (event.type === 'started' ? [event.documentHash.slice(0, 64)] : []))[0],
      askedShare: 0.25,
      reached: Math.max(
        ...events.map((event) => (event.type === 'stage-opened' && held.has(event.stage) ? event.reached : 0)),
      ),
    });
    const last = events.at(-1) ?? assert.fail();
    const said = { by: 'ada', reason: 'looked into' };
    await store.append(run, [{ seq: last.seq + 1, atMs: last.atMs + 5_000, type: 'acknowledged', ...said }]);
    assert.deepEqual((await open().list()).at(-1), { ...heads.at(-1), acknowledged: true });
  });

  it('lists when the last event of a run happened, whichever that is, and that a run was not touched', async () => {
    const store = open();
    const { run, events } = refusedRun();
    await store.append(run, events);
    await store.append('late', [blind(3, 9_000)]);
    await store.append('late', [blind(0, 1_000), blind(1, 8_000)]);
    assert.deepEqual(
      (await open().list()).map((head) => [head.run, head.startedAtMs, head.lastAtMs, head.touched]),
      [
        ['late', 1_000, 9_000, false],
        [run, events[0]?.atMs, events.at(-1)?.atMs, false],
      ],
    );
  });

  it('lists that a program took what had been deployed', () => listsDeployed(open));

  it('has no journal and an empty list where nothing was written', async () => {
    const store = open();
    assert.equal(await store.read('a'), undefined);
    assert.deepEqual(await store.list(), []);
    assert.deepEqual((await store.append('a', [])).added, []);
    assert.equal(await store.read('a'), undefined);
    assert.deepEqual(await entries(), []);
    assert.equal(await store.audit.last('start'), undefined);
  });

  it('keeps every name apart, and refuses what is none', async () => {
    const store = open();
    for (const name of NAMES) await store.append(name, [blind(0)]);
    for (const name of NAMES) assert.equal((await store.read(name))?.run, name);
    assert.deepEqual((await store.list()).map(({ run }) => run).sort(), [...NAMES].sort());
    for (const name of ['', 'x'.repeat(201), 'ü'.repeat(80), '\ud800']) {
      await assert.rejects(store.append(name, [blind(0)]), JournalError);
      await assert.rejects(store.read(name), JournalError);
    }
  });

  it('refuses events that are not events', async () => {
    const bad = { seq: -1, atMs: 0, type: 'blind', what: 'watch', why: '' } as const;
    await assert.rejects(open().append('a', [bad]));
    assert.equal(await open().read('a'), undefined);
  });

  it('lets no journal grow beyond the bound', async () => {
    const store = open();
    const large = (seq: number): JournalEvent => ({ ...blind(seq), why: 'x'.repeat(33 * 1024 * 1024) }) as JournalEvent;
    await offered(() => store.append('a', [large(0)]));
    const beyond = offered(() => store.append('a', [large(1), blind(2)]));
    await assert.rejects(beyond, /beyond 67108864 bytes; the events were not added/);
    await offered(() => store.append('a', [blind(3)]));
    assert.deepEqual(
      (await store.read('a'))?.events.map(({ seq }) => seq),
      [0, 3],
    );
  });

  describe('the records of game days', () => conformanceOfDays(open));

  describe('the audit', () => {
    it('chains what is offered, each once', async () => {
      const { audit } = open();
      await audit.append([noted('a'), noted('b', { run: 'r', why: 'w', from: 'laptop', hash: 'h' })]);
      await audit.append([noted('b', { who: 'somebody else' }), noted('c'), noted('c')]);
      const audited = await entries();
      assert.deepEqual(
        audited.map(({ seq, key, who }) => [seq, key, who]),
        [
          [0, 'a', 'ada@laptop'],
          [1, 'b', 'ada@laptop'],
          [2, 'c', 'ada@laptop'],
        ],
      );
      assert.equal(chainOf(audited).digest, audited[2]?.digest);
    });

    it('keeps odd texts, and refuses what is no record', async () => {
      const odd = 'nul \0, a lone \ud800, a line\nend, ’ü🦀';
      const { audit } = open();
      await audit.append([noted(`key ${odd}`, { who: odd, why: odd, run: odd })]);
      await audit.append([noted(`key ${odd}`)]);
      const [entry, ...more] = await entries();
      assert.deepEqual([entry?.who, entry?.why, entry?.run, more.length], [odd, odd, odd, 0]);
      chainOf(await entries());
      const good = audit.append([noted('good')]);
      for (const bad of [noted(''), noted('x', { why: 'x'.repeat(1_001) }), noted('x', { what: 'gossip' as 'note' })])
        await assert.rejects(audit.append([bad]));
      await good;
      assert.equal((await entries()).length, 2);
    });

    it('goes on over many pages, and knows what stands on each of them', async () => {
      const all = Array.from({ length: 1_234 }, (_, index) => noted(`number ${index}`));
      const { audit } = open();
      await audit.append([noted('the first', { what: 'stop' }), ...all.slice(0, 700)]);
      await audit.append(all.slice(700));
      await open().audit.append([noted('one more'), ...all]);
      const audited = await entries();
      assert.deepEqual(
        audited.map(({ key }) => key),
        ['the first', ...all.map(({ key }) => key), 'one more'],
      );
      assert.equal(chainOf(audited).length, 1_236);
      assert.equal((await open().audit.last('stop'))?.key, 'the first');
      assert.equal((await open().audit.last('note'))?.key, 'one more');
    });

    it('has a policy once until it changes, from however many workers', async () => {
      const policy = (hash: string) => ({ hash, version: '7', who: 'ada@laptop' });
      for (const hash of ['one', 'one', 'two', 'one'])
        await Promise.all(Array.from({ length: 3 }, () => auditPolicy(open(), policy(hash))));
      const audited = await entries();
      assert.deepEqual(
        audited.map(({ what, hash, who, from, why }) => [what, hash, who, from, why]),
        ['one', 'two', 'one'].map((hash) => ['policy', hash, 'ada@laptop', 'laptop', 'version 7']),
      );
    });
  });

  describe('with several processes writing at once', () => {
    type Writer = { child: ChildProcessByStdio<null, Readable, null>; promised: Set<number> };
    const start = (writer: number, count: number): Writer => {
      const args = [JSON.stringify(place), 'shared', `writer-${writer}`, String(writer * 1_000), String(count)];
      const options = ['--disable-warning=ExperimentalWarning', WRITER];
      const child = spawn(process.execPath, [...options, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
      const promised = new Set<number>();
      let rest = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        const lines = (rest + text).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) promised.add(Number(line));
      });
      return { child, promised };
    };

    it('loses nothing and counts each once, although one of them is killed again and again', async () => {
      const steady = [0, 1, 2].map((writer) => start(writer, 40));
      const ends = steady.map(({ child }) => once(child, 'close'));
      const killed: Writer[] = [];
      for (let victim = 3; victim < 8; victim++) {
        const writer = start(victim, 1_000);
        killed.push(writer);
        const end = once(writer.child, 'close');
        // It is killed once it has made its first promises: in whichever step of the next append it is by then.
        while (writer.promised.size < 3 && writer.child.exitCode === null) await once(writer.child.stdout, 'data');
        writer.child.kill('SIGKILL');
        await end;
      }
      await Promise.all(ends);
      for (const { child } of steady) assert.equal(child.exitCode, 0);
      const seqs = (await open().read('shared'))?.events.map(({ seq }) => seq) ?? [];
      const audited = await entries();
      const keys = audited.map(({ key }) => key);
      chainOf(audited);
      assert.equal(new Set(seqs).size, seqs.length);
      assert.equal(new Set(keys).size, keys.length);
      assert.ok(keys.includes('of all'));
      for (const { promised } of [...steady, ...killed]) {
        assert.ok(promised.size >= 3);
        for (const seq of promised) {
          assert.ok(seqs.includes(seq), `event ${seq} was promised and is gone`);
          assert.ok(keys.includes(`event ${seq}`), `that event ${seq} is audited was promised, and it is not`);
        }
      }
      await open().append('shared', [blind(9_999)]);
      await open().audit.append([noted('after all')]);
      await tidy?.(place);
    });
  });
}
