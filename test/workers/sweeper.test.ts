/** Every worker sweeps, and what is wrong with a configuration, a plugin or Temporal keeps no fault on. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import type { FaultDriver } from '../../activities/faults/driver.ts';
import { processTable } from '../../activities/faults/host/process-table.ts';
import { resourceOf, targetId } from '../../activities/faults/host/target.ts';
import { Ledger } from '../../activities/faults/ledger.ts';
import { driver } from '../../activities/faults/noop/noop.ts';
import type { Fault } from '../../domain/fault.ts';
import { freePort } from '../../workers/temporal-server.ts';
import { eventsOf, squall, start } from '../cli/squall.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'squall-sweeper-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A configuration with `plugins`, each given as its source, and whatever else. */
async function configured(plugins: readonly string[], more = ''): Promise<string[]> {
  for (const [i, source] of plugins.entries()) await writeFile(join(folder, `plugin-${i}.mjs`), source);
  const file = join(folder, 'squall.yaml');
  const list = plugins.map((_, i) => `./plugin-${i}.mjs`).join(', ');
  await writeFile(file, `state: state\nplugins: [${list}]\n${more}`);
  return ['--config', file];
}

/** A plugin whose driver takes its time over the sweep, and says when it is through. */
const slow = (): string => `
import { writeFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
export const drivers = [() => ({
  kind: 'slow/slow',
  async *leftovers() {
    await setTimeout(5_000);
    await writeFile(${JSON.stringify(join(folder, 'through'))}, '');
  },
})];
`;
const isThrough = (): Promise<void> => access(join(folder, 'through'));

/** A fault whose time is over as soon as it is on. */
const short = (id: string, target: string): Fault<Record<string, never>> => ({
  id: `run/stage-1/${id}`,
  installation: 'squall',
  run: 'run',
  target,
  params: {},
  ttlMs: 1,
  notAfterMs: 1,
});
const noop = (): FaultDriver<unknown> =>
  driver({ name: 'local', installation: 'squall', stateDir: join(folder, 'state'), settings: {} });

/** A fault that nobody holds any more, past its time. */
async function leftOver(): Promise<Fault<unknown>> {
  const attempt = { signal: new AbortController().signal, remainingMs: () => 60_000 };
  const fault = short('n1', 'n1');
  const [outcome] = await noop().inject([fault], attempt);
  assert.equal(outcome?.result, 'injected');
  return fault;
}

test('a plugin that never loads is reported, and the built-in faults are swept', async () => {
  const { id } = await leftOver();
  const config = await configured(['await new Promise(() => {});']);
  const { code, out } = await squall(['--json', 'sweep', ...config]);
  assert.equal(code, 4, out);
  const { reverted, failed } = JSON.parse(out) as { reverted: string[]; failed: string[] };
  assert.deepEqual(reverted, [id]);
  assert.match(failed.join(), /^plugin \S+plugin-0\.mjs has not answered within 5000 ms$/);
});

