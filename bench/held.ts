/** What runs cost that only hold: memory and CPU of the worker and of the server, many held at once. */
import { setTimeout as sleep } from 'node:timers/promises';
import { noop, noopConfig } from './experiments.ts';
import { holdAll } from './hold.ts';
import { Installation } from './installation.ts';
import { megabytes } from './outcome.ts';
import type { Outcome } from './outcome.ts';

/** For how long the cost of holding is watched, in milliseconds. */
const WATCH_MS = 20_000;
/** Runs that are ended at once; then the next ones. */
const AT_ONCE = 20;

/** Holds `held` runs at once on one worker. */
export async function measureHeld({ held }: { held: number }, say: (line: string) => void): Promise<Outcome> {
  await using ours = await Installation.start({
    config: noopConfig,
    workers: [['control', 'site']],
    durable: false,
    memoryOnRequest: true,
  });
  // One run first, so that what is loaded once is not counted as a run's.
  await ours.begin('first', noop('first', { holdMs: 2_000, sampleEveryMs: 1_000 }));
  await ours.end('first');
  const before = await memory(ours);
  say(`${held} runs, held at once`);
  const names = Array.from({ length: held }, (_, i) => `held-${i}`);
  await holdAll(ours, names);
  await sleep(5_000);
  const fromCost = ours.cost();
  await sleep(WATCH_MS);
  const toCost = ours.cost();
  const after = await memory(ours);
  const eachBytes = (after - before) / held;
  const cores = (cpuS: number): string => ((100 * cpuS * 1000) / WATCH_MS).toFixed(0);
  const workerCpuS = toCost.workersCpuS - fromCost.workersCpuS;
  const serverCpuS = toCost.serverCpuS - fromCost.serverCpuS;
  say('aborting them');
  for (let from = 0; from < held; from += AT_ONCE) {
    const some = names.slice(from, from + AT_ONCE);
    await Promise.all(some.map((run) => ours.client.workflow.getHandle(run).cancel()));
    await Promise.all(some.map((run) => ours.end(run)));
  }
  return {
    tables: [
      {
        title: `${held} runs held at once`,
        head: ['', 'memory before', 'memory then', 'each', 'CPU, % of a core'],
        rows: [
          ['worker', megabytes(before), megabytes(after), megabytes(eachBytes), cores(workerCpuS)],
          ['server', '', megabytes(toCost.serverRssBytes), '', cores(serverCpuS)],
        ],
      },
    ],
    goals: [
      {
        goal: 'less than 1 MB of the worker’s memory a held run',
        found: `${(eachBytes / 1e6).toFixed(2)} MB`,
        met: eachBytes < 1e6,
      },
    ],
    notes: [
      'The worker’s memory is resident, after every thread has collected its garbage and given unused pages back.',
    ],
    figures: { held, beforeBytes: before, afterBytes: after, workerCpuS, serverCpuS, watchedMs: WATCH_MS },
  };
}

async function memory(ours: Installation): Promise<number> {
  return (await ours.memoryAfterCollection()).reduce((sum, { rss }) => sum + rss, 0);
}
