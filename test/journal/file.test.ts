/** The file store: nothing appended is lost, nothing unreadable is overwritten, nothing outside the folder is touched. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, mkdir, readdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { after, before, beforeEach, describe, it, test } from 'node:test';
import { JOURNAL_MAX_BYTES, openFileStore } from '../../activities/journal/file.ts';
import { journalEventSchema } from '../../activities/journal/schema.ts';
import { JournalError } from '../../activities/journal/store.ts';
import { JOURNAL_SCHEMA } from '../../domain/journal.ts';
import type { JournalEvent } from '../../domain/journal.ts';
import { abortedRun, heldRun, hostileRun, HOSTILE, hugeRun, refusedRun, stuckRun } from '../report/journals.ts';

const WRITER = join(import.meta.dirname, 'writer.ts');

describe('the file store', () => {
  let root = '';
  let folder = '';
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'squall-journal-'));
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(root, 'case-'));
  });
  after(() => rm(root, { recursive: true, force: true }));

  const blind = (seq: number, atMs = 1_000 + seq): JournalEvent => ({
    seq,
    atMs,
    type: 'blind',
    what: 'watch',
    why: `event ${seq}`,
  });

  it('gives back every journal as it was, whatever is in it', async () => {
    const store = openFileStore(folder);
    for (const journal of [heldRun(), abortedRun(), refusedRun(), stuckRun(), hugeRun(), hostileRun()]) {
      await store.append(journal.run, journal.events);
      assert.deepEqual(await openFileStore(folder).read(journal.run), journal);
    }
    assert.equal((await store.list()).length, 6);
  });

  it('keeps an event offered twice once, and says which were new', async () => {
    const store = openFileStore(folder);
    assert.deepEqual((await store.append('a', [blind(0), blind(1), blind(1)])).added, [blind(0), blind(1)]);
    assert.deepEqual((await store.append('a', [blind(1), blind(2)])).added, [blind(2)]);
    const before = await readFile(join(folder, 'a.json'), 'utf8');
    assert.deepEqual((await store.append('a', [blind(0), blind(2)])).added, []);
    assert.equal(await readFile(join(folder, 'a.json'), 'utf8'), before);
    assert.deepEqual((await store.read('a'))?.events, [blind(0), blind(1), blind(2)]);
  });

  it('orders events that arrive late', async () => {
    const store = openFileStore(folder);
    await store.append('a', [blind(2)]);
    await store.append('a', [blind(0), blind(1)]);
    assert.deepEqual((await store.read('a'))?.events, [blind(0), blind(1), blind(2)]);
  });

  it('keeps what a reset run says under numbers that were used before', async () => {
    const store = openFileStore(folder);
    await store.append('a', [blind(0), blind(1), blind(2)]);
    const again = blind(1, 9_000);
    assert.deepEqual((await store.append('a', [blind(0), again])).added, [again]);
    assert.deepEqual((await store.read('a'))?.events, [blind(0), blind(1), blind(2), again]);
  });

  it('writes one event a line, as JSON that any tool reads, with its head in the first line', async () => {
    const journal = abortedRun();
    await openFileStore(folder).append(journal.run, journal.events);
    const text = await readFile(join(folder, `${journal.run}.json`), 'utf8');
    assert.equal(text.trimEnd().split('\n').length, journal.events.length + 2);
    assert.deepEqual((JSON.parse(text) as { events: unknown }).events, journal.events);
    assert.deepEqual(await openFileStore(folder).list(), [
      {
        run: journal.run,
        experiment: 'slow-payments',
        startedAtMs: journal.events[0]?.atMs,
        phase: 'closed',
        status: 'aborted',
        deviated: true,
      },
    ]);
    assert.deepEqual((await readdir(folder)).sort(), ['.writers', `${journal.run}.json`]);
    assert.deepEqual(await readdir(join(folder, '.writers')), []);
  });

  it('lists a journal with its problem wherever it was cut off', async () => {
    const { run, events } = abortedRun();
    const store = openFileStore(folder);
    await store.append(run, events);
    const file = join(folder, `${run}.json`);
    const whole = await readFile(file, 'utf8');
    const problem = async (): Promise<string | undefined> => (await store.list())[0]?.problem;
    await writeFile(file, `${whole}\n`);
    assert.equal(await problem(), undefined);
    for (const length of [0, 1, 100, whole.indexOf('\n') + 1, 5_000, whole.length - 3]) {
      await writeFile(file, whole.slice(0, length));
      await assert.rejects(store.read(run), JournalError);
      assert.equal(await problem(), `${file} is not a journal, or it is damaged`, `${length} bytes`);
    }
  });

  it('has no journal and an empty list where nothing was written', async () => {
    const store = openFileStore(join(folder, 'not', 'there'));
    assert.equal(await store.read('a'), undefined);
    assert.deepEqual(await store.list(), []);
    assert.deepEqual((await store.append('a', [])).added, []);
    assert.equal(await store.read('a'), undefined);
  });

  it('lists the latest last', async () => {
    const store = openFileStore(folder);
    for (const [run, atMs] of [
      ['late', 3_000],
      ['early', 1_000],
      ['middle', 2_000],
    ] as const)
      await store.append(run, [blind(0, atMs)]);
    assert.deepEqual(
      (await store.list()).map(({ run }) => run),
      ['early', 'middle', 'late'],
    );
  });

  it('never leaves its folder, and keeps every name apart', async () => {
    const inside = join(folder, 'inside');
    await mkdir(inside);
    const names = [
      '../escape',
      '..',
      '.',
      '.hidden',
      '/etc/passwd',
      'a/b',
      'a%2Fb',
      'ü',
      'a b',
      '..\\x',
      'C:x',
      '-',
      HOSTILE.slice(0, 60),
      'nul\0byte',
    ];
    const store = openFileStore(inside);
    for (const name of names) await store.append(name, [blind(0)]);
    for (const name of names) assert.equal((await store.read(name))?.run, name);
    assert.deepEqual((await store.list()).map(({ run }) => run).sort(), [...names].sort());
    assert.deepEqual(await readdir(folder), ['inside']);
    for (const name of ['', 'x'.repeat(201), 'ü'.repeat(80), '\ud800']) {
      await assert.rejects(store.append(name, [blind(0)]), JournalError);
      await assert.rejects(store.read(name), JournalError);
    }
  });

  describe('refuses, naming the file, and leaves as it is', () => {
    const valid = JSON.stringify({ schema: 'squall/journal/v1', run: 'a', events: [blind(0)] });
    const broken: Readonly<Record<string, string>> = {
      'an empty file': '',
      'half a file': valid.slice(0, -20),
      'what is not JSON': 'hello',
      'another schema': valid.replace('/v1', '/v2'),
      'the journal of another run': valid.replace('"run":"a"', '"run":"b"'),
      'an event without a number': valid.replace('"seq":0,', ''),
      'something else that is JSON': '[1,2,3]',
    };
    for (const [what, text] of Object.entries(broken)) {
      it(what, async () => {
        const file = join(folder, 'a.json');
        await writeFile(file, text);
        const store = openFileStore(folder);
        const named = (failure: unknown): boolean => failure instanceof JournalError && failure.message.includes(file);
        await assert.rejects(store.append('a', [blind(1)]), named);
        await assert.rejects(store.read('a'), named);
        assert.equal(await readFile(file, 'utf8'), text);
        await store.append('other', [blind(0)]);
        assert.equal((await store.list()).length, 2, 'one bad journal does not hide the others');
      });
    }

    it('a file beyond the bound', async () => {
      const file = join(folder, 'a.json');
      await writeFile(file, valid);
      await truncate(file, JOURNAL_MAX_BYTES + 1);
      await assert.rejects(openFileStore(folder).read('a'), /at most 67108864/);
      await assert.rejects(openFileStore(folder).append('a', [blind(1)]), JournalError);
    });

    it('events that are not events', async () => {
      const bad = { seq: -1, atMs: 0, type: 'blind', what: 'watch', why: '' } as const;
      await assert.rejects(openFileStore(folder).append('a', [bad]));
      assert.equal(await openFileStore(folder).read('a'), undefined);
    });
  });

  it('carries what a newer version wrote through an append, and says so on reading', async () => {
    const file = join(folder, 'a.json');
    const newer = { seq: 1, atMs: 1_001, type: 'approved', by: 'ada' };
    const known = { ...blind(0), colour: 'green' };
    await writeFile(file, JSON.stringify({ schema: 'squall/journal/v1', run: 'a', events: [known, newer] }));
    await openFileStore(folder).append('a', [blind(2)]);
    const { events } = JSON.parse(await readFile(file, 'utf8')) as { events: unknown[] };
    assert.deepEqual(events, [known, newer, blind(2)]);
    await assert.rejects(openFileStore(folder).read('a'), /newer version/);
  });

  describe('with several processes writing at once', () => {
    type Writer = { child: ChildProcessByStdio<null, Readable, null>; promised: Set<number> };
    const start = (writer: number, count: number): Writer => {
      const child = spawn(
        process.execPath,
        [WRITER, folder, 'shared', `writer-${writer}`, String(writer * 1_000), String(count)],
        {
          stdio: ['ignore', 'pipe', 'inherit'],
        },
      );
      const promised = new Set<number>();
      let rest = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        const lines = (rest + text).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) promised.add(Number(line));
      });
      return { child, promised };
    };
    const present = async (): Promise<Set<number>> =>
      new Set((await openFileStore(folder).read('shared'))?.events.map(({ seq }) => seq));

    it('loses no event, although one of them is killed again and again', async () => {
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
      const seqs = await present();
      for (const { promised } of [...steady, ...killed]) {
        assert.ok(promised.size >= 3);
        for (const seq of promised) assert.ok(seqs.has(seq), `event ${seq} was promised and is gone`);
      }
      await openFileStore(folder).append('shared', [blind(9_999)]);
      assert.deepEqual(await readdir(join(folder, '.writers')), [], 'what the killed left is tidied up');
    });

    it('takes over from a writer of another machine that has been silent, and waits for one that has not', async () => {
      const writers = join(folder, '.writers', 'shared');
      await mkdir(writers, { recursive: true });
      const other = join(writers, '1.abcdef.another.machine');
      await writeFile(other, '{"schema"');
      const store = openFileStore(folder);
      let done = false;
      const appending = store.append('shared', [blind(0)]).then(() => (done = true));
      for (let turn = 0; turn < 20; turn++) await readdir(writers);
      assert.equal(done, false);
      assert.equal(await store.read('shared'), undefined);
      await utimes(other, new Date(0), new Date(0));
      await appending;
      assert.deepEqual((await store.read('shared'))?.events, [blind(0)]);
      assert.deepEqual(await readdir(join(folder, '.writers')), []);
    });
  });
});

test('the documentation names the schema and every type of event', async () => {
  const text = await readFile(join(import.meta.dirname, '..', '..', 'docs', 'journal.md'), 'utf8');
  assert.ok(text.includes(`"schema": "${JOURNAL_SCHEMA}"`));
  const named = [...text.matchAll(/^\| `([a-z-]+)` /gm)].map(([, type]) => type);
  assert.deepEqual(named.toSorted(), journalEventSchema.options.map((option) => option.shape.type.value).toSorted());
});
