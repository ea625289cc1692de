/**
 * Waiting for an account: until something is seen in it, for as long as one thing may take, or until the run is called off.
 *
 * Owns the bounds. What was made a moment ago and is not there for everybody yet is waited for, too.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isMissing } from '../../../activities/aws/denied.ts';
import type { Attempt } from '../../../activities/faults/driver.ts';

export class Waiting {
  /** Aborted when the run is called off. */
  readonly signal: AbortSignal;
  /** How long one thing may take, in milliseconds. */
  readonly patienceMs: number;
  /** Between two looks, in milliseconds. */
  readonly everyMs: number;

  constructor(signal: AbortSignal, patienceMs: number, everyMs: number) {
    this.signal = signal;
    this.patienceMs = patienceMs;
    this.everyMs = everyMs;
  }

  /** Resolves once it holds. Rejects where it takes too long, or the run is called off. */
  async until(what: string, holds: () => Promise<boolean>): Promise<void> {
    const startedAtMs = performance.now();
    for (;;) {
      this.signal.throwIfAborted();
      if (await holds().catch(notYet)) return;
      if (performance.now() - startedAtMs > this.patienceMs)
        throw new Error(`not within ${Math.round(this.patienceMs / 1_000)} s: ${what}`);
      await sleep(this.everyMs, undefined, { signal: this.signal }).catch(() => undefined);
    }
  }

  /** What is made of something that was made a moment ago, which not everybody has heard of yet. */
  async made<Made>(what: string, make: () => Promise<Made>): Promise<Made> {
    const made: Made[] = [];
    await this.until(`${what} is made`, async () => made.push(await make()) > 0);
    return made[0] as Made;
  }

  /** For a driver: as long as one thing may take. */
  attempt(): Attempt {
    const endsAtMs = performance.now() + this.patienceMs;
    return { signal: this.signal, remainingMs: () => endsAtMs - performance.now() };
  }
}

function notYet(error: unknown): false {
  if (!isMissing(error)) throw error;
  return false;
}
