/** Many runs that hold at once, for what is measured on them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { noop } from './experiments.ts';
import type { Installation } from './installation.ts';

/** Runs that are begun at once; then the next ones. */
export const AT_ONCE = 20;
/** Every run is given this long to be held, in milliseconds. */
const SETTLE_MS = 60_000;

/** How often held runs are sampled and renewed. `often`: every second, at the default time-to-live. */
export type Pace = 'often' | 'seldom';

const PACES = {
  often: { atOnce: AT_ONCE, sampling: { sampleEveryMs: 1_000 } },
  // Pre-flight takes five samples, and costs next to nothing meanwhile.
  seldom: { atOnce: 3 * AT_ONCE, sampling: { sampleEveryMs: 10_000, timeToLiveMs: 300_000 } },
} as const;

/** Begins runs of these names, and resolves when all of them hold. */
export async function holdAll(ours: Installation, names: readonly string[], pace: Pace = 'often'): Promise<void> {
  const { atOnce } = PACES[pace];
  for (let from = 0; from < names.length; from += atOnce)
    await beginAndHold(ours, names.slice(from, from + atOnce), pace);
}

async function beginAndHold(ours: Installation, names: readonly string[], pace: Pace): Promise<void> {
  const { sampling } = PACES[pace];
  await Promise.all(names.map((run) => ours.begin(run, noop(run, { holdMs: 3_600_000, ...sampling }))));
  const end = performance.now() + SETTLE_MS + 5 * sampling.sampleEveryMs;
  for (const run of names) {
    for (;;) {
      const phase = await ours.phase(run);
      if (phase === 'holding') break;
      if (phase === 'closed') throw new Error(`${run} does not hold: ${(await ours.end(run)).reason}`);
      if (performance.now() > end) throw new Error(`${run} does not hold, it is still ${phase}`);
      await sleep(500);
    }
  }
}
