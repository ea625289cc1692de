/** The demo shop takes some stopped replicas in its stride, feels many, recovers, and leaves no process behind. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { openShop } from '../../demo/shop/shop.ts';
import { until } from '../until.ts';

const ROOT = join(import.meta.dirname, '..', '..');

async function errors(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return [...text.matchAll(/^shop_requests_total\{.*outcome="error"\} (\d+)$/gm)].reduce(
    (sum, [, count]) => sum + Number(count),
    0,
  );
}

async function ejected(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/^shop_payments_ejected (\d+)$/m.exec(text)?.[1]);
}

test('the gateway routes around three silent replicas, cannot hide ten, and takes them back', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'squall-shop-'));
  const shop = await openShop(folder);
  try {
    const files = (await readdir(folder)).filter((name) => name.startsWith('payments-'));
    const pids = await Promise.all(files.map(async (name) => Number(await readFile(join(folder, name), 'utf8'))));
    assert.equal(pids.length, 10);
    for (const pid of pids.slice(0, 3)) process.kill(pid, 'SIGSTOP');
    await until(async () => (await ejected(shop.url)) === 3, 'three are ejected');
    assert.equal(await errors(shop.url), 0);
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    await until(async () => (await errors(shop.url)) > 10, 'customers see errors');
    for (const pid of pids) process.kill(pid, 'SIGCONT');
    await until(async () => (await ejected(shop.url)) === 0, 'all are back in service');
  } finally {
    await shop.close();
    await rm(folder, { recursive: true });
  }
});

const SMAPS = '/proc/self/smaps_rollup';
test(
  'the whole shop takes less than 1 GB of memory',
  { skip: existsSync(SMAPS) ? false : `this system has no ${SMAPS}: run it on Linux` },
  async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'squall-shop-'));
    const shop = await openShop(folder);
    try {
      const pids = shop.pids();
      assert.ok(pids.length >= 13, 'a gateway, twelve replicas');
      // What processes share, such as Node itself, is counted once.
      const kilobytes = await Promise.all(
        pids.map(async (pid) => {
          const [, pss] = /^Pss:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/smaps_rollup`, 'utf8')) ?? [];
          return Number(pss);
        }),
      );
      const megabytes = kilobytes.reduce((sum, each) => sum + each, 0) / 1_000;
      t.diagnostic(`${megabytes.toFixed(0)} MB`);
      assert.ok(megabytes > 50 && megabytes < 1_000, `${megabytes.toFixed(0)} MB`);
    } finally {
      await shop.close();
      await rm(folder, { recursive: true });
    }
  },
);

test('a replica that is killed is started again under the same name', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'squall-shop-'));
  const shop = await openShop(folder);
  try {
    const pidOf = async (): Promise<number> => Number(await readFile(join(folder, 'payments-1.pid'), 'utf8'));
    const before = await pidOf();
    process.kill(before, 'SIGKILL');
    await until(async () => (await pidOf()) !== before, 'another process has its name');
  } finally {
    await shop.close();
    await rm(folder, { recursive: true });
  }
});

test('when the supervisor is killed, every process of the shop ends', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'squall-shop-'));
  const code = `import { openShop } from './demo/shop/shop.ts'; const shop = await openShop(${JSON.stringify(folder)}); console.log(JSON.stringify(shop.pids()));`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    const pids = JSON.parse(line) as number[];
    assert.equal(pids.length, 13);
    child.kill('SIGKILL');
    await until(() => pids.every((pid) => !isAlive(pid)), 'none is left');
  } finally {
    child.kill('SIGKILL');
    await rm(folder, { recursive: true });
  }
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
