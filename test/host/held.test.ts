/** What holds a host's fault, and what ends it when the holder is stopped, killed, told, blind or refused. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { Attempt, FaultDriver } from '../../activities/faults/driver.ts';
import { driver as pause } from '../../activities/faults/host/pause.ts';
import { processTable, psTable } from '../../activities/faults/host/process-table.ts';
import { targetId } from '../../activities/faults/host/target.ts';
import { ledgerFile } from '../../activities/faults/ledger-file.ts';
import { Ledger } from '../../activities/faults/ledger.ts';
import type { Fault } from '../../domain/fault.ts';
import { until } from '../until.ts';

const attempt: Attempt = { signal: new AbortController().signal, remainingMs: () => 60_000 };
const FOR_EVER_MS = 3_600_000;
/** The user that nobody is, on Linux and macOS. */
const NOBODY = 65_534;

describe('a held fault', () => {
  let folder: string;
  let driver: FaultDriver<unknown>;
  const pids: number[] = [];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'squall-held-'));
    driver = open(folder);
  });
  afterEach(async () => {
    for (const pid of pids.splice(0)) process.kill(pid, 'SIGKILL');
    await until(() => holderOf(folder) === undefined);
    await rm(folder, { recursive: true, force: true });
  });

  const open = (stateDir: string): FaultDriver<unknown> =>
    pause({ name: 'test', installation: 'test', stateDir, settings: {} });

  async function fault(
    id: string,
    change: Partial<Fault<unknown>> = {},
    uid?: number,
  ): Promise<Fault<unknown> & { pid: number }> {
    const child = spawn('sleep', ['3600'], { stdio: 'ignore', ...(uid === undefined ? {} : { uid }) });
    await once(child, 'spawn');
    const { pid = 0 } = child;
    pids.push(pid);
    const info = await processTable().get(pid);
    const target = targetId({ group: 'held', member: id, pid, start: info?.start ?? '' });
    const common = { installation: 'test', run: 'run', params: {}, ttlMs: FOR_EVER_MS, notAfterMs: FOR_EVER_MS };
    return { id: `run/stage-1/${id}`, target, pid, ...common, ...change };
  }

  const stopped = async (pid: number): Promise<boolean> => (await processTable().get(pid))?.state === 'stopped';
  async function on(one: Fault<unknown> & { pid: number }): Promise<void> {
    const [outcome] = await driver.inject([one], attempt);
    assert.equal(outcome?.result, 'injected', outcome?.detail);
    assert.ok(await stopped(one.pid));
  }

  /** The holder's pid, as the ledger says and the process table confirms. */
  function holderOf(stateDir: string): number | undefined {
    const ledger = new DatabaseSync(ledgerFile(stateDir), { readOnly: true, open: true });
    try {
      const pid = ledger.prepare('SELECT holder_pid AS pid FROM faults WHERE holder_pid IS NOT NULL').get()?.['pid'];
      process.kill(Number(pid), 0);
      return Number(pid);
    } catch {
      return undefined;
    } finally {
      ledger.close();
    }
  }
  const holder = (): number => holderOf(folder) ?? assert.fail('there is no holder');

  it('has lapsed when its holder stands still, and is reverted all the same', async () => {
    const one = await fault('a');
    await on(one);
    const pid = holder();
    process.kill(pid, 'SIGSTOP');
    await until(() => stopped(pid));
    const [renewal] = (await driver.renew?.([one], attempt)) ?? [];
    assert.deepEqual([renewal?.result, renewal?.detail], ['lapsed', 'its holder stands still']);
    const [outcome] = await driver.revert([one], attempt);
    assert.equal(outcome?.result, 'reverted');
    assert.equal(await stopped(one.pid), false);
    assert.equal(holderOf(folder), undefined, 'the holder was ended first, so that it does nothing late');
  });

  it('has lapsed for whoever renews it when its holder was killed, and is still reverted', async () => {
    const one = await fault('a');
    await on(one);
    process.kill(holder(), 'SIGKILL');
    await until(() => holderOf(folder) === undefined);
    const [renewal] = (await driver.renew?.([one], attempt)) ?? [];
    assert.equal(renewal?.result, 'lapsed');
    assert.ok(await stopped(one.pid));
    await driver.revert([one], attempt);
    assert.equal(await stopped(one.pid), false);
    assert.deepEqual(await driver.verify([one], attempt), ['absent']);
  });

  it('has lapsed when somebody has continued the process', async () => {
    const one = await fault('a');
    await on(one);
    process.kill(one.pid, 'SIGCONT');
    await until(async () => !(await stopped(one.pid)));
    const [renewal] = (await driver.renew?.([one], attempt)) ?? [];
    assert.deepEqual([renewal?.result, renewal?.detail], ['lapsed', 'somebody has continued the process']);
    await driver.revert([one], attempt);
  });

  it('ends when its holder is told to stop', async () => {
    const one = await fault('a');
    await on(one);
    process.kill(holder(), 'SIGTERM');
    await until(async () => !(await stopped(one.pid)));
    await until(() => holderOf(folder) === undefined);
  });

  it('ends when its holder can no longer read the ledger', async () => {
    const one = await fault('a');
    await on(one);
    const ledger = new DatabaseSync(ledgerFile(folder));
    ledger.exec('DROP TABLE faults');
    ledger.close();
    await until(async () => !(await stopped(one.pid)));
  });

  it('is continued although the ledger takes no writes, and is not called reverted', async () => {
    const one = await fault('a');
    await on(one);
    const busy = new DatabaseSync(ledgerFile(folder));
    busy.exec('BEGIN IMMEDIATE');
    await assert.rejects(driver.revert([one], attempt), /locked/);
    assert.equal(await stopped(one.pid), false);
    busy.exec('ROLLBACK');
    busy.close();
    await driver.revert([one], attempt);
    assert.deepEqual(await driver.verify([one], attempt), ['absent']);
  });

  const noLimits = spawnSync('prlimit', ['--version']).error && 'needs prlimit: install util-linux, or run .ci/run';
  it('is continued although the disk takes no writes, and is not called reverted', { skip: noLimits }, async () => {
    const one = await fault('a');
    await on(one);
    const restarted = open(folder);
    /** As on a full disk, no file of the process can be written to. */
    const limit = (pid: number, size: string): void => {
      const args = ['--pid', `${pid}`, `--fsize=${size}:`];
      assert.equal(spawnSync('prlimit', args).status, 0, args.join(' '));
    };
    limit(holder(), '0');
    limit(process.pid, '0');
    try {
      await assert.rejects(restarted.revert([one], attempt), /disk I\/O error/);
      assert.equal(await stopped(one.pid), false);
      assert.deepEqual(await restarted.verify([one], attempt), ['active'], 'it is not written down');
    } finally {
      limit(process.pid, 'unlimited');
    }
    await driver.revert([one], attempt);
    assert.deepEqual(await driver.verify([one], attempt), ['absent']);
  });

  it('is not called absent by whoever has another ledger and sees the process stand still', async () => {
    const one = await fault('a');
    await on(one);
    const elsewhere = await mkdtemp(join(tmpdir(), 'squall-elsewhere-'));
    const stranger = open(elsewhere);
    await stranger.revert([one], attempt);
    assert.deepEqual(await stranger.verify([one], attempt), ['unknown']);
    await driver.revert([one], attempt);
    assert.deepEqual(await stranger.verify([one], attempt), ['absent']);
    await rm(elsewhere, { recursive: true });
  });

  it('is not put on what somebody else has stopped, and does not wait for them', async () => {
    const one = await fault('a');
    process.kill(one.pid, 'SIGSTOP');
    const [outcome] = await driver.inject([one], attempt);
    assert.deepEqual([outcome?.result, outcome?.detail], ['failed', 'somebody else has stopped the process']);
    await driver.revert([one], attempt);
    assert.deepEqual(await driver.verify([one], attempt), ['absent']);
    assert.ok(await stopped(one.pid), 'what somebody else has stopped stays stopped');
  });

  it('is found by its mark although its parameters mean nothing to this version', async () => {
    const one = await fault('a');
    await on(one);
    process.kill(holder(), 'SIGKILL');
    const ledger = new DatabaseSync(ledgerFile(folder));
    ledger.exec(`UPDATE faults SET params = '{"of":"another version"}'`);
    ledger.close();
    const found = await Array.fromAsync(driver.leftovers());
    assert.deepEqual(
      found.map(({ fault: { id } }) => id),
      [one.id],
    );
  });

  /** Writes faults down for a holder to begin. */
  function claim(faults: readonly Fault<unknown>[]): void {
    const ledger = new Ledger(folder);
    const claims = faults.map((each) => ({ fault: { ...each, ttlMs: 10_000 }, resource: each.target, undo: {} }));
    ledger.claim('host/pause', claims, 'batch');
    ledger.close();
  }

  /** A holder of what was claimed. */
  function startHolder(flags: readonly string[], options: SpawnOptions): ChildProcess {
    const script = join(import.meta.dirname, '..', '..', 'activities', 'faults', 'host', 'holder.ts');
    const args = ['--disable-warning=ExperimentalWarning', ...flags, script, folder, 'batch'];
    // Detached as in life: within a session SIGCONT needs no leave.
    return spawn(process.execPath, args, { stdio: 'ignore', detached: true, ...options });
  }

  const noPs = spawnSync('ps', ['-p', '1']).error && 'needs ps: install procps, or run .ci/run';
  it('is kept with one look at its process when it begins and one when it ends', { skip: noPs }, async () => {
    // As on a system without /proc, where each look is a process that is waited for.
    const [PATH = '', looks] = [process.env['PATH'], join(folder, 'looks')];
    const ps = `#!/bin/sh\necho look >>'${looks}'\nPATH='${PATH}' exec ps "$@"\n`;
    await writeFile(join(folder, 'ps'), ps, { mode: 0o755 });
    const clock = pathToFileURL(join(import.meta.dirname, '..', '..', 'activities', 'faults', 'clock.ts')).href;
    const elsewhere = `import { worldId } from '${clock}'; worldId(); Object.defineProperty(process, 'platform', { value: 'darwin' });`;
    const faults = await Promise.all(
      ['a', 'b'].map(async (member) => {
        const one = await fault(member);
        const { start = '' } = (await psTable.get(one.pid)) ?? {};
        return { ...one, target: targetId({ group: 'held', member, pid: one.pid, start }) };
      }),
    );
    claim(faults);
    const held = startHolder([`--import=data:text/javascript,${encodeURIComponent(elsewhere)}`], {
      env: { ...process.env, PATH: `${folder}:${PATH}` },
    });
    for (const { pid } of faults) await until(() => stopped(pid));
    await once(held, 'exit');
    for (const { pid } of faults) assert.equal(await stopped(pid), false);
    const itself = 1;
    assert.equal((await readFile(looks, 'utf8')).trim().split('\n').length, itself + 2 * faults.length);
  });

  const notRoot = process.getuid?.() === 0 ? false : 'needs root, to be another user: sudo npm test -- host/held';
  it('is kept and ended although one target beside it resists the holder', { skip: notRoot }, async () => {
    const [mine, rootly, also] = [await fault('a', {}, NOBODY), await fault('b'), await fault('c', {}, NOBODY)];
    claim([mine, rootly, also]);
    for (const file of [folder, ledgerFile(folder), `${ledgerFile(folder)}-wal`, `${ledgerFile(folder)}-shm`])
      await chown(file, NOBODY, NOBODY).catch(() => undefined);
    const held = startHolder([], { uid: NOBODY });
    await until(async () => (await stopped(mine.pid)) && (await stopped(also.pid)));
    assert.equal(await stopped(rootly.pid), false);
    await once(held, 'exit');
    assert.deepEqual([await stopped(mine.pid), await stopped(also.pid)], [false, false]);
  });
});
