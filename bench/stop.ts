/** The emergency stop: from the call to the last verified revert, over many held runs. */
import { join } from 'node:path';
import { openFileStore } from '../activities/journal/file.ts';
import { startStop } from '../workers/start-stop.ts';
import { distributionOf } from './distribution.ts';
import { activity, historyOf, timeOf } from './event-times.ts';
import { noopConfig } from './experiments.ts';
import { holdAll } from './hold.ts';
import { Installation } from './installation.ts';
import type { Outcome } from './outcome.ts';

/** How many runs are held; `seldom`: sampled every thirty seconds and renewed for ten minutes, so that more of them fit. */
export interface StopOptions {
  readonly stopped: number;
  readonly seldom?: boolean;
}

/** Holds `stopped` runs at once on one control and one site worker, and pulls the lever. */
export async function measureStop({ stopped, seldom }: StopOptions, say: (line: string) => void): Promise<Outcome> {
  await using ours = await Installation.start({
    config: noopConfig,
    workers: [['control'], ['site']],
    durable: false,
  });
  say(`${stopped} runs, held at once`);
  const names = Array.from({ length: stopped }, (_, i) => `stopped-${i}`);
  await holdAll(ours, names, seldom === true ? 'seldom' : 'often');
  say('stopping everything');
  const fromMs = Date.now();
  await startStop(ours.client, { reason: 'the bench', by: 'the bench' });
  const latchedMs = Date.now() - fromMs;
  const ends = await Promise.all(names.map((run) => ours.end(run)));
  const others = ends.filter(({ status }) => status !== 'aborted');
  if (others.length > 0) throw new Error(`${others.length} runs were not aborted: ${others[0]?.reason ?? ''}`);
  const told: number[] = [];
  const reverted: number[] = [];
  const aborted: number[] = [];
  const store = openFileStore(join(ours.folder, 'journal'));
  for (const run of names) {
    const lease = await historyOf(ours.client, `${run}/stage-1`);
    // Where many are told, some runs are told before their leases, which they release.
    const heard = lease.find(({ workflowExecutionSignaledEventAttributes: signal }) =>
      ['stop', 'release'].includes(signal?.signalName ?? ''),
    );
    told.push(timeOf(heard) - fromMs);
    reverted.push(activity(lease, 'revert').completedMs - fromMs);
    const { events = [] } = (await store.read(run)) ?? {};
    aborted.push((events.find(({ type }) => type === 'abort')?.atMs ?? Infinity) - fromMs);
  }
  const row = (title: string, values: readonly number[]): string[] => {
    const { p50, p95, max } = distributionOf(values);
    return [title, ...[p50, p95, max].map((ms) => `${ms.toFixed(0)} ms`)];
  };
  return {
    tables: [
      {
        title: `an emergency stop over ${stopped} held runs${seldom === true ? ', seldom sampled' : ''}`,
        head: ['', 'p50', 'p95', 'max'],
        rows: [
          row('stop → its lease is told', told),
          row('stop → its last revert is verified', reverted),
          row('stop → the run aborts', aborted),
        ],
      },
    ],
    goals: [],
    notes: [`The latch was on after ${latchedMs} ms. One control worker and one site worker.`],
    figures: {
      stopped,
      latchedMs,
      told: distributionOf(told),
      reverted: distributionOf(reverted),
      aborted: distributionOf(aborted),
    },
  };
}
