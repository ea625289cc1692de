/**
 * Journals of runs as they happen, for looking at.
 *
 * Owns made-up but coherent runs: the same numbers every time.
 */
import type { Experiment } from '../../domain/experiment.ts';
import type { Journal } from '../../domain/journal.ts';
import { EXPERIMENT, LADDER, MINUTE_MS, START_MS, readings, samples, Story } from './story.ts';

/** Five stages of eleven minutes, an hour of samples with one gap; the hypothesis held. */
export function heldRun(): Journal {
  const stageAt = (minutes: number): number => Math.max(0, Math.min(5, Math.ceil((minutes - 1) / 11)));
  const shape = (minutes: number, probe: string): number | null => {
    if (probe === 'db-connections' && minutes > 20 && minutes < 20.4) return null;
    if (probe === 'latency-p99') return minutes > 56 ? 1 : 1 + stageAt(minutes) * 0.18;
    return probe === 'orders' ? 1 - stageAt(minutes) * 0.006 : 1;
  };
  return new Story('slow-payments-20261123-140000-a1')
    .begin()
    .widen(1, LADDER, 11)
    .at(56, { type: 'samples', series: samples(0.3, 56, shape) })
    .unwind(56, [1, 5, 6, 17, 30], 0.3)
    .at(56.1, { type: 'steady-state', when: 'during', held: true, readings: readings({ 'latency-p99': 590 }) })
    .at(60, { type: 'samples', series: samples(56.1, 60, shape) })
    .at(60, {
      type: 'closed',
      status: 'completed',
      deviated: false,
      reason: 'the steady state held before and after the fault',
    })
    .journal();
}

/** Aborted by a sustained breach at the fourth stage, after one breach that ended in time. */
export function abortedRun(): Journal {
  const shape = (minutes: number, probe: string): number | null => {
    const hurt = minutes > 18.2 && minutes < 20.6 ? 1 : 0;
    const brief = minutes > 13.4 && minutes < 13.8 ? 1 : 0;
    const healing = minutes >= 20.6 ? Math.max(0, 1 - (minutes - 20.6) * 2.4) : 0;
    const stress = Math.max(hurt, healing);
    if (probe === 'error-rate') return 1 + stress * 33 + brief * 26 + (minutes > 12 ? 1.4 : 0);
    if (probe === 'latency-p99') return 1 + stress * 4.6 + (minutes > 11 ? 0.5 : 0) + (minutes > 6 ? 0.2 : 0);
    if (probe === 'orders') return 1 - stress * 0.19;
    return minutes > 16.1 && minutes < 16.8 ? null : 1 + stress * 0.9;
  };
  const evidence = 'error-rate 7.1% is above 5%';
  return new Story('slow-payments-20261123-140000-b2')
    .begin()
    .widen(1, LADDER.slice(0, 4), 5)
    .at(13.45, {
      type: 'edge',
      edge: 'breach-begins',
      condition: 0,
      probe: 'error-rate',
      value: 0.061,
      evidence: 'error-rate 6.1% is above 5%',
    })
    .at(13.46, { type: 'timer', timer: 'started', condition: 0, forMs: MINUTE_MS })
    .at(13.9, {
      type: 'edge',
      edge: 'breach-ends',
      condition: 0,
      probe: 'error-rate',
      value: 0.004,
      evidence: 'error-rate 0.4% is not above 5%',
    })
    .at(13.9, { type: 'timer', timer: 'cancelled', condition: 0, forMs: MINUTE_MS })
    .at(16.2, { type: 'blind', what: 'watch', why: 'the site worker was restarted' })
    .at(18.25, { type: 'samples', series: samples(0.3, 18.25, shape) })
    .at(18.3, { type: 'edge', edge: 'breach-begins', condition: 0, probe: 'error-rate', value: 0.071, evidence })
    .at(18.3, { type: 'timer', timer: 'started', condition: 0, forMs: MINUTE_MS })
    .at(19.3, { type: 'timer', timer: 'fired', condition: 0, forMs: MINUTE_MS })
    .at(19.3, {
      type: 'abort',
      cause: 'stop-condition',
      mode: 'immediate',
      evidence: `${evidence}, sustained for 60 s`,
      stage: 3,
    })
    .at(20.6, { type: 'samples', series: samples(18.33, 20.6, shape) })
    .unwind(19.31, [1, 5, 6, 17], 1.42)
    .at(20.7, {
      type: 'steady-state',
      when: 'during',
      held: false,
      readings: readings({ 'error-rate': 0.071, 'latency-p99': 1745, orders: 17.3 }),
    })
    .at(21.6, { type: 'samples', series: samples(20.65, 21.6, shape) })
    .at(21.6, { type: 'closed', status: 'aborted', deviated: true, reason: `${evidence}, sustained for 60 s` })
    .journal();
}

/** Refused because a probe did not answer. */
export function refusedRun(): Journal {
  const found = 'latency-p99 does not answer: connection refused';
  return new Story('slow-payments-20261123-140000-c3')
    .begin()
    .at(0.3, { type: 'refused', check: 'probes', found })
    .at(0.3, { type: 'closed', status: 'refused', deviated: null, reason: `probes: ${found}` })
    .journal();
}

/** Ended while it held, by whoever `cause` is. */
export function endedRun(cause: 'admission' | 'emergency-stop' | 'cancelled'): Journal {
  const evidence = `${cause} says so`;
  return new Story('slow-payments-20261123-140000-f6')
    .begin()
    .widen(1, LADDER.slice(0, 2), 5)
    .at(8, { type: 'abort', cause, mode: 'immediate', evidence, stage: 1 })
    .at(8, { type: 'samples', series: samples(0.3, 8, () => 1) })
    .unwind(8, [1, 5], 0.3)
    .at(9, { type: 'closed', status: 'aborted', deviated: null, reason: evidence })
    .journal();
}

