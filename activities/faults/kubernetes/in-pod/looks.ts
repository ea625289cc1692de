/**
 * Looks at a pod, ever more seldom, within an attempt.
 *
 * Owns how long one waits between two, and when there is no time for another.
 */
import { pause } from '../../../pause.ts';
import { isOver } from '../../driver.ts';
import type { Attempt } from '../../driver.ts';

/** Between two looks at a pod, at first and at most, in milliseconds. */
const LOOK_MS = 150;
const LOOK_MAX_MS = 1_000;
/** What is left of an attempt to say how far it has come, in milliseconds. */
const LAST_WORDS_MS = 1_500;

export class Looks {
  readonly #attempt: Attempt;
  #everyMs = LOOK_MS;
  count = 0;

  constructor(attempt: Attempt) {
    this.#attempt = attempt;
  }

  /** Whether there is no time for another one. */
  get isLast(): boolean {
    return isOver(this.#attempt) || this.#attempt.remainingMs() - this.#everyMs < LAST_WORDS_MS;
  }

  async next(): Promise<void> {
    this.count += 1;
    await pause(this.#everyMs, this.#attempt.signal);
    this.#everyMs = Math.min(LOOK_MAX_MS, this.#everyMs * 1.4);
  }
}
