/** The audit and a journal in PostgreSQL, with real runs: nothing of what keeps people safe waits for them. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pausing } from '../../bench/torture/experiment.ts';
import type { Lane } from '../../bench/torture/lane.ts';
import { Victims } from '../../bench/torture/victims.ts';
import { stopId } from '../../domain/emergency-stop.ts';
import type { JournalStore } from '../../activities/journal/store.ts';
import { openJournal } from '../../workers/journal.ts';
import { startRun } from '../../workers/start-run.ts';
import type { RunResult } from '../../workflows/messages.ts';
import { Installation } from '../cli/installation.ts';
import { eventsOf, squall } from '../cli/squall.ts';
import { PostgresServer, SKIP } from '../journal/postgres-server.ts';
import { until } from '../until.ts';
import { assertCleanSlate } from './clean-slate.ts';

const GROUPS = ['aborted', 'refused'] as const;

describe('runs whose journal and audit are in PostgreSQL', { skip: SKIP }, () => {
  let server: PostgresServer;
  let installation: Installation<(typeof GROUPS)[number]>;
  let lane: Lane;
  let env: Record<string, string>;
  let store: JournalStore;
  before(async () => {
    server = await PostgresServer.open();
    const { place } = await server.schema();
    installation = await Installation.open(GROUPS, { journal: { postgres: place } });
    ({ lane, env } = installation);
    store = openJournal({ journal: { postgres: place } });
  });
  after(async () => {
    await store[Symbol.asyncDispose]();
    await installation.close();
    await server.close();
  });

  const audited = async (): Promise<readonly (readonly unknown[])[]> =>
    (await Array.fromAsync(store.audit.entries())).map(({ what, who, run, why }) => [what, who, run ?? null, why]);
  const start = (group: (typeof GROUPS)[number]): ReturnType<typeof startRun> => {
    const pause = { fault: 'host/moody-pause', group, seed: group, ttlMs: 10_000, stages: [1, 2], holdMs: 60_000 };
    return startRun(lane.client, group, { experiment: pausing(pause), documentHash: 'abc', startedBy: 'ada@laptop' });
  };

  it('a run is begun by the worker that comes after one that died, and reverts although the database is away', async () => {
    const victims = await Victims.start(join(installation.folder, 'victims'), 'aborted', 3);
    try {
      await lane.kill('control');
      const handle = await start('aborted');
      await lane.start('control');
      await until(() => victims.stopped().length > 0);
      await server.stop();
      const aborted = await squall(['abort', 'aborted', '--no-wait', '--reason', 'enough'], env);
      assert.equal(aborted.code, 0, aborted.err);
      // Nothing else wrote it down, and it is over all the same.
      await until(() => victims.stopped().length === 0);
      await server.start();
      const result = (await handle.result()) as RunResult;
      assert.equal(result.status, 'aborted');
      await assertCleanSlate(lane, 'aborted', victims);
      const types = (await store.read('aborted'))?.events.map(({ type }) => type) ?? [];
      for (const type of ['started', 'stage-held', 'abort', 'reverted', 'closed'] as const)
        assert.equal(types.filter((one) => one === type).length, 1, type);
      const all = await audited();
      assert.equal(all.filter(([what]) => what === 'policy').length, 1, 'two workers came with the same policy');
      const entries = all.filter(([what]) => what !== 'policy');
      assert.deepEqual(
        entries.map(([what]) => what),
        ['start', 'abort'],
      );
      assert.deepEqual(entries[0]?.slice(1, 3), ['ada@laptop (not authenticated)', 'aborted']);
      assert.equal(entries[1]?.at(-1), 'enough');
    } finally {
      await victims.end();
    }
  });

  it('a stop is latched and refuses although it cannot be audited, and is audited once it can be', async () => {
    const before = (await audited()).length;
    await server.stop();
    const stopped = await squall(['stop', '--no-wait', '--reason', 'checkout is down'], env);
    assert.equal(stopped.code, 0, stopped.err);
    const { status } = await lane.client.workflow.getHandle(stopId()).describe();
    assert.equal(status.name, 'RUNNING');
    await server.start();
    await until(async () => (await audited()).length > before);
    const resumed = await squall(['--json', 'resume', '--reason', 'it is up'], env);
    assert.equal(resumed.code, 0, resumed.err);
    assert.equal(eventsOf(resumed.out)[0]?.['audited'], true);
    assert.deepEqual(
      (await audited()).slice(before).map(([what, , run, why]) => [what, run, why]),
      [
        ['stop', null, 'everything: checkout is down'],
        ['resume', null, 'everything: it is up'],
      ],
    );
  });

  it('a release waits for no audit, and says that there is none', async () => {
    await server.stop();
    try {
      assert.equal((await squall(['stop', '--no-wait', '--reason', 'again'], env)).code, 0);
      const resumed = await squall(['resume', '--reason', 'it is up'], env);
      assert.equal(resumed.code, 0, resumed.err);
      assert.match(resumed.out, /the audit cannot be written; Temporal’s history has who resumed/);
    } finally {
      await server.start();
    }
  });

  it('the chain holds after all of it', async () => {
    const verified = await squall(['audit', '--verify'], env);
    assert.equal(verified.code, 0, verified.out);
    assert.match(verified.out, /^intact: [4-9] entries/);
  });

  it('without a database that can be reached no run begins, and it says why', async () => {
    await server.stop();
    const result = (await (await start('refused')).result()) as RunResult;
    assert.equal(result.status, 'refused');
    assert.match(result.reason, /^journal: the journal cannot be written: .*PostgreSQL/);
    await server.start();
  });
});
