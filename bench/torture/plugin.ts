/**
 * A plugin whose drivers misbehave on demand: the host's pause, with a reply lost, an attempt stalled past its timeout, or
 * a revert that fails for a while.
 *
 * Owns the misbehaviour, which a file beside the state folder switches on; everything else is the real driver's.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Attempt, DriverFactory, FaultDriver } from '../../activities/faults/driver.ts';
import { driver as pause } from '../../activities/faults/host/pause.ts';

/** What the file says: one word; absent or empty means to behave. */
export type Mood = 'lose-reply' | 'stall' | 'fail-revert';

/** The file that sets the mood of every driver with this state folder. */
export function moodFile(stateDir: string): string {
  return join(stateDir, 'mood');
}

const moody: DriverFactory = (site) => {
  const real: FaultDriver<unknown> = pause(site);
  const mood = (): string => {
    try {
      return readFileSync(moodFile(site.stateDir), 'utf8').trim();
    } catch {
      return '';
    }
  };
  return {
    ...bound(real),
    kind: 'host/moody-pause',
    async inject(faults, attempt) {
      if (mood() === 'stall') await stall(attempt);
      // A zombie: it was given up long ago and does not know; only the fence stops it.
      const outcomes = await real.inject(
        faults,
        mood() === 'stall' ? { signal: new AbortController().signal, remainingMs: () => 60_000 } : attempt,
      );
      if (mood() === 'lose-reply') throw new Error('the reply was lost');
      return outcomes;
    },
    async revert(faults, attempt) {
      if (mood() === 'fail-revert') throw new Error('the target does not answer');
      return real.revert(faults, attempt);
    },
  };
};

/** Outlives the attempt's own deadline a little, as a process that was swapped out does. */
async function stall(attempt: Attempt): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, Math.min(attempt.remainingMs(), 20_000) + 500));
}

/** A driver's methods as plain functions of one object, so that it can be spread. */
function bound(driver: FaultDriver<unknown>): FaultDriver<unknown> {
  return {
    kind: driver.kind,
    summary: driver.summary,
    params: driver.params,
    reversal: driver.reversal,
    expiry: driver.expiry,
    permissions: driver.permissions,
    undo: driver.undo,
    check: (params) => driver.check(params),
    occupied: (targets) => driver.occupied(targets),
    inject: (faults, attempt) => driver.inject(faults, attempt),
    ...(driver.renew ? { renew: driver.renew.bind(driver) } : {}),
    revert: (faults, attempt) => driver.revert(faults, attempt),
    verify: (faults, attempt) => driver.verify(faults, attempt),
    leftovers: () => driver.leftovers(),
  };
}

export const drivers: readonly DriverFactory[] = [moody];
