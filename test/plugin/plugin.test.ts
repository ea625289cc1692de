/** The example plugin: conformant, loaded by name, and used by an experiment. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { sweep } from '../../activities/sweep.ts';
import { conformance } from 'squall/conformance';
import { driver } from '../../docs/plugin-example/missing.ts';
import { provider } from '../../docs/plugin-example/size.ts';
import { WorkerProcess } from '../../bench/worker-process.ts';
import { startDevServer } from '../../workers/temporal-server.ts';
import { squall } from '../cli/squall.ts';
import { ROOT } from '../readme/blocks.ts';

const EXAMPLE = join(ROOT, 'docs', 'plugin-example');

conformance('file/missing', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'squall-files-'));
  let count = 0;
  return {
    driver: new URL('../../docs/plugin-example/missing.ts', import.meta.url),
    params: {},
    settings: { file: { pattern: join(folder, '*.html') } },
    async target() {
      const path = join(folder, `page-${++count}.html`);
      await writeFile(path, 'hello');
      return {
        id: path,
        harmed: async () => !existsSync(path),
        remove: async () => {
          await rm(path, { force: true });
          await rm(`${path}.missing-lab`, { force: true });
        },
      };
    },
    close: () => rm(folder, { recursive: true }),
  };
});

test('a file that was aside when its host was restarted is found by its mark, and moved back', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'squall-files-'));
  const page = join(folder, 'page.html');
  await writeFile(page, 'hello');
  const site = (boot: string) => ({
    name: 'local',
    installation: 'lab',
    stateDir: join(folder, boot),
    settings: { file: { pattern: join(folder, '*.html') } },
  });
  const attempt = { signal: AbortSignal.timeout(60_000), remainingMs: () => 60_000 };
  const times = { ttlMs: 60_000, notAfterMs: 60_000 };
  const fault = { id: `run/stage-1/${page}`, installation: 'lab', run: 'run', target: page, params: {}, ...times };
  await driver(site('before')).inject([fault], attempt);
  assert.equal(existsSync(page), false);
  assert.deepEqual((await sweep([driver(site('before'))], attempt)).reverted, [], 'it has its time');
  assert.equal((await sweep([driver(site('after'))], attempt)).reverted.length, 1);
  assert.equal(existsSync(page), true);
  await rm(folder, { recursive: true });
});

test('its probe reads a real file, and has no data where there is none', async () => {
  const common = { dimension: 'bytes', scale: 1, timeoutMs: 1_000 } as const;
  const here = provider.open({ path: import.meta.filename }, common);
  const reading = await here.read(AbortSignal.timeout(1_000));
  assert.ok(reading.ok && reading.value > 0);
  const nowhere = provider.open({ path: join(import.meta.dirname, 'nowhere') }, common);
  assert.equal((await nowhere.read(AbortSignal.timeout(1_000))).ok, false);
});

test('squall knows it by its name', async () => {
  const config = ['--config', join(EXAMPLE, 'squall.yaml')];
  assert.match((await squall(['faults', 'file/missing', ...config])).out, /undo +the file is moved back/);
  const { out } = await squall(['validate', join(EXAMPLE, 'experiment.yaml'), ...config]);
  assert.match(out, /valid.*cart-template-missing/);
});

test('its experiment is run, with its fault, its targets and its probe', async () => {
  await using undo = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'squall-plugin-'));
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  for (const name of ['cart.html', 'help.html']) await writeFile(join(folder, name), 'hello');
  const here = async (name: string, ...changes: readonly [from: string, to: string][]): Promise<string> => {
    const text = await readFile(join(EXAMPLE, name), 'utf8');
    await writeFile(
      join(folder, name),
      changes.reduce((changed, [from, to]) => changed.replaceAll(from, to), text),
    );
    return join(folder, name);
  };
  const config = await here('squall.yaml', ['./index.ts', join(EXAMPLE, 'index.ts')], ['/srv/shop/templates', folder]);
  await appendFile(config, 'journal: journal\nstate: state\n');
  const experiment = await here('experiment.yaml', ['hold: 1m }', 'hold: 10s }\nsampleEvery: 200ms']);

  const log = { logFile: join(folder, 'log') };
  const server = await startDevServer({ namespace: 'default', headless: true, ...log });
  undo.defer(() => server.stop());
  const serve = ['--control', '--site', 'local'];
  const worker = await WorkerProcess.start({ serve, config, temporalAddress: server.address, ...log });
  undo.defer(() => worker.end());

  const page = join(folder, 'help.html');
  let missing = false;
  const observer = setInterval(() => (missing ||= !existsSync(page)), 20);
  undo.defer(() => clearInterval(observer));
  const { code, out, err } = await squall(['run', experiment, '--config', config], {
    TEMPORAL_ADDRESS: server.address,
  });
  assert.equal(code, 0, out + err);
  assert.match(out, /^completed, held/m);
  assert.ok(missing, 'its file was not there while the fault was on');
  assert.ok(existsSync(page), 'and is back');
});
