/**
 * Replacing a file by a new version of itself, with any number of processes doing so at once.
 *
 * Owns a lock that cannot be broken. A writer announces itself by a file of its own, with a name nobody ever uses again,
 * and goes on only if it then sees no other. It writes the new version **into that file** and publishes it by renaming
 * it onto the target, which releases the lock in the same step. To take over from a writer that died, its file is
 * removed; so a writer that was only slow finds its file gone, its rename fails, and nothing of it is published. A wrong
 * guess about who is alive costs a retry, never a version. Must never rename anything else onto the target.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A writer that has not written for this long is taken for dead, in milliseconds of the file system's own clock. */
const SILENT_MS = 10_000;
/** How long a writer waits before it looks again, at most, in milliseconds. */
const BACKOFF_MS = 20;

/** A folder that keeps vanishing this often is not being tidied up by others: its path is wrong. */
const ANNOUNCE_ATTEMPTS = 100;

/** Where a file is replaced. */
export interface Place {
  readonly file: string;
  /** A folder of this file's writers, on the same file system. It exists only while somebody writes. */
  readonly writers: string;
}

/** Computes the next version; undefined leaves the file as it is. It may run more than once. */
export type Next = () => Promise<string | undefined>;

/**
 * Replaces the file by what `next` returns, atomically and durably, while no other process does. `next` reads the present
 * version itself. Rejects with what `next` or the file system throws; the file is then as it was.
 */
export async function replaceFile(place: Place, next: Next): Promise<void> {
  for (;;) {
    const own = await announce(place);
    try {
      if (await clearToWrite(place, own)) {
        const text = await next();
        if (text === undefined || (await publish(place, own, text))) return;
      }
    } finally {
      await withdraw(place, own);
    }
    await sleep(1 + Math.random() * BACKOFF_MS);
  }
}

async function announce({ writers }: Place): Promise<string> {
  const own = join(writers, `${process.pid}.${randomBytes(9).toString('hex')}.${hostname()}`);
  for (let attempt = 1; ; attempt++) {
    try {
      await mkdir(writers, { recursive: true });
      await (await open(own, 'wx')).close();
      return own;
    } catch (failure) {
      // The last writer to leave removes the folder, perhaps between our two steps, or within the first.
      if (!isCode(failure, 'ENOENT') || attempt === ANNOUNCE_ATTEMPTS) throw failure;
    }
  }
}

/** True when there is no other living writer; removes the files of dead ones. */
async function clearToWrite({ writers }: Place, own: string): Promise<boolean> {
  const ownMs = await mtimeMs(own);
  if (ownMs === undefined) return false;
  // None where the folder is gone: then so is our own file, which publishing notices.
  for (const name of await namesIn(writers)) {
    const other = join(writers, name);
    if (other === own) continue;
    if (!(await isDead(name, other, ownMs))) return false;
    await rm(other, { force: true });
  }
  return true;
}

/** The names in a folder; none where there is no folder. */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (failure) {
    if (isCode(failure, 'ENOENT')) return [];
    throw failure;
  }
}

async function isDead(name: string, path: string, nowMs: number): Promise<boolean> {
  const [pid = '', , ...host] = name.split('.');
  if (host.join('.') === hostname() && /^\d+$/.test(pid) && !isAlive(Number(pid))) return true;
  const silentSinceMs = await mtimeMs(path);
  return silentSinceMs !== undefined && nowMs - silentSinceMs > SILENT_MS;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (failure) {
    return !isCode(failure, 'ESRCH');
  }
}

/** False where another writer took over meanwhile; nothing was published then. */
async function publish({ file }: Place, own: string, text: string): Promise<boolean> {
  let handle;
  try {
    handle = await open(own, 'r+');
  } catch (failure) {
    if (isCode(failure, 'ENOENT')) return false;
    throw failure;
  }
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  try {
    await rename(own, file);
  } catch (failure) {
    if (isCode(failure, 'ENOENT')) return false;
    throw failure;
  }
  await syncFolder(dirname(file));
  return true;
}

/** A rename survives a power cut only once its folder is on disk. */
async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function withdraw({ writers }: Place, own: string): Promise<void> {
  await rm(own, { force: true });
  try {
    await rmdir(writers);
  } catch (failure) {
    // Somebody else writes, or has tidied up already.
    if (!isCode(failure, 'ENOTEMPTY', 'ENOENT', 'EEXIST')) throw failure;
  }
}

async function mtimeMs(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mtimeMs;
  } catch (failure) {
    if (isCode(failure, 'ENOENT')) return undefined;
    throw failure;
  }
}

/** Whether a failure of the file system carries one of these codes. */
export function isCode(failure: unknown, ...codes: string[]): boolean {
  return failure instanceof Error && 'code' in failure && codes.includes(String(failure.code));
}
