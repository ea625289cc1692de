/** Many runs that hold at once, for what is measured on them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { noop } from './experiments.ts';
import type { Installation } from './installation.ts';

/** Time between two looks whether a run holds, in milliseconds. */
const LOOK_MS = 2_000;
/** Every run is given this long to be held, besides its pre-flight, in milliseconds. */
const SETTLE_MS = 60_000;

/** How often held runs are sampled and renewed. `often`: every second, at the default time-to-live. */
export type Pace = 'often' | 'seldom';

/** `perSecond`: runs that are begun, as many as two cores can begin while they hold those before. */
const PACES = {
  often: { perSecond: 3, sampling: { sampleEveryMs: 1_000 } },
  // A site worker makes 200 pre-flights at once, of five samples each.
  seldom: { perSecond: 1.3, sampling: { sampleEveryMs: 30_000, timeToLiveMs: 600_000 } },
} as const;

/** Begins runs of these names, and resolves when all of them hold. */
export async function holdAll(ours: Installation, names: readonly string[], pace: Pace = 'often'): Promise<void> {
  const holding: Promise<void>[] = [];
  for (const run of names) {
    const held = hold(ours, run, pace);
    // Heard below, where all are waited for.
    held.catch(() => undefined);
    holding.push(held);
    await sleep(1_000 / PACES[pace].perSecond);
  }
  // All are waited for: whoever measures ends what they talk to.
  await Promise.allSettled(holding);
  await Promise.all(holding);
}

async function hold(ours: Installation, run: string, pace: Pace): Promise<void> {
  const { sampling } = PACES[pace];
  // A baseline is five samples.
  const preflightMs = 5 * sampling.sampleEveryMs;
  await ours.begin(run, noop(run, { holdMs: 3_600_000, ...sampling }));
  const end = performance.now() + preflightMs + SETTLE_MS;
  await sleep(preflightMs);
  for (;;) {
    const phase = await ours.phase(run);
    if (phase === 'holding') return;
    if (phase === 'closed') throw new Error(`${run} does not hold: ${(await ours.end(run)).reason}`);
    if (performance.now() > end) throw new Error(`${run} does not hold, it is still ${phase}`);
    await sleep(LOOK_MS);
  }
}
