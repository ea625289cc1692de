/**
 * How a run's name is written where any name must be safe: in a file's name, and in a database that knows no NUL.
 *
 * Owns the spelling and its bound.
 */
import { JournalError } from './store.ts';

/** File names are at most 255 bytes long. */
const NAME_MAX = 200;

/** `run`, with other characters than letters, digits and `-_.!~*'()` written as `%XX`. Throws where it is empty or too long. */
export function nameOf(run: string): string {
  let name;
  try {
    name = encodeURIComponent(run).replace(/^\./, '%2E');
  } catch {
    throw new JournalError('the run has a name that is not text');
  }
  if (name === '' || name.length > NAME_MAX) {
    throw new JournalError(
      `a run's name takes 1 to ${NAME_MAX} characters in a file name; this one takes ${name.length}`,
    );
  }
  return name;
}

/** The run of this name; the name itself where it is none. */
export function runOf(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
