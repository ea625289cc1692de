/**
 * Attempts: the bounds of one activity attempt, as drivers see them.
 *
 * Owns the deadline, the cancellation and the heartbeats of a running activity. The deadline is kept on this machine's
 * monotonic clock from the attempt's start, so a worker that lost its connection still stops in time; and on its other clock, since a
 * machine that sleeps stops the first one. What is over by either is over.
 */
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { CHUNK_MAX } from './faults/driver.ts';
import type { Attempt } from './faults/driver.ts';

/** Stands for the heartbeat timeout of an activity that has none, in milliseconds. */
const UNMISSED_MS = 5_000;

/** The bounds of the activity attempt that is running now. */
export function currentAttempt(): Attempt {
  const { info, cancellationSignal } = Context.current();
  const endsAtMs = performance.now() + info.startToCloseTimeoutMs;
  const endsAtWallMs = Date.now() + info.startToCloseTimeoutMs;
  const remainingMs = (): number => Math.min(endsAtMs - performance.now(), endsAtWallMs - Date.now());
  return { signal: cancellationSignal, remainingMs };
}

/** The longest that a timer can be set for, in milliseconds. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** The answer of `who`, which is not waited for any longer than `ms`: one that hangs must keep no slot and no sweep. */
export async function inTime<T>(ms: number, work: Promise<T>, who = 'the driver'): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const bounded = Math.min(TIMER_MAX_MS, Math.max(0, ms));
    timer = setTimeout(() => reject(new Error(`${who} has not answered within ${Math.round(ms)} ms`)), bounded);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Throws when this activity was ended by anything but the workflow's wish: a worker that shuts down, a pause. What was
 * found by then is no answer, and the activity must be tried again or missed.
 */
export function throwIfInterrupted(): void {
  const { cancellationSignal, cancellationDetails } = Context.current();
  if (cancellationSignal.aborted && cancellationDetails?.cancelRequested !== true)
    throw ApplicationFailure.retryable('the site worker stopped in the middle of it', 'Interrupted');
}

/**
 * Runs `work` with heartbeats every `everyMs` that carry what `details` says at each beat: by default a third of the timeout, so
 * that two may be missed. What there is to say at once is said at once.
 */
export async function beating<T>(
  work: () => Promise<T>,
  details: () => unknown = () => undefined,
  everyMs = patientBeatMs(),
): Promise<T> {
  const context = Context.current();
  if (details() !== undefined) context.heartbeat(details());
  const timer = setInterval(() => context.heartbeat(details()), everyMs);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

/** Time between two heartbeats of the activity that is running now, in milliseconds: it may miss two before it is lost. */
export function patientBeatMs(): number {
  return (Context.current().info.heartbeatTimeoutMs ?? UNMISSED_MS) / 3;
}

/** Calls `work` on chunks of at most {@link CHUNK_MAX}, one after the other, and joins the answers. */
export async function inChunks<T, R>(
  items: readonly T[],
  work: (chunk: readonly T[]) => Promise<readonly R[]>,
): Promise<R[]> {
  const answers: R[] = [];
  for (let from = 0; from < items.length; from += CHUNK_MAX) {
    answers.push(...(await work(items.slice(from, from + CHUNK_MAX))));
  }
  return answers;
}
