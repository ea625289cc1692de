import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { pausing } from '../../bench/torture/experiment.ts';
import { planStages, reachOf } from '../../domain/ladder.ts';
import {
  ADMISSION_MS,
  DEFAULT_TTL_MS,
  leaseTiming,
  MIN_TTL_MS,
  notAfterMs,
  preflightTimeoutMs,
  recoveryMs,
  revertPatienceMs,
  watchTiming,
  worstCaseMs,
} from '../../domain/timing.ts';

test('the default: 30 s to live at 5 s renewals, half of it for a worker restart', () => {
  assert.deepEqual(leaseTiming(10), {
    ttlMs: 30_000,
    renewEveryMs: 5_000,
    blindBudgetMs: 15_000,
    heartbeatTimeoutMs: 5_000,
    attemptMs: 15_000,
  });
});

test('who holds for long is heard of less often, and who watches as often as there is something to see', () => {
  const missedAfter = (ttlMs: number, sampleEveryMs: number): readonly number[] => {
    const lease = leaseTiming(1, ttlMs);
    return [lease.heartbeatTimeoutMs, watchTiming(lease, sampleEveryMs).heartbeatTimeoutMs];
  };
  assert.deepEqual(missedAfter(30_000, 1_000), [5_000, 5_000]);
  assert.deepEqual(missedAfter(300_000, 1_000), [50_000, 5_000]);
  assert.deepEqual(missedAfter(300_000, 10_000), [50_000, 10_000]);
  assert.deepEqual(missedAfter(30_000, 60_000), [5_000, 5_000], 'blindness still ends before the fault does');
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

test('all leases of a run keep to one budget together, and its last stage may hold as long as they live', () => {
  const stages = planStages(
    { stages: [1, 5, 10, 25, 50].map((percent) => ({ kind: 'share', share: percent / 100, text: `${percent}%` })) },
    10_000,
  );
  const { renewEveryMs, blindBudgetMs } = leaseTiming(reachOf(stages));
  const perSecond = stages.map(({ from, to }) => (to - from) / (renewEveryMs / 1_000));
  assert.ok(perSecond.reduce((sum, one) => sum + one) <= 201);
  const many = pausing({ fault: 'host/pause', group: 'any', seed: 'any', ttlMs: DEFAULT_TTL_MS });
  assert.ok(notAfterMs(many, stages, 4) >= many.blastRadius.holdMs + blindBudgetMs);
});

test('what is sampled seldom is given the samples that prove its recovery', () => {
  assert.equal(recoveryMs({ sampleEveryMs: 1_000 }, 120_000), 123_000);
  assert.equal(recoveryMs({ sampleEveryMs: 600_000 }, 120_000), 1_920_000);
});

test('what takes a while until it is as it was may take it: nobody is told of it before, and a plan counts it', () => {
  const [moments, minutes] = [leaseTiming(10), leaseTiming(10, DEFAULT_TTL_MS, { revertMs: 600_000 })];
  assert.equal(revertPatienceMs(moments, 10), 30_000);
  assert.equal(revertPatienceMs(minutes, 10), 615_000);
  assert.equal(leaseTiming(500, DEFAULT_TTL_MS, { targetMs: 300 }).attemptMs, 160_000);
  const experiment = pausing({ fault: 'aws/instance-stop', group: 'any', seed: 'any', ttlMs: 30_000 });
  const stages = planStages(experiment.blastRadius, 5);
  const longer = worstCaseMs(experiment, stages, { revertMs: 600_000 }) - worstCaseMs(experiment, stages);
  assert.equal(longer, 600_000 * stages.length);
});

test('a fault may be on for its own stage and every later one, with their admission, and a run takes no longer than its plan says', () => {
  const experiment = pausing({ fault: 'host/pause', group: 'any', seed: 'any', ttlMs: 30_000, holdMs: 60_000 });
  const stages = planStages(experiment.blastRadius, 5);
  const [first = 0, second = 0, third = 0] = stages.map(({ stage }) => notAfterMs(experiment, stages, stage));
  const least = experiment.blastRadius.holdMs + ADMISSION_MS;
  assert.ok(third > least && second - third > least && first - second > least, `${first}, ${second}, ${third}`);
  const skipped = stages.map((planned) => (planned.stage === 1 ? { ...planned, skipped: 'nobody' } : planned));
  assert.equal(notAfterMs(experiment, skipped, 1), third, 'a stage that is skipped takes no time');
  const before = ADMISSION_MS + 2 * preflightTimeoutMs(experiment);
  const after = experiment.recoverWithinMs + 3 * experiment.sampleEveryMs;
  assert.equal(worstCaseMs(experiment, stages), before + first + after);
});
