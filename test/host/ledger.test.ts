/** What is written down can be read again, or is not written down. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { ledgerFile } from '../../activities/faults/ledger-file.ts';
import { Ledger } from '../../activities/faults/ledger.ts';
import type { Claiming } from '../../activities/faults/ledger.ts';

test('a claim that nobody could read again is refused, and takes no slot', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'squall-ledger-'));
  const ledger = new Ledger(folder);
  const claiming = (
    id: string,
    change: { params?: unknown; undo?: unknown; ttlMs?: number } = {},
  ): Claiming<unknown> => {
    const { params = {}, undo = {}, ttlMs = 60_000 } = change;
    const fault = { id, installation: 'test', run: 'run', target: id, params, ttlMs, notAfterMs: ttlMs };
    return { fault, resource: id, undo };
  };
  const long = 'x'.repeat(65_536);
  for (const [change, words] of [
    [{ params: { long } }, /^b cannot be written down: params: Too big/],
    [{ undo: { long } }, /^b cannot be written down: undo: Too big/],
    [{ ttlMs: Infinity }, /^b cannot be written down: /],
  ] as const) {
    assert.throws(
      () => ledger.claim('test/test', [claiming('a'), claiming('b', change)]),
      ({ message }: Error) => words.test(message),
    );
    assert.deepEqual([...ledger.leftovers('test', 'test/test')], []);
  }
  assert.deepEqual(ledger.claim('test/test', [claiming('a'), claiming('b')]), ['claimed', 'claimed']);
  ledger.close();
  await rm(folder, { recursive: true });
});

test('the ledger of an earlier version of the same boot is read, and its faults are found', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'squall-ledger-'));
  const times = { ttlMs: 60_000, notAfterMs: 60_000 };
  const fault = { id: 'a', installation: 'test', run: 'run', target: 'a', params: {}, ...times };
  const before = new Ledger(folder);
  before.claim('test/test', [{ fault, resource: 'a', undo: {} }]);
  before.close();
  const db = new DatabaseSync(ledgerFile(folder));
  db.exec('ALTER TABLE faults DROP COLUMN refused');
  db.close();
  const after = new Ledger(folder);
  assert.deepEqual(
    [...after.leftovers('test', 'test/test')].map(({ row }) => [row.id, row.refused]),
    [['a', false]],
  );
  after.close();
  await rm(folder, { recursive: true });
});

test('a row that nobody can read is said, after all the others were found', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'squall-ledger-'));
  const ledger = new Ledger(folder);
  const times = { ttlMs: 60_000, notAfterMs: 60_000 };
  const claims = ['a', 'b', 'c'].map((id) => ({
    fault: { id, installation: 'test', run: 'run', target: id, params: {}, ...times },
    resource: id,
    undo: {},
  }));
  ledger.claim('test/test', claims);
  const db = new DatabaseSync(ledgerFile(folder));
  db.exec("UPDATE faults SET claimed = 7 WHERE id = 'b'");
  db.close();
  const found: string[] = [];
  assert.throws(() => {
    for (const { row } of ledger.leftovers('test', 'test/test')) found.push(row.id);
  }, /^Error: b cannot be read from .*: claimed: /);
  assert.deepEqual(found, ['a', 'c']);
  ledger.close();
  await rm(folder, { recursive: true });
});
