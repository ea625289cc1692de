/**
 * The workflow bundle.
 *
 * Owns the code that workflows run from: bundled once for each content of `workflows/`, `domain/`, this file and the lock file,
 * and kept in a cache, since bundling takes seconds and a worker's restart must not.
 */
import { createHash } from 'node:crypto';
import { glob, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleWorkflowCode } from '@temporalio/worker';

const ROOT = join(import.meta.dirname, '..');

/** Returns the path of the bundle for the code as it is now, building it if need be. */
export async function workflowBundle(): Promise<string> {
  const folder = join(ROOT, '.cache');
  const path = join(folder, `workflows-${await contentHash()}.js`);
  if (await exists(path)) return path;
  const workflowsPath = join(ROOT, 'workflows', 'index.ts');
  // Loaded once and frozen, instead of once for each run: workflow modules hold no state.
  const { code } = await bundleWorkflowCode({ workflowsPath, preloadModules: [workflowsPath], logger: quiet });
  await mkdir(folder, { recursive: true });
  // Two workers may bundle at once: each writes its own file, and either may win.
  const mine = `${path}.${process.pid}`;
  await writeFile(mine, code);
  await rename(mine, path);
  return path;
}

async function contentHash(): Promise<string> {
  const hash = createHash('sha256');
  const files = await Array.fromAsync(
    glob(['workflows/**/*.ts', 'domain/**/*.ts', 'workers/bundle.ts', 'package-lock.json'], { cwd: ROOT }),
  );
  for (const file of files.toSorted()) hash.update(file).update(await readFile(join(ROOT, file)));
  return hash.digest('hex').slice(0, 16);
}

async function exists(path: string): Promise<boolean> {
  return readFile(path).then(
    () => true,
    () => false,
  );
}

const silent = (): void => undefined;
const quiet = { log: silent, trace: silent, debug: silent, info: silent, warn: silent, error: silent };
