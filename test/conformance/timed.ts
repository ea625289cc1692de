/**
 * `timed/timed`: a fault that its target ends at a fixed time, for the conformance suite to be tested with.
 *
 * Its target is a file, which says until when it is harmed. Its cheats are the mistakes that the suite must not miss.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monotonicMs } from '../../activities/faults/clock.ts';
import type { Lab } from '../../activities/faults/conformance.ts';
import { isOver } from '../../activities/faults/driver.ts';
import type { Attempt, DriverFactory } from '../../activities/faults/driver.ts';
import { driver as noop } from '../../activities/faults/noop/noop.ts';

export type Cheat = 'the worker ends it' | 'is deaf to the signal' | 'forgets the time';

export const driver: DriverFactory<Record<string, never>> = (site) => {
  const cheat = site.settings['timed'] as Cheat | undefined;
  const slots = noop(site);
  delete slots.renew;
  const isTooLate = (attempt: Attempt): boolean => {
    if (cheat === 'is deaf to the signal') return attempt.remainingMs() <= 0;
    return cheat === 'forgets the time' ? attempt.signal.aborted : isOver(attempt);
  };
  return {
    ...slots,
    kind: 'timed/timed',
    expiry: 'fixed',
    async inject(faults, attempt) {
      if (isTooLate(attempt)) return faults.map(({ id }) => ({ id, result: 'failed' }));
      const noHurry = { signal: new AbortController().signal, remainingMs: () => 1 };
      const outcomes = await slots.inject(faults, noHurry);
      for (const [i, { target, notAfterMs }] of faults.entries()) {
        if (outcomes[i]?.result !== 'injected' || existsSync(target)) continue;
        const inWorker = cheat === 'the worker ends it';
        writeFileSync(target, `${inWorker ? Infinity : monotonicMs() + notAfterMs}`);
        if (inWorker) setTimeout(() => rmSync(target, { force: true }), notAfterMs).unref();
      }
      return outcomes;
    },
    async revert(faults, attempt) {
      const before = await slots.verify(faults, attempt);
      const outcomes = await slots.revert(faults, attempt);
      for (const [i, { target }] of faults.entries()) if (before[i] === 'active') rmSync(target, { force: true });
      return outcomes;
    },
  };
};

export async function timedLab(cheat?: Cheat): Promise<Lab> {
  const folder = await mkdtemp(join(tmpdir(), 'squall-timed-'));
  let count = 0;
  return {
    driver: new URL(import.meta.url),
    params: {},
    settings: { timed: cheat },
    async target() {
      const id = join(folder, `${++count}`);
      return { id, harmed: async () => existsSync(id) && monotonicMs() < Number(readFileSync(id, 'utf8')) };
    },
    close: () => rm(folder, { recursive: true }),
  };
}
