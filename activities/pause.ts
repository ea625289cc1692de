/**
 * Waiting that can be ended.
 *
 * Owns nothing that outlives it. Knows nothing of Temporal.
 */
import { setTimeout as sleep } from 'node:timers/promises';

/** Resolves after `ms`, or at once when `signal` is or becomes aborted; leaves no timer and no listener. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(Math.max(0, ms), undefined, { signal }).catch(() => undefined);
}

/** What `work` comes to; rejects with the reason of `signal` as soon as that is aborted. Leaves no listener, however long the signal lives. */
export async function unlessEnded<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: over, reject } = Promise.withResolvers<never>();
  const end = (): void => reject(signal.reason as Error);
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();
  try {
    return await Promise.race([work, over]);
  } finally {
    signal.removeEventListener('abort', end);
  }
}
