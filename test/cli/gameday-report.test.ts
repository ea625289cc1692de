/** `squall gameday report`: each form of it, from a real journal, without a server. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openFileStore } from '../../activities/journal/file.ts';
import { abortedDay, mixedDay } from '../report/game-days.ts';
import { eventsOf, squall } from './squall.ts';
import type { Ended } from './squall.ts';

describe('squall gameday report', { concurrency: 2 }, () => {
  const { record, journals } = mixedDay();
  const aborted = abortedDay();
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'squall-cli-gameday-'));
    await writeFile(join(folder, 'squall.yaml'), 'journal: journals\n');
    await using store = openFileStore(join(folder, 'journals'));
    for (const { run, events } of journals) await store.append(run, events);
    for (const { day, events } of [record, aborted.record]) await store.days.append(day, events);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const report = (day: string, ...args: string[]): Promise<Ended> =>
    squall(['gameday', 'report', day, ...args], { SQUALL_CONFIG: join(folder, 'squall.yaml') });

  it('writes a page beside the journal, and says where', async () => {
    const { code, out, err } = await report(record.day);
    assert.equal(code, 0, err);
    const page = await readFile(out.trim(), 'utf8');
    assert.ok(page.startsWith('<!doctype html>') && page.includes('1 criterion missed'));
    const said = await report(record.day, '--json', '--out', join(folder, 'page.html'));
    const [event] = eventsOf(said.out);
    assert.deepEqual(
      [event?.event, event?.['day'], event?.['report']],
      ['report', record.day, join(folder, 'page.html')],
    );
  });

  it('prints Markdown and JSON', async () => {
    const markdown = await report(record.day, '--format', 'md');
    assert.match(markdown.out, /^# Game day: autumn-game-day, 23 November 2026$/m);
    const json = await report(record.day, '--format', 'json');
    const { schema, criteria } = JSON.parse(json.out) as { schema: string; criteria: unknown };
    assert.deepEqual([schema, criteria], ['squall/game-day-report/v1', { met: 7, missed: 1, unknown: 1, of: 9 }]);
  });

  it('writes action items for where work is kept, with links to where reports are published', async () => {
    const file = join(folder, 'actions.csv');
    const csv = await report(
      record.day,
      '--format',
      'csv',
      '--out',
      file,
      '--reports',
      'https://reports.example/chaos/',
    );
    assert.deepEqual([csv.code, csv.out.trim()], [0, file]);
    assert.match(await readFile(file, 'utf8'), /,"https:\/\/reports\.example\/chaos\/slow-payments-\S+\.html /);
    const issues = await report(record.day, '--format', 'issues');
    assert.match(issues.out, /^\*\*Owner:\*\* barbara$/m);
    assert.match(issues.out, /^- \[slow-payments-\S+\]\(<slow-payments-\S+\.html>\)$/m);
  });

  it('says what it lacks, where a run’s journal is not there or cannot be read', async () => {
    const { faults } = JSON.parse((await report(aborted.record.day, '--format', 'json')).out) as {
      faults: { run: string }[];
    };
    const [run = ''] = faults.map((fault) => fault.run);
    const path = join(folder, 'journals', `${run}.json`);
    const whole = await readFile(path, 'utf8');
    try {
      for (const damaged of [whole.slice(0, 100), null]) {
        await (damaged === null ? rm(path) : writeFile(path, damaged));
        const { code, out, err } = await report(aborted.record.day, '--format', 'md');
        assert.equal(code, 0, err);
        assert.match(out, /Missing: the journal of primary-stops-\S+ is not here, or cannot be read/);
      }
    } finally {
      await writeFile(path, whole);
    }
  });

  it('refuses a day that there is not, and a form that there is not', async () => {
    const { code, err } = await report('no-such-day');
    assert.equal(code, 2);
    assert.match(
      err,
      /there is no record of a game day no-such-day in .*journals; is --config that of the control worker\?/,
    );
    assert.equal((await report(record.day, '--format', 'pdf')).code, 2);
  });
});
