/**
 * Blindness: how long nobody has watched or renewed.
 *
 * Owns the count against the blind budget. A lost activity was last heard of up to one heartbeat timeout before it was
 * declared lost, and a restarted one that lives longer than the budget has shown that sight is back.
 */
import { ActivityFailure, ApplicationFailure, patched, TimeoutFailure } from '@temporalio/workflow';
import type { LeaseTiming } from '../domain/timing.ts';

/** What counts for an activity that said itself that it ended, as when its worker is told to stop, in milliseconds. */
const SAID_MS = 5_000;
/** Losses of one activity beyond which a worker that keeps crashing ends the run: each costs history. */
const LOSSES_MAX = 100;

/** Counts blind time over restarts of one activity. Times are milliseconds of the workflow's clock. */
export class Blindness {
  #spentMs = 0;
  #losses = 0;
  readonly #timing: LeaseTiming;

  constructor(timing: LeaseTiming) {
    this.#timing = timing;
  }

  /** Milliseconds of the budget that are used up. */
  get spentMs(): number {
    return this.#spentMs;
  }

  /** Counts an activity that ran from `fromMs` to `toMs` and was then lost. True: the budget is used up. */
  lost(fromMs: number, toMs: number, failure: unknown): boolean {
    const { blindBudgetMs, heartbeatTimeoutMs } = this.#timing;
    const ranMs = toMs - fromMs;
    const silentMs = timeoutOf(failure) === 'HEARTBEAT' ? heartbeatTimeoutMs : Math.min(heartbeatTimeoutMs, SAID_MS);
    this.#losses += 1;
    if (neverStarted(failure)) this.#spentMs += ranMs;
    else this.#spentMs = (ranMs > blindBudgetMs ? 0 : this.#spentMs) + silentMs;
    return this.#spentMs >= blindBudgetMs || (this.#losses > LOSSES_MAX && patched('losses-are-bounded'));
  }
}

/** What went wrong, in the words of the innermost cause. */
export function why(failure: unknown): string {
  let cause = failure;
  while (cause instanceof Error && cause.cause instanceof Error) cause = cause.cause;
  if (cause instanceof TimeoutFailure) return `no answer from the site worker (${cause.timeoutType})`;
  if (cause instanceof ApplicationFailure || cause instanceof Error) return cause.message;
  return String(cause);
}

function neverStarted(failure: unknown): boolean {
  const timeout = timeoutOf(failure);
  return timeout === 'SCHEDULE_TO_START' || timeout === 'SCHEDULE_TO_CLOSE';
}

function timeoutOf(failure: unknown): TimeoutFailure['timeoutType'] | undefined {
  if (!(failure instanceof ActivityFailure) || !(failure.cause instanceof TimeoutFailure)) return undefined;
  return failure.cause.timeoutType;
}
