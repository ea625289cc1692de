/**
 * Squall's image, made as deploy/Dockerfile says, without a container engine.
 *
 * Owns which of its instructions are carried out here and how: what is copied is linked, `npm ci --omit=dev` is the packages
 * of the lock file that are not for development, and every other command is run as it is written.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from '../readme/blocks.ts';
import { DOCKERFILE } from './compose.ts';

/** Makes the image's working folder at `folder`; `run` runs a command of the shell in it, and rejects when that fails. */
export async function buildImage(folder: string, run: (script: string) => Promise<void>): Promise<void> {
  await mkdir(folder);
  for (const { keyword, words } of DOCKERFILE) {
    if (keyword === 'COPY') {
      const target = join(folder, words.at(-1) ?? '');
      await mkdir(target.endsWith('/') ? target : join(target, '..'), { recursive: true });
      link(words.slice(0, -1), target, []);
    }
    if (keyword !== 'RUN') continue;
    for (const command of words.join(' ').split(' && ')) {
      if (command.startsWith('npm ci --omit=dev ')) await install(join(folder, 'node_modules'));
      else if (!command.startsWith('npm cache ')) await run(command);
    }
  }
}

/** The command that a container of the image starts with. */
export function entrypoint(): readonly string[] {
  const [words] = DOCKERFILE.filter(({ keyword }) => keyword === 'ENTRYPOINT').map((instruction) => instruction.words);
  assert.ok(words);
  return JSON.parse(words.join(' ')) as string[];
}

/** What `ENV` sets. */
export function environment(): Readonly<Record<string, string>> {
  const words = DOCKERFILE.filter(({ keyword }) => keyword === 'ENV').flatMap((instruction) => instruction.words);
  return Object.fromEntries(words.map((word) => word.split('=') as [string, string]));
}

async function install(target: string): Promise<void> {
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean; devOptional?: boolean }>;
  };
  const shipped = Object.entries(packages)
    // What is inside another package comes with it.
    .filter(([path, { dev, devOptional }]) => /^node_modules\/(@[^/]+\/)?[^/]+$/.test(path) && !dev && !devOptional)
    .map(([path]) => path)
    // Of optional ones, this machine has those that are for it.
    .filter((path) => existsSync(join(ROOT, path)));
  assert.ok(!shipped.includes('node_modules/typescript') && shipped.includes('node_modules/@temporalio/worker'));
  await mkdir(join(target, '.bin'), { recursive: true });
  link(shipped, join(target, '..'), ['--parents']);
}

/** Links, since what is copied here is only read. */
function link(sources: readonly string[], target: string, flags: readonly string[]): void {
  const { status, stderr } = spawnSync('cp', ['-al', ...flags, ...sources, target], { cwd: ROOT, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
}
