/**
 * A plugin whose drivers misbehave on demand: a host's fault, with a reply lost, an attempt stalled past its timeout, a
 * revert that fails or lies for a while, or a fault that does not end by itself.
 *
 * Owns the misbehaviour, which a file beside the state folder switches on; everything else is the real driver's.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Attempt, DriverFactory, FaultDriver } from '../../activities/faults/driver.ts';
import { driver as pause } from '../../activities/faults/host/pause.ts';
import { driver as stutter } from '../../activities/faults/host/stutter.ts';
import type { Fault } from '../../domain/fault.ts';

/** What the file says: one word; absent or empty means to behave. */
export type Mood = 'lose-reply' | 'stall' | 'fail-revert' | 'lie-revert' | 'slow-revert' | 'hang-renew';

/** The file that sets the mood of every driver with this state folder. */
export function moodFile(stateDir: string): string {
  return join(stateDir, 'mood');
}

function moody(kind: `${string}/${string}`, factory: DriverFactory): DriverFactory {
  return (site) => {
    const real: FaultDriver<unknown> = factory(site);
    const mood = (): string => {
      try {
        return readFileSync(moodFile(site.stateDir), 'utf8').trim();
      } catch {
        return '';
      }
    };
    return {
      ...bound(real),
      kind,
      async inject(faults, attempt) {
        const now = mood();
        if (now === 'stall') await stall(attempt);
        // A zombie: it was given up long ago and does not know; only the fence stops it.
        const outcomes = await real.inject(faults, now === 'stall' ? UNAWARE : attempt);
        if (now === 'lose-reply') throw new Error('the reply was lost');
        return outcomes;
      },
      async renew(faults, attempt) {
        if (mood() === 'hang-renew') await new Promise(() => undefined);
        return (await real.renew?.(faults, attempt)) ?? [];
      },
      async revert(faults, attempt) {
        if (mood() === 'fail-revert') throw new Error('the target does not answer');
        if (mood() === 'slow-revert') await slowly(site.stateDir);
        if (mood() === 'lie-revert') return faults.map(({ id }) => ({ id, result: 'reverted' }));
        return real.revert(faults, attempt);
      },
    };
  };
}

/** Where a revert says that it has begun, before it takes its time. */
export function begunFile(stateDir: string): string {
  return join(stateDir, 'begun');
}

async function slowly(stateDir: string): Promise<void> {
  writeFileSync(begunFile(stateDir), '');
  await new Promise((resolve) => setTimeout(resolve, 4_000));
}

const UNAWARE: Attempt = { signal: new AbortController().signal, remainingMs: () => 60_000 };

/** Outlives the attempt's own deadline a little, as a process that was swapped out does. */
async function stall(attempt: Attempt): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, Math.min(attempt.remainingMs(), 20_000) + 500));
}

const FOR_EVER_MS = 86_400_000;

/** The host's pause without its expiry: what ends it is Squall, or nobody. For the layers above the target. */
const undying: DriverFactory = (site) => {
  const real: FaultDriver<unknown> = pause(site);
  const long = (faults: readonly Fault<unknown>[]): Fault<unknown>[] =>
    faults.map((fault) => ({ ...fault, ttlMs: FOR_EVER_MS, notAfterMs: FOR_EVER_MS }));
  return {
    ...bound(real),
    kind: 'host/undying-pause',
    inject: (faults, attempt) => real.inject(long(faults), attempt),
    renew: async (faults, attempt) => (await real.renew?.(long(faults), attempt)) ?? [],
  };
};

/** The host's pause with an end that is fixed when it begins: nobody renews it. */
const fixed: DriverFactory = (site) => ({ ...bound(pause(site)), kind: 'host/fixed-pause', expiry: 'fixed' });

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
    revert: (faults, attempt) => driver.revert(faults, attempt),
    verify: (faults, attempt) => driver.verify(faults, attempt),
    leftovers: () => driver.leftovers(),
  };
}

export const drivers: readonly DriverFactory[] = [
  moody('host/moody-pause', pause),
  moody('host/moody-stutter', stutter),
  moody('host/moody-undying-pause', undying),
  undying,
  fixed,
];
