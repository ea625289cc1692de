/** The example plugin: conformant, loaded by name, and used by an experiment. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { sweep } from '../../activities/sweep.ts';
import { conformance } from 'squall/conformance';
import { driver } from '../../docs/plugin-example/missing.ts';
import { provider } from '../../docs/plugin-example/size.ts';
import { ROOT } from '../readme/blocks.ts';

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
  const example = join(ROOT, 'docs', 'plugin-example');
  const squall = (...args: string[]) =>
    promisify(execFile)(join(ROOT, 'bin', 'squall'), [...args, '--config', join(example, 'squall.yaml')]);
  assert.match((await squall('faults', 'file/missing')).stdout, /undo +the file is moved back/);
  assert.match((await squall('validate', join(example, 'experiment.yaml'))).stdout, /valid.*cart-template-missing/);
});