test('a worker that serves no site sweeps too, although there is no Temporal', async () => {
  await leftOver();
  const left = (): Promise<unknown[]> => Array.fromAsync(noop().leftovers());
  assert.equal((await left()).length, 1);
  const nowhere = { TEMPORAL_ADDRESS: `127.0.0.1:${await freePort()}` };
  const worker = start(['worker', '--control', ...(await configured([]))], nowhere);
  try {
    const end = performance.now() + 60_000;
    while ((await left()).length > 0) {
      assert.ok(performance.now() < end, `not swept within a minute: ${worker.out()}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  } finally {
    worker.child.kill('SIGKILL');
    await worker.ended;
  }
});

test('a worker whose configuration is wrong ends after a whole sweep', async () => {
  const config = await configured([slow()], 'sweepEvery: often\n');
  const { code, err } = await squall(['worker', '--site', 'local', ...config]);
  assert.equal(code, 2, err);
  assert.match(err, /sweepEvery/);
  await isThrough();
});

test('a worker whose site cannot be opened ends after a whole sweep', async () => {
  const config = await configured([slow(), 'throw new Error("no luck");']);
  const { code, err } = await squall(['worker', '--site', 'local', ...config]);
  assert.equal(code, 2, err);
  assert.match(err, /plugin-1\.mjs cannot be loaded: no luck/);
  await isThrough();
});

test('a worker that has opened its site and then cannot serve ends after a whole sweep', async () => {
  const config = await configured([slow()], 'emergencyStop: { probe: nowhere }\n');
  const { code, err } = await squall(['worker', '--control', '--site', 'local', ...config]);
  assert.equal(code, 2, err);
  assert.match(err, /emergencyStop\.probe: found nowhere/);
  await isThrough();
});

test('squall dev whose configuration is wrong, and one whose port is taken, ends after a whole sweep', async () => {
  const wrong = await configured([slow()], 'sweepEvery: often\n');
  const { code, err } = await squall(['dev', ...wrong], { TEMPORAL_ADDRESS: '' });
  assert.equal(code, 2, err);
  await isThrough();
  await rm(join(folder, 'through'));
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const { port } = taken.address() as AddressInfo;
  try {
    const ended = await squall(['dev', '--port', `${port}`, ...(await configured([slow()]))], { TEMPORAL_ADDRESS: '' });
    assert.notEqual(ended.code, 0, ended.out);
    await isThrough();
  } finally {
    taken.close();
  }
});

/** A `host:` section with a mistake in one of its groups. */
const HOST = (typo: string): string =>
  `{ host: { groups: { lab: { pidFiles: '${join(folder, '*.pid')}' }, other: { ${typo}: x } } } }`;

/** What a sweep said, and the message after it. */
async function swept(config: readonly string[], ...args: readonly string[]): Promise<Record<string, unknown>> {
  const { code, out, err } = await squall(['--json', 'sweep', ...config, ...args]);
  assert.equal(err, '');
  const [sweep, error, ...more] = eventsOf(out);
  assert.deepEqual([sweep?.event, error?.event, more], ['swept', 'error', []], out);
  return {
    code,
    site: sweep?.['site'],
    reverted: sweep?.['reverted'],
    failed: sweep?.['failed'],
    says: error?.['message'],
  };
}

test('a sweep ends what is over whatever is wrong in the sites, and then says what is', async () => {
  const wrong = [
    ['sites: here\n', /sites: found "here", expected a mapping/],
    ['sites: { local: }\n', /sites\.local: found null, expected a mapping/],
    [`sites: { local: ${HOST('pidFile')} }\n`, /other\.pidFile: .*Did you mean pidFiles\?/],
    ['sites: { local: { hots: {} } }\n', /local\.hots: .*Did you mean host\?/],
    ['probes: { p: none }\n', /probes\.p: found "none"/],
  ] as const;
  for (const [more, says] of wrong) {
    const fault = await leftOver();
    const end = await swept(await configured([], more));
    assert.deepEqual([end['code'], end['site'], end['reverted'], end['failed']], [2, 'local', [fault.id], []], more);
    assert.match(String(end['says']), says);
    await rm(join(folder, 'state'), { recursive: true });
  }
});

test('a site that is named is swept where what is wrong may be its name', async () => {
  const fault = await leftOver();
  const end = await swept(await configured([], 'sites: { Shop: {} }\n'), '--site', 'shop');
  assert.deepEqual([end['code'], end['site'], end['reverted']], [2, 'shop', [fault.id]]);
});

test('a plugin is loaded for a sweep although the list of plugins is wrong', async () => {
  const config = await configured([slow()]);
  await writeFile(join(folder, 'squall.yaml'), 'state: state\nplugins: [./plugin-0.mjs, 5]\n');
  assert.equal((await swept(config))['code'], 2);
  await isThrough();
});

test('host faults are ended and verified although their section is wrong', async () => {
  const children = [0, 1].map(() => spawn('sleep', ['3600'], { stdio: 'ignore' }));
  try {
    const [paused, killed] = await Promise.all(
      children.map(async (child, i) => {
        await once(child, 'spawn');
        const { pid = 0 } = child;
        const start = (await processTable().get(pid))?.start ?? '';
        return { pid, target: targetId({ group: i === 0 ? 'other' : 'lab', member: 'one', pid, start }) };
      }),
    );
    assert.ok(paused && killed);
    const ledger = new Ledger(join(folder, 'state'));
    const claim = (kind: string, fault: Fault<unknown>, undo: unknown): unknown =>
      ledger.claim(kind, [{ fault, resource: resourceOf(fault.target), undo }]);
    // As a worker and a holder leave them that died at once.
    const faults = [short('paused', paused.target), short('killed', killed.target)] as const;
    assert.deepEqual(claim('host/pause', faults[0], { signal: 'SIGCONT' }), ['claimed']);
    assert.deepEqual(claim('host/kill', faults[1], { groupSize: 1 }), ['claimed']);
    ledger.close();
    process.kill(paused.pid, 'SIGSTOP');
    const over = once(children[1] ?? assert.fail(), 'exit');
    process.kill(killed.pid, 'SIGKILL');
    await over;
    // Its supervisor has started another in its place.
    await writeFile(join(folder, 'one.pid'), `${paused.pid}`);
    const end = await swept(await configured([], `sites: { local: ${HOST('pidFile')} }\n`));
    assert.deepEqual([end['code'], end['failed']], [2, []]);
    assert.deepEqual((end['reverted'] as string[]).toSorted(), faults.map(({ id }) => id).toSorted());
    assert.equal((await processTable().get(paused.pid))?.state, 'running');
  } finally {
    for (const child of children) child.kill('SIGKILL');
  }
});

test('a fault that cannot be verified without its group is what a sweep ends with, and the mistake is said too', async () => {
  const ledger = new Ledger(join(folder, 'state'));
  const fault = short('killed', targetId({ group: 'other', member: 'one', pid: 4_000_000, start: '1' }));
  ledger.claim('host/kill', [{ fault, resource: resourceOf(fault.target), undo: { groupSize: 1 } }]);
  ledger.close();
  const end = await swept(await configured([], `sites: { local: ${HOST('pidFile')} }\n`));
  assert.deepEqual([end['code'], end['failed']], [4, [`${fault.id}: unknown`]]);
  assert.match(String(end['says']), /Did you mean pidFiles\?/);
});

test('a worker whose host section is wrong ends after a whole sweep, and says where', async () => {
  const fault = await leftOver();
  const config = await configured([], `sites: { local: ${HOST('pidFile')} }\n`);
  const { code, err } = await squall(['worker', '--site', 'local', ...config]);
  assert.equal(code, 2, err);
  assert.match(err, new RegExp(`^sweep: ended 1 faults whose time was over: ${fault.id}\nsquall: .*squall\\.yaml:3:`));
  assert.doesNotMatch(err, /not confirmed|^ +at /m);
});
