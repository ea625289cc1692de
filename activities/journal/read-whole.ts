/**
 * Reading a file of the journal's folder as a whole.
 *
 * Owns the bound. Must never read more than {@link JOURNAL_MAX_BYTES}.
 */
import { open } from 'node:fs/promises';
import { isCode } from './replace.ts';
import { JOURNAL_MAX_BYTES, JournalError } from './store.ts';

/** The file's text; undefined where there is none. Throws {@link JournalError} where it is too large. */
export async function readWhole(file: string): Promise<string | undefined> {
  let handle;
  try {
    handle = await open(file, 'r');
  } catch (failure) {
    if (isCode(failure, 'ENOENT')) return undefined;
    throw failure;
  }
  try {
    const { size } = await handle.stat();
    if (size > JOURNAL_MAX_BYTES) {
      throw new JournalError(
        `${file} has ${size} bytes; a journal has at most ${JOURNAL_MAX_BYTES}. It was left as it is`,
      );
    }
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}
