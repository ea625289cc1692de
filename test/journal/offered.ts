/**
 * What is offered to a store whose database does not answer in time, as on a machine that stands still for some seconds.
 *
 * Owns offering it again: what is offered twice is kept once.
 */
import { JournalError } from '../../activities/journal/store.ts';

/** How often it is offered at most. */
const TIMES = 5;

/** What the store answers. Rejects as it does, but for a time that is over. */
export async function offered<T>(offer: () => Promise<T>): Promise<T> {
  for (let time = 1; ; time += 1) {
    try {
      return await offer();
    } catch (error) {
      if (time === TIMES || !(error instanceof JournalError && /timeout/.test(error.message))) throw error;
    }
  }
}
