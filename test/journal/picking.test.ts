/** What a tick knows of earlier runs is what the journal's list says, and an acknowledgement is in the journal of the run that deviated. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openFileStore } from '../../activities/journal/file.ts';
import type { JournalStore } from '../../activities/journal/store.ts';
import { acknowledgeFinding, chooseByJournal, pastRuns } from '../../activities/picking.ts';
import { summarise } from '../../domain/summary.ts';
import { abortedRun, refusedRun } from '../report/journals.ts';

describe('the past of a pool', () => {
  let folder = '';
  let store: JournalStore;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'squall-picking-'));
    store = openFileStore(folder);
    for (const { run, events } of [abortedRun(), refusedRun()]) await store.append(run, events);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const { run: finding, events } = abortedRun();
  const started = events.find((event) => event.type === 'started') ?? assert.fail();
  const pool = [
    { experiment: started.experiment.name, documentHash: 'another', target: 'any', fault: 'any' },
    { experiment: 'never-run', documentHash: 'x', target: 'any', fault: 'any' },
  ];
  const choice = () =>
    chooseByJournal(store, { pick: 'evidence', seed: 'any', pool, nowMs: Date.now(), everyMs: 60_000 });
  const given = { run: finding, by: 'alice', from: 'laptop', reason: 'SHOP-214', atMs: Date.now() };

  it('is what its runs were, by name', async () => {
    const past = pastRuns(await store.list(), pool);
    const one = past.find(({ run }) => run === finding) ?? assert.fail();
    const { documentHash } = started;
    const { experiment } = pool[0] ?? assert.fail();
    const atMs = started.atMs;
    const { askedShare = 0, reached = 0, ...rest } = one;
    assert.deepEqual(rest, { run: finding, experiment, atMs, deviated: true, aborted: true, documentHash });
    assert.ok(askedShare > 0 && reached > 0);
    assert.equal(past.length, (await store.list()).filter((head) => head.experiment === experiment).length);
    assert.deepEqual(pastRuns(await store.list(), []), []);
  });

  it('holds a finding back until somebody acknowledges it, once', async () => {
    assert.deepEqual((await choice()).passedOver, [{ experiment: started.experiment.name, finding }]);
    const before = (await store.list()).find(({ run }) => run === finding);
    for (let times = 0; times < 2; times++)
      assert.deepEqual(await acknowledgeFinding(store, given), { experiment: started.experiment.name });
    const { passedOver, of } = await choice();
    assert.deepEqual([passedOver, of], [[], 2]);
    const journal = (await store.read(finding)) ?? assert.fail();
    const said = journal.events.filter(({ type }) => type === 'acknowledged');
    assert.equal(said.length, 1);
    // Nothing that was known of the run is another now: reports, and how long it is ago.
    const { run, schema } = journal;
    assert.deepEqual(summarise(journal), summarise({ run, schema, events }));
    assert.deepEqual(
      (await store.list()).find((head) => head.run === finding),
      { ...before, acknowledged: true },
    );
    const audited = (await Array.fromAsync(store.audit.entries())).filter(({ what }) => what === 'acknowledge');
    assert.deepEqual(
      audited.map(({ who, from, why, run: of }) => [who, from, why, of]),
      [['alice (not authenticated)', 'laptop', 'SHOP-214', finding]],
    );
  });

  it('holds back what a journal may hide that cannot be read, until it is mended or gone', async () => {
    const run = 'never-run-20261124-101500-x7k2';
    await writeFile(join(folder, `${run}.json`), '{"schema"');
    assert.deepEqual((await choice()).passedOver, [{ experiment: 'never-run', finding: run, unread: true }]);
    await rm(join(folder, `${run}.json`));
    assert.deepEqual((await choice()).passedOver, []);
  });

  it('has nothing to acknowledge where nothing deviated', async () => {
    const { run } = refusedRun();
    assert.deepEqual(await acknowledgeFinding(store, { ...given, run }), {
      refused: `${run} has not deviated: there is nothing to acknowledge`,
    });
    assert.deepEqual(await acknowledgeFinding(store, { ...given, run: 'nobody' }), {
      refused: 'there is no journal of nobody',
    });
  });
});
