/**
 * What is played today of what takes too long to be played whole.
 *
 * Owns the choice: another part each day, so that everything has its turn. With `SQUALL_WHOLE_MATRIX=1` all of it is played.
 */

/** Whether all is played. */
export const WHOLE = process.env['SQUALL_WHOLE_MATRIX'] === '1';
/** In days since 1970. */
export const TODAY = Math.floor(Date.now() / 86_400_000);
const DAYS = 3;

/** Whether it is this one's turn, of three. */
export function isToday(turn: number): boolean {
  return WHOLE || TODAY % DAYS === turn % DAYS;
}

/** One of them. */
export function oneOfToday<T>(some: readonly T[], shift = 0): T {
  return some[(TODAY + shift) % some.length] as T;
}

/** Every third of them; all, where all is played. */
export function thirdOfToday<T>(all: readonly T[], shift = 0): T[] {
  return all.filter((_, at) => WHOLE || (at + TODAY + shift) % DAYS === 0);
}
