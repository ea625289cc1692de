/** What holds for the repository as a whole. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { glob } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { z } from 'zod';

const ROOT = join(import.meta.dirname, '..', '..');
const PERMISSIVE =
  /^\(?(?:MIT|ISC|Apache-2\.0|BSD-[23]-Clause|0BSD|BlueOak-1\.0\.0|CC0-1\.0|Python-2\.0|PSF-2\.0|Unlicense)\b/;

/** Come with the Temporal worker's bundler: data under CC-BY, and the Unlicense in a field that the lock file lacks. */
const KNOWN: ReadonlySet<string> = new Set(['node_modules/caniuse-lite', 'node_modules/unionfs']);

const lockSchema = z.object({
  packages: z.record(
    z.string(),
    z.object({
      version: z.string().optional(),
      license: z.string().optional(),
      dev: z.boolean().optional(),
      integrity: z.string().optional(),
    }),
  ),
});

async function lock(): Promise<z.infer<typeof lockSchema>['packages']> {
  return lockSchema.parse(JSON.parse(await readFile(join(ROOT, 'package-lock.json'), 'utf8'))).packages;
}

async function ownFiles(): Promise<string[]> {
  const files = await Array.fromAsync(
    glob('**/*.{ts,mjs,md,yaml,yml,json,html}', { cwd: ROOT, exclude: ['node_modules/**', '.cache/**', '.git/**'] }),
  );
  return files.filter((file) => file !== 'package-lock.json' && !file.startsWith('.cache'));
}

test('every dependency that is shipped has a permissive licence', async () => {
  const shipped = Object.entries(await lock()).filter(([path, { dev }]) => path !== '' && dev !== true);
  const others = shipped
    .filter(([path, { license }]) => !KNOWN.has(path) && !PERMISSIVE.test(license ?? 'none'))
    .map(([path, { license }]) => `${path}: ${license ?? 'none'}`);
  assert.deepEqual(others, []);
});

test('all of Temporal is at one exact version', async () => {
  const { dependencies } = z
    .object({ dependencies: z.record(z.string(), z.string()) })
    .parse(JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')));
  const asked = Object.entries(dependencies).filter(([name]) => name.startsWith('@temporalio/'));
  const installed = Object.entries(await lock()).filter(([path]) => /^node_modules\/@temporalio\/[^/]+$/.test(path));
  assert.equal(
    new Set([...asked.map(([, version]) => version), ...installed.map(([, { version }]) => version)]).size,
    1,
  );
});

test('everything installed is pinned by hash', async () => {
  const loose = Object.entries(await lock()).filter(([path, { integrity }]) => path !== '' && integrity === undefined);
  assert.deepEqual(
    loose.map(([path]) => path),
    [],
  );
});

test('no file names a place on the machine it was written on, or leaves work marked as undone', async () => {
  // A clone in the folder for what is temporary is no place that tells anything.
  const here = [`${dirname(ROOT)}/`, `${homedir()}/`].filter((path) => path.length > 3 && path !== `${tmpdir()}/`);
  const marks = new RegExp(['TO' + 'DO', 'FIX' + 'ME', 'X{3}', 'HA' + 'CK'].map((mark) => `\\b${mark}\\b`).join('|'));
  for (const file of await ownFiles()) {
    const text = await readFile(join(ROOT, file), 'utf8');
    for (const path of here) assert.ok(!text.includes(path), `${file} contains ${path}`);
    assert.ok(!marks.test(text), `${file} leaves work marked as undone`);
  }
});
