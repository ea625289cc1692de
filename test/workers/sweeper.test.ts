/** What is wrong with a configuration or a plugin keeps no fault on. */
import assert from 'node:assert/strict';
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { driver } from '../../activities/faults/noop/noop.ts';
import { squall } from '../cli/squall.ts';

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

test('a plugin that never loads is reported, and the built-in faults are swept', async () => {
  const site = { name: 'local', installation: 'squall', stateDir: join(folder, 'state'), settings: {} };
  const attempt = { signal: AbortSignal.timeout(60_000), remainingMs: () => 60_000 };
  const times = { ttlMs: 1, notAfterMs: 1 };
  const fault = { id: 'run/stage-1/n1', installation: 'squall', run: 'run', target: 'n1', params: {}, ...times };
  const [outcome] = await driver(site).inject([fault], attempt);
  assert.equal(outcome?.result, 'injected');
  const config = await configured(['await new Promise(() => {});']);
  const { code, out } = await squall(['--json', 'sweep', ...config]);
  assert.equal(code, 4, out);
  const { reverted, failed } = JSON.parse(out) as { reverted: string[]; failed: string[] };
  assert.deepEqual(reverted, [fault.id]);
  assert.match(failed.join(), /^plugin \S+plugin-0\.mjs has not answered within 5000 ms$/);
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
