/**
 * Files that somebody names, whatever is behind the name.
 *
 * Owns the bounds of reading one: a device has no end, a pipe may have no writer. Must never read more than one byte past
 * the bound, nor wait where nobody writes.
 */
import { constants, open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';

/** Time between two looks at a pipe that is empty, in milliseconds. */
const PIPE_POLL_MS = 20;

/**
 * The bytes of `file`: at most `bytesMax`, and one more where there are more. Throws where it cannot be read, or is no
 * regular file; a pipe is read to its end where `pipes` says so, and is empty where nobody writes to it.
 */
export async function readBounded(file: string, bytesMax: number, pipes: 'with-pipes' | 'no-pipes'): Promise<Buffer> {
  // Without O_NONBLOCK, to open a pipe is to wait for whoever writes to it.
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = await handle.stat();
    if (stats.isDirectory()) throw new Error('it is a folder, not a file');
    if (stats.isFIFO() && pipes === 'no-pipes') throw new Error('it is a pipe, not a file');
    if (!stats.isFile() && !stats.isFIFO()) throw new Error('it is a device, not a file');
    return await readTo(handle, bytesMax + 1);
  } finally {
    await handle.close();
  }
}

async function readTo(handle: FileHandle, bytesMax: number): Promise<Buffer> {
  const bytes = Buffer.alloc(bytesMax);
  let size = 0;
  while (size < bytesMax) {
    const read = await readSome(handle, bytes.subarray(size));
    if (read === 0) break;
    if (read === undefined) await pause(PIPE_POLL_MS);
    else size += read;
  }
  return bytes.subarray(0, size);
}

/** How many bytes were read; undefined where a pipe has none yet. */
async function readSome(handle: FileHandle, into: Buffer): Promise<number | undefined> {
  try {
    return (await handle.read(into, 0, into.length, null)).bytesRead;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') return undefined;
    throw error;
  }
}
