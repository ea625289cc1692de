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
