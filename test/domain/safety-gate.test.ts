/** When a tick looks again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LOOK_AGAIN_MS, looksAgain, passingRefusalOf, WAIT_UP_TO_MAX_MS } from '../../domain/safety-gate.ts';

const everyMs = fc.integer({ min: 10_000, max: 30 * 86_400_000 });
const waitUpToMs = fc.integer({ min: 0, max: WAIT_UP_TO_MAX_MS });

test('the last look is no later than it may be, and before the next tick', () => {
  fc.assert(
    fc.property(everyMs, waitUpToMs, (every, waitUpTo) => {
      let waitedMs = 0;
      while (looksAgain({ everyMs: every, waitUpToMs: waitUpTo }, waitedMs)) waitedMs += LOOK_AGAIN_MS;
      assert.ok(waitedMs <= waitUpTo);
      assert.ok(waitedMs < every);
      // No look is given away either.
      assert.ok(waitedMs + LOOK_AGAIN_MS > waitUpTo || waitedMs + LOOK_AGAIN_MS >= every);
    }),
  );
});

test('where the next tick comes sooner, as after one by hand, that counts', () => {
  assert.equal(looksAgain({ everyMs: 3_600_000 }, 0, LOOK_AGAIN_MS), false);
  assert.equal(looksAgain({ everyMs: 3_600_000 }, 0, LOOK_AGAIN_MS + 1), true);
});

test('what people may set aside is not waited for, nor what does not pass with time', () => {
  const window = { guard: 'window', passed: false, found: 'closed' };
  assert.equal(passingRefusalOf([window])?.guard, 'window');
  assert.equal(passingRefusalOf([{ ...window, overridable: true }]), undefined);
  const healthy = { guard: 'healthy', passed: false, found: 'no' };
  assert.equal(passingRefusalOf([{ ...window, overridable: true }, healthy])?.guard, 'window');
  assert.equal(passingRefusalOf([{ guard: 'policy', passed: false, found: 'no' }]), undefined);
  assert.equal(passingRefusalOf([{ guard: 'window', passed: true, found: 'open' }]), undefined);
});
