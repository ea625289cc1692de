/** `host/stutter`: a process stops and runs in turns, which its callers see as latency with jitter. */
import { z } from 'zod';
import { durationMs } from '../../../domain/written-duration.ts';
import { heldDriver } from './held.ts';
import type { HoldingFactory } from './holding.ts';
import { signal } from './process-table.ts';

/** In milliseconds once parsed. */
const params = z.strictObject({
  stop: durationMs
    .refine(within(1, 10_000), 'expected 1ms to 10s')
    .describe('How long the process stands still in each turn: 1ms to 10s.'),
  run: durationMs.refine(within(1, 10_000), 'expected 1ms to 10s').describe('How long it runs in between: 1ms to 10s.'),
  jitter: durationMs
    .refine(within(0, 10_000), 'expected 0ms to 10s')
    .prefault('0ms')
    .describe('Up to this much is added to each stop: 0ms to 10s.'),
});

export const driver = heldDriver({
  kind: 'host/stutter',
  summary: 'A process stops and runs in turns: its answers come late, and unevenly.',
  params,
  alwaysStopped: false,
});

/** Stops and continues the process in turns, so that it answers late. */
export const holding: HoldingFactory = (target, table, written) => {
  const { stop, run, jitter } = params.parse(written);
  let ended = false;
  let timer: NodeJS.Timeout | undefined;
  let turn: Promise<void> = Promise.resolve();
  const next = (stopped: boolean): void => {
    if (ended) return;
    const forMs = stopped ? stop + Math.random() * jitter : run;
    timer = setTimeout(() => {
      if (ended) return;
      turn = signal(table, target, stopped ? 'SIGCONT' : 'SIGSTOP').then(
        () => next(!stopped),
        () => next(stopped),
      );
    }, forMs);
  };
  return {
    async begin() {
      await signal(table, target, 'SIGSTOP');
      next(true);
    },
    async end() {
      ended = true;
      clearTimeout(timer);
      // A signal on its way must not arrive after the last one.
      await turn;
      await signal(table, target, 'SIGCONT');
    },
  };
};

function within(min: number, max: number): (ms: number) => boolean {
  return (ms) => ms >= min && ms <= max;
}
