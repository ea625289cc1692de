/** The file store: nothing appended is lost, nothing unreadable is overwritten, nothing outside the folder is touched. */
import assert from 'node:assert/strict';
import { mkdtemp, mkdir, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it, test } from 'node:test';
import { openFileStore } from '../../activities/journal/file.ts';
import { gameDayEventSchema } from '../../activities/journal/game-day-schema.ts';
import { journalEventSchema } from '../../activities/journal/schema.ts';
import { JOURNAL_MAX_BYTES, JournalError } from '../../activities/journal/store.ts';
import { JOURNAL_SCHEMA } from '../../domain/journal.ts';
import { abortedRun } from '../report/journals.ts';
import { blind, conformance } from './conformance.ts';
import { NAMES } from './hostile-names.ts';

describe('the file store', () => {
  let root = '';
  let folder = '';

  describe('as every store', () =>
    conformance({
      place: () => mkdtemp(join(root, 'place-')),
      tidy: async (place) => {
        assert.deepEqual(await readdir(join(place as string, '.writers')), [], 'what the killed left is tidied up');
        assert.deepEqual(
          (await readdir(join(place as string, 'audit'))).filter((name) => !name.endsWith('.jsonl')),
          [],
        );
      },
    }));

  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'squall-journal-'));
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(root, 'case-'));
  });
  after(() => rm(root, { recursive: true, force: true }));

  it('writes a file that nothing was added to no more', async () => {
    const store = openFileStore(folder);
    await store.append('a', [blind(0)]);
    const file = join(folder, 'a.json');
    const [before, text] = [await stat(file), await readFile(file, 'utf8')];
    await store.append('a', [blind(0)]);
    assert.deepEqual([(await stat(file)).ino, await readFile(file, 'utf8')], [before.ino, text]);
  });

  it('writes one event a line, as JSON that any tool reads, with its head in the first line', async () => {
    const journal = abortedRun();
    await openFileStore(folder).append(journal.run, journal.events);
    const text = await readFile(join(folder, `${journal.run}.json`), 'utf8');
    assert.equal(text.trimEnd().split('\n').length, journal.events.length + 2);
    assert.deepEqual((JSON.parse(text) as { events: unknown }).events, journal.events);
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

  it('never leaves its folder, and keeps every name apart', async () => {
    const inside = join(folder, 'inside');
    await mkdir(inside);
    const store = openFileStore(inside);
    for (const name of NAMES) await store.append(name, [blind(0)]);
    await store.audit.append([{ key: 'a', atMs: 0, what: 'note', who: 'ada' }]);
    assert.equal((await store.list()).length, NAMES.length);
    assert.deepEqual(await readdir(folder), ['inside']);
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

test('the documentation names the schema and every type of event', async () => {
  const text = await readFile(join(import.meta.dirname, '..', '..', 'docs', 'journal.md'), 'utf8');
  assert.ok(text.includes(`"schema": "${JOURNAL_SCHEMA}"`));
  const named = [...text.matchAll(/^\| `([a-z-]+)` /gm)].map(([, type]) => type);
  assert.deepEqual(named.toSorted(), journalEventSchema.options.map((option) => option.shape.type.value).toSorted());
});

test('the documentation names every type of event of a game day', async () => {
  const text = await readFile(join(import.meta.dirname, '..', '..', 'docs', 'game-days.md'), 'utf8');
  const table = text.slice(text.indexOf('**The record**'));
  const named = [...table.matchAll(/^\| `([a-z-]+)` \| /gm)].map(([, type]) => type);
  assert.deepEqual(named.toSorted(), gameDayEventSchema.options.map((option) => option.shape.type.value).toSorted());
});
