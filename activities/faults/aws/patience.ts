/**
 * Asking again, for as long as an attempt lasts.
 *
 * Owns how long is waited between two tries: longer each time, with jitter, up to the longest request.
 */
import { pause } from '../../pause.ts';
import { isOver } from '../driver.ts';
import type { Attempt } from '../driver.ts';
import { isPassing } from './passing.ts';

/** The first wait, as a share of the longest request; also that between two looks at what takes a while. */
export const AGAIN = 0.2;

/** Waits before the try after the one of this number, counted from 1. */
export async function waitAgain(attempt: Attempt, requestMs: number, tries: number): Promise<void> {
  const ms = requestMs * Math.min(1, AGAIN * 2 ** Math.min(tries - 1, 4));
  await pause(Math.min(ms * (0.5 + Math.random() / 2), attempt.remainingMs()), attempt.signal);
}

/** What `work` comes to. What cannot be asked now may be the next time; rejects as it did the last time when the attempt is over. */
export async function patiently<Done>(attempt: Attempt, requestMs: number, work: () => Promise<Done>): Promise<Done> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (!isPassing(error) || isOver(attempt)) throw error;
      await waitAgain(attempt, requestMs, tries);
    }
  }
}
