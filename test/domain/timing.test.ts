import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DEFAULT_TTL_MS, leaseTiming, MIN_TTL_MS } from '../../domain/timing.ts';

test('the default: 30 s to live at 5 s renewals, half of it for a worker restart', () => {
  assert.deepEqual(leaseTiming(10), {
    ttlMs: 30_000,
    renewEveryMs: 5_000,
    blindBudgetMs: 15_000,
    heartbeatTimeoutMs: 5_000,
  });
});

test('for any size: three renewals may be missed, blindness ends before the fault does, and renewals stay within the budget', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100_000 }),
      fc.integer({ min: MIN_TTL_MS, max: 3_600_000 }),
      (targets, ttl) => {
        const timing = leaseTiming(targets, ttl);
        assert.ok(timing.ttlMs >= ttl);
        assert.ok(timing.renewEveryMs * 3 + timing.blindBudgetMs <= timing.ttlMs + 10);
        assert.ok(timing.heartbeatTimeoutMs <= timing.blindBudgetMs);
        assert.ok(targets / (timing.renewEveryMs / 1000) <= 201);
      },
    ),
  );
  assert.equal(leaseTiming(10).ttlMs, DEFAULT_TTL_MS);
});
