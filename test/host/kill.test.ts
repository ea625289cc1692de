/** A process is killed while its fault may be put on, or not at all; and whatever died is verified healed. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { Attempt, FaultDriver } from '../../activities/faults/driver.ts';
import { driver as kill } from '../../activities/faults/host/kill.ts';
import { find, processTable } from '../../activities/faults/host/process-table.ts';
import { parseTarget, targetId } from '../../activities/faults/host/target.ts';
import { Ledger } from '../../activities/faults/ledger.ts';
import type { Fault } from '../../domain/fault.ts';

const attempt: Attempt = { signal: new AbortController().signal, remainingMs: () => 60_000 };
type Params = { readonly signal: 'SIGKILL' | 'SIGTERM' };

describe('a process that is killed', () => {
  let folder: string;
  let ledger: Ledger;
  let driver: FaultDriver<Params>;
  const pids: number[] = [];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'squall-kill-'));
    ledger = new Ledger(folder);
    driver = open({ lab: { pidFiles: join(folder, '*.pid') } });
  });
  afterEach(async () => {
    for (const pid of pids.splice(0)) if ((await processTable().get(pid)) !== undefined) process.kill(pid, 'SIGKILL');
    ledger.close();
    await rm(folder, { recursive: true, force: true });
  });

  const open = (groups: unknown): FaultDriver<Params> =>
    kill({ name: 'test', installation: 'test', stateDir: folder, settings: { host: { groups } } });

  /** A process in the role `one`, with its pid file. */
  async function start(): Promise<string> {
    const child = spawn('sleep', ['3600'], { stdio: 'ignore' });
    await once(child, 'spawn');
    const { pid = 0 } = child;
    pids.push(pid);
    await writeFile(join(folder, 'one.pid'), `${pid}`);
    return targetId({ group: 'lab', member: 'one', pid, start: (await processTable().get(pid))?.start ?? '' });
  }
  async function fault(signal: Params['signal'] = 'SIGKILL', ms = 60_000): Promise<Fault<Params>> {
    const times = { ttlMs: ms, notAfterMs: ms };
    return {
      id: 'run/stage-1/one',
      installation: 'test',
      run: 'run',
      target: await start(),
      params: { signal },
      ...times,
    };
  }
  const claim = (one: Fault<Params>): void =>
    void ledger.claim('host/kill', [{ fault: one, resource: one.target, undo: { groupSize: 1 } }]);
  const isAlive = async (one: Fault<Params>): Promise<boolean> =>
    (await find(processTable(), parseTarget(one.target))) !== undefined;
  async function killed(one: Fault<Params>): Promise<void> {
    process.kill(parseTarget(one.target).pid, 'SIGKILL');
    while (await isAlive(one)) await new Promise(setImmediate);
  }
  const verified = async (one: Fault<Params>): Promise<string | undefined> => (await driver.verify([one], attempt))[0];

  it('is left alone by an attempt that stalls after its claim until the fault is reverted', async () => {
    const one = await fault();
    // Without a group to count, nothing but the reading of the process is waited for.
    const injecting = open({}).inject([one], attempt);
    while (ledger.rows([one])[0] === undefined) await Promise.resolve();
    await driver.revert([one], attempt);
    assert.equal(await verified(one), 'absent');
    assert.equal((await injecting)[0]?.result, 'fenced');
    // A signal that was sent would show by now.
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.equal(await isAlive(one), true);
  });

  it('is verified healed although the attempt that killed it died before it took note', async () => {
    const one = await fault();
    claim(one);
    await killed(one);
    await driver.revert([one], attempt);
    assert.equal(await verified(one), 'active');
    await start();
    assert.equal(await verified(one), 'absent');
  });

  it('and was claimed only may still be killed until it is fenced; then it was not', async () => {
    const one = await fault();
    claim(one);
    assert.equal(await verified(one), 'active');
    await driver.revert([one], attempt);
    assert.equal(await verified(one), 'absent');
  });

  it('by SIGTERM may be ending in its own way for as long as the fault has time', async () => {
    const one = await fault('SIGTERM', 3_000);
    claim(one);
    await driver.revert([one], attempt);
    assert.equal(await verified(one), 'unknown');
    while ((await verified(one)) === 'unknown') await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(await verified(one), 'absent');
  });

  it('and refuses the signal is no reason to lose the others', async (t) => {
    const one = await fault();
    const refused = t.mock.method(process, 'kill', () => {
      throw Object.assign(new Error('kill EPERM'), { code: 'EPERM' });
    });
    const [outcome] = await driver.inject([one], attempt);
    refused.mock.restore();
    assert.deepEqual([outcome?.result, outcome?.detail], ['failed', 'kill EPERM']);
    await driver.revert([one], attempt);
    assert.equal(await verified(one), 'absent');
  });
});
