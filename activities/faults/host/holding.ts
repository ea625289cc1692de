/**
 * What a holder does to a target while it holds a fault.
 *
 * Owns the two ways of stopping a process; both are undone by the same SIGCONT. Must never decide when to end.
 */
import { z } from 'zod';
import { durationMs } from '../../../domain/written-duration.ts';
import { signal } from './process-table.ts';
import type { ProcessId, ProcessTable } from './process-table.ts';

/** Parameters of `host/pause`. */
export const pauseParams = z.strictObject({});

/** Parameters of `host/stutter`, in milliseconds once parsed. */
export const stutterParams = z.strictObject({
  stop: durationMs
    .refine(within(1, 10_000), 'expected 1ms to 10s')
    .describe('How long the process stands still in each turn: 1ms to 10s.'),
  run: durationMs.refine(within(1, 10_000), 'expected 1ms to 10s').describe('How long it runs in between: 1ms to 10s.'),
  jitter: durationMs
    .refine(within(0, 10_000), 'expected 0ms to 10s')
    .prefault('0ms')
    .describe('Up to this much is added to each stop: 0ms to 10s.'),
});

/** One fault as a holder keeps it up. */
export interface Holding {
  /** Puts the fault on. */
  begin(): Promise<void>;
  /** Takes it off: afterwards the process runs, unless it is gone. */
  end(): Promise<void>;
}

/** How a fault of `kind` is kept up on a process. Throws for a kind that needs no holder. */
export function holdingOf(kind: string, params: unknown, target: ProcessId, table: ProcessTable): Holding {
  if (kind === 'host/pause') return pausing(target, table);
  if (kind === 'host/stutter') return stuttering(stutterParams.parse(params), target, table);
  throw new Error(`${kind} is not held by a holder`);
}

function pausing(target: ProcessId, table: ProcessTable): Holding {
  return {
    begin: async () => void (await signal(table, target, 'SIGSTOP')),
    end: async () => void (await signal(table, target, 'SIGCONT')),
  };
}

/** Stops and continues the process in turns, so that it answers late. */
function stuttering(params: z.infer<typeof stutterParams>, target: ProcessId, table: ProcessTable): Holding {
  let ended = false;
  let timer: NodeJS.Timeout | undefined;
  let turn: Promise<void> = Promise.resolve();
  const next = (stopped: boolean): void => {
    if (ended) return;
    const forMs = stopped ? params.stop + Math.random() * params.jitter : params.run;
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
}

function within(min: number, max: number): (ms: number) => boolean {
  return (ms) => ms >= min && ms <= max;
}
