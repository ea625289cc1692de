/**
 * The sweeper: a worker's own sweeps, with Temporal and without.
 *
 * Owns the timer, one sweep at a time. Every worker sweeps the host it is on, whatever it serves: the first thing that
 * comes back ends what is past its time.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { sweep } from '../activities/sweep.ts';
import type { SweepReport } from '../activities/interface.ts';
import type { SweepConfig } from './config.ts';
import { openSweepable } from './open-site.ts';
import type { Sweepable } from './open-site.ts';

/** How long the sweep of one site may take, in milliseconds. */
const SWEEP_MS = 60_000;
/** How long a sweep under way may go on when its worker stops, in milliseconds. */
export const STOP_MS = 3_000;

/** Sites to be swept where none is named: those of the configuration, or the one that `squall dev` would serve. */
export function sitesOf({ sites }: Pick<SweepConfig, 'sites'>): string[] {
  const names = Object.keys(sites);
  return names.length > 0 ? names : ['local'];
}

/** Opens one site and sweeps it once. */
export async function sweepSite(config: SweepConfig, name: string): Promise<SweepReport> {
  return sweepOpen(await openSweepable(config, name));
}

/** Sweeps once. A driver that cannot be opened is among what failed. */
async function sweepOpen({ drivers, problems }: Sweepable): Promise<SweepReport> {
  const endsAtMs = performance.now() + SWEEP_MS;
  const attempt = { signal: AbortSignal.timeout(SWEEP_MS), remainingMs: () => endsAtMs - performance.now() };
  const report = await sweep(drivers, attempt);
  return { ...report, failed: [...problems, ...report.failed] };
}

/** Sweeps that go on. */
export interface Sweeping {
  /** Resolves when the first sweep is done: each site has its own time for it. */
  readonly first: Promise<void>;
  /** Starts no further sweep, and lets one that is under way go on for a moment. */
  stop(): Promise<void>;
}

/** Sweeps `site`, or all there are, once and to the end: for whoever cannot start, which must not keep a fault on. */
export async function sweepToTheEnd(
  config: SweepConfig,
  site: string | undefined,
  log: (line: string) => void,
): Promise<void> {
  const sweeping = startSweeping(config, site, 60_000, log);
  await sweeping.first;
  await sweeping.stop();
}

/** Sweeps `site`, or all there are, now and then every `everyMs`. */
export function startSweeping(
  config: SweepConfig,
  site: string | undefined,
  everyMs: number,
  log: (line: string) => void,
): Sweeping {
  const opened = new Map<string, Sweepable>();
  const open = async (name: string): Promise<Sweepable> => {
    const sweepable = opened.get(name) ?? (await openSweepable(config, name));
    if (!sweepable.waits) opened.set(name, sweepable);
    return sweepable;
  };
  const said = new Map<string, readonly string[]>();
  const once = async (): Promise<void> => {
    for (const name of site === undefined ? sitesOf(config) : [site]) {
      const { reverted, failed, unseen = [] } = await sweepOpen(await open(name));
      if (reverted.length > 0)
        log(`sweep: ended ${reverted.length} faults whose time was over: ${reverted.slice(0, 5).join(', ')}`);
      const news = failed.filter((words) => said.get(name)?.includes(words) !== true);
      if (news.length > 0) log(`sweep: not confirmed: ${news.slice(0, 5).join('; ')}`);
      const dark = unseen.filter((words) => said.get(name)?.includes(words) !== true);
      if (dark.length > 0) log(`sweep: not looked for: ${dark.join('; ')}`);
      said.set(name, [...failed, ...unseen]);
    }
  };
  let sweeping: Promise<void> | undefined;
  const sweepOnce = (): Promise<void> =>
    (sweeping ??= once()
      .catch((error: unknown) => log(`sweep failed: ${error instanceof Error ? error.message : String(error)}`))
      .finally(() => (sweeping = undefined)));
  const first = sweepOnce();
  const timer = setInterval(() => void sweepOnce(), everyMs);
  return {
    first,
    async stop() {
      clearInterval(timer);
      await Promise.race([sweeping, sleep(STOP_MS, undefined, { ref: false })]);
    },
  };
}
