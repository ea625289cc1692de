/**
 * Waiting that can be ended.
 *
 * Owns one timer and its clean-up. Knows nothing of Temporal.
 */

/** Resolves after `ms`, or at once when `signal` is or becomes aborted; leaves no timer and no listener. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const ended = (): void => resolve(undefined);
  const timer = setTimeout(ended, Math.max(0, ms));
  signal.addEventListener('abort', ended, { once: true });
  await promise;
  clearTimeout(timer);
  signal.removeEventListener('abort', ended);
}
