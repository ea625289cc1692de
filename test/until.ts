/** Waiting for what a test needs to be true. The bound only ends a test that would hang: how long it took is nobody's concern. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

/** What has not come true by then is not going to, in milliseconds. */
const FOREVER_MS = 90_000;
/** Between two looks, in milliseconds. */
const LOOK_MS = 50;

/** Resolves once it holds. Rejects with `what` it waited for, in its own words where nobody says, when it does not come to. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  what = holds.toString().replaceAll(/\s+/g, ' '),
): Promise<void> {
  const endsAtMs = performance.now() + FOREVER_MS;
  while (!(await holds())) {
    assert.ok(performance.now() < endsAtMs, `not within ${FOREVER_MS / 1_000} s: ${what}`);
    await sleep(LOOK_MS);
  }
}
