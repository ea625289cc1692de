/** Many runs that hold at once, for what is measured on them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { noop } from './experiments.ts';
import type { Installation } from './installation.ts';

/** Runs that are begun at once; then the next ones. */
export const AT_ONCE = 20;
/** Every run is given this long to be held, in milliseconds. */
const SETTLE_MS = 60_000;

/** Begins runs of these names, and resolves when all of them hold. */
export async function holdAll(ours: Installation, names: readonly string[]): Promise<void> {
  for (let from = 0; from < names.length; from += AT_ONCE) await beginAndHold(ours, names.slice(from, from + AT_ONCE));
}

async function beginAndHold(ours: Installation, names: readonly string[]): Promise<void> {
  await Promise.all(names.map((run) => ours.begin(run, noop(run, { holdMs: 3_600_000, sampleEveryMs: 1_000 }))));
  const end = performance.now() + SETTLE_MS;
  for (const run of names) {
    while ((await ours.phase(run)) !== 'holding') {
      if (performance.now() > end) throw new Error(`${run} is not held after ${SETTLE_MS / 1000} s`);
      await sleep(500);
    }
  }
}