/** Reset while it held; what began anew was refused. */
export function resetRun(): Journal {
  const found = 'checkout is slow';
  return new Story('slow-payments-20261123-140000-g7')
    .begin()
    .widen(1, LADDER.slice(0, 2), 5)
    .unwind(8, [1, 5], 0.3)
    .at(9, { type: 'refused', check: 'no-incidents', found })
    .at(9, { type: 'closed', status: 'refused', deviated: null, reason: `no-incidents: ${found}` })
    .journal();
}

/** A revert that keeps failing; the run is open and waits for a person. */
export function stuckRun(): Journal {
  return new Story('slow-payments-20261123-140000-d4')
    .begin()
    .widen(1, LADDER.slice(0, 2), 5)
    .at(8, { type: 'abort', cause: 'person', mode: 'immediate', evidence: 'the pager went off', by: 'grace', stage: 1 })
    .at(8, { type: 'samples', series: samples(0.3, 8, () => 1) })
    .at(8, { type: 'phase', phase: 'rolling-back' })
    .at(8.1, { type: 'reverted', stage: 1, lease: 'slow-payments/stage-1', by: 'lease', targets: 5, tookMs: 900 })
    .at(13, {
      type: 'stuck',
      stage: 0,
      lease: 'slow-payments/stage-0',
      why: 'payments-0 does not answer: permission denied',
    })
    .at(13, { type: 'phase', phase: 'stuck' })
    .journal();
}

/** Ten thousand candidates, half of them reached. */
export function hugeRun(): Journal {
  const ladder = [0.01, 0.05, 0.1, 0.25, 0.5].map((share) => ({ size: `${share * 100}%`, reached: share * 10_000 }));
  return new Story('wide-20261123-140000-e5')
    .begin({ ...EXPERIMENT, name: 'wide' }, 10_000)
    .widen(1, ladder, 2, 10_000)
    .at(11, { type: 'samples', series: samples(0.3, 11, () => 1, 1) })
    .unwind(11, [100, 400, 500, 1500, 2500], 0.5)
    .at(12, {
      type: 'closed',
      status: 'completed',
      deviated: false,
      reason: 'the steady state held before and after the fault',
    })
    .journal();
}

/** What a hostile target, probe or person might call itself. */
export const HOSTILE = `"><script>window.pwned=1</script><img src=x onerror="window.pwned=1">'&amp;]]></style>`;

/** Every text that comes from outside is hostile. */
export function hostileRun(): Journal {
  const experiment: Experiment = {
    ...EXPERIMENT,
    name: HOSTILE,
    hypothesis: HOSTILE,
    fault: HOSTILE,
    with: { [HOSTILE]: HOSTILE },
    targets: { site: HOSTILE, selector: { [HOSTILE]: [HOSTILE] } },
    steadyState: EXPERIMENT.steadyState.map((check) => ({ ...check, probe: HOSTILE })),
    stopConditions: EXPERIMENT.stopConditions.map((condition) => ({ ...condition, probe: HOSTILE })),
  };
  const long = 'x'.repeat(500);
  return new Story(HOSTILE)
    .at(0, {
      type: 'started',
      experiment,
      documentHash: HOSTILE,
      seed: HOSTILE,
      startedBy: HOSTILE,
      installation: HOSTILE,
      versions: { [HOSTILE]: HOSTILE },
    })
    .at(0, { type: 'phase', phase: 'pre-flight' })
    .at(0.1, {
      type: 'pre-flight',
      checks: [{ check: HOSTILE, passed: false, found: long }],
      candidates: 2,
      excluded: [{ reason: HOSTILE, count: 1 }],
      baseline: { [HOSTILE]: 1 },
    })
    .at(0.5, { type: 'stage-skipped', stage: 0, size: HOSTILE, why: HOSTILE })
    .at(1, {
      type: 'stage-opened',
      stage: 1,
      size: HOSTILE,
      lease: HOSTILE,
      targets: [HOSTILE, long],
      reached: 2,
      radius: 1,
      ttlMs: 30_000,
    })
    .at(1.1, { type: 'stage-held', stage: 1, injected: 2, problems: [HOSTILE], how: [HOSTILE] })
    .at(2, {
      type: 'samples',
      series: {
        [HOSTILE]: {
          dimension: 'count',
          points: [
            [START_MS + 61_000, 1],
            [START_MS + 90_000, 3],
          ],
        },
      },
    })
    .at(2, { type: 'edge', edge: 'no-data', probe: HOSTILE, value: null, evidence: HOSTILE })
    .at(2, { type: 'blind', what: 'watch', why: HOSTILE })
    .at(2, { type: 'abort', cause: 'person', mode: 'immediate', evidence: HOSTILE, by: HOSTILE, stage: 1 })
    .at(2, { type: 'told', to: HOSTILE, delivered: false, why: HOSTILE })
    .at(2, { type: 'phase', phase: 'rolling-back' })
    .at(2.1, { type: 'reverted', stage: 1, lease: HOSTILE, by: 'lease', targets: 2, tookMs: 10 })
    .at(2.1, {
      type: 'steady-state',
      when: 'after',
      held: false,
      readings: [{ probe: HOSTILE, group: 'system', value: null, expected: HOSTILE, held: false }],
    })
    .at(2.2, { type: 'closed', status: 'aborted', deviated: null, reason: HOSTILE })
    .journal();
}
