/**
 * Journals of runs as they happen, for looking at.
 *
 * Owns made-up but coherent runs: the same numbers every time, in the order and the wording of a real run.
 */
import type { Experiment } from '../../domain/experiment.ts';
import type { CheckedReading, Journal, JournalEntry, JournalEvent } from '../../domain/journal.ts';
import type { Series, SeriesByProbe } from '../../domain/probe.ts';
import type { Dimension } from '../../domain/quantity.ts';
import { randomFrom } from '../../domain/random.ts';

const START_MS = Date.UTC(2026, 10, 23, 14, 0, 0);
const MINUTE_MS = 60_000;

export const EXPERIMENT: Experiment = {
  name: 'slow-payments',
  hypothesis: 'Checkout stays under 800 ms at p99 while payments answers 100 ms late',
  steadyState: [
    { probe: 'orders', group: 'business', tolerance: { kind: 'baseline', share: 0.1 } },
    {
      probe: 'error-rate',
      group: 'system',
      tolerance: { kind: 'range', max: { value: 0.01, dimension: 'ratio', text: '1%' } },
    },
    {
      probe: 'latency-p99',
      group: 'system',
      tolerance: { kind: 'range', max: { value: 800, dimension: 'duration', text: '800ms' } },
    },
    {
      probe: 'db-connections',
      group: 'dependencies',
      tolerance: {
        kind: 'range',
        min: { value: 10, dimension: 'count', text: '10' },
        max: { value: 100, dimension: 'count', text: '100' },
      },
    },
  ],
  fault: 'host/stutter',
  with: { stopped: '100ms', every: '400ms' },
  targets: { site: 'prod-eu', selector: { group: 'payments' } },
  blastRadius: {
    stages: [0.01, 0.05, 0.1, 0.25, 0.5].map((share) => ({ kind: 'share', share, text: `${share * 100}%` })),
    holdMs: 5 * MINUTE_MS,
    max: 60,
  },
  stopConditions: [
    {
      probe: 'error-rate',
      breach: { kind: 'above', limit: { value: 0.05, dimension: 'ratio', text: '5%' } },
      forMs: MINUTE_MS,
      abort: 'immediate',
    },
    {
      probe: 'latency-p99',
      breach: { kind: 'above', limit: { value: 2_000, dimension: 'duration', text: '2s' } },
      forMs: 2 * MINUTE_MS,
      abort: 'graceful',
    },
    { probe: 'orders', breach: { kind: 'drops', share: 0.3 }, forMs: 0, abort: 'immediate' },
  ],
  recoverWithinMs: 2 * MINUTE_MS,
  sampleEveryMs: 5_000,
};

const BASELINE = { orders: 21.4, 'error-rate': 0.0021, 'latency-p99': 312, 'db-connections': 42 };
const DIMENSIONS: Readonly<Record<string, Dimension>> = {
  orders: 'rate',
  'error-rate': 'ratio',
  'latency-p99': 'duration',
  'db-connections': 'count',
};

/** Collects events at times given in minutes from the start. */
export class Story {
  readonly #events: JournalEvent[] = [];
  readonly #run: string;

  constructor(run: string) {
    this.#run = run;
  }

  at(minutes: number, entry: JournalEntry): this {
    this.#events.push({ seq: this.#events.length, atMs: START_MS + Math.round(minutes * MINUTE_MS), ...entry });
    return this;
  }

  journal(): Journal {
    const events = this.#events
      .sort((a, b) => a.atMs - b.atMs || a.seq - b.seq)
      .map((event, seq) => ({ ...event, seq }));
    return { schema: 'squall/journal/v1', run: this.#run, events };
  }

  /** From the start to the end of pre-flight, for `candidates` of which some are left out. */
  begin(experiment: Experiment = EXPERIMENT, candidates = 120): this {
    return this.at(0, {
      type: 'started',
      experiment,
      documentHash: '5f1d3a9c0e7b42d68f90a1b2c3d4e5f60718293a4b5c6d7e8f9011223344556a',
      seed: 'k7Q2-payments',
      startedBy: 'ada@build-7',
      installation: 'shop-prod',
      versions: { squall: '0.1.0', temporalSdk: '1.24.0', node: '24.21.0' },
    })
      .at(0, { type: 'phase', phase: 'pre-flight' })
      .at(0.25, {
        type: 'pre-flight',
        checks: [
          { check: 'parameters', passed: true, found: 'stopped 100ms of every 400ms' },
          { check: 'driver', passed: true, found: 'signals to processes of the same user' },
          { check: 'targets', passed: true, found: `${candidates} candidates, 60 needed at most` },
          { check: 'occupied', passed: true, found: 'no other run holds these targets' },
          { check: 'probes', passed: true, found: '4 of 4 answer' },
          { check: 'steady state', passed: true, found: 'held in 5 samples' },
        ],
        candidates,
        excluded: [
          { reason: 'not ready', count: 2 },
          { reason: 'one of our own processes', count: 1 },
        ],
        baseline: BASELINE,
      })
      .at(0.25, { type: 'steady-state', when: 'before', held: true, readings: readings({}) });
  }

  /** Stages `from` to `to` of 120 candidates, each held for `holdMinutes`, starting at `at`. */
  widen(at: number, stages: readonly { size: string; reached: number }[], holdMinutes: number, candidates = 120): this {
    let before = 0;
    stages.forEach(({ size, reached }, stage) => {
      const from = at + stage * holdMinutes;
      this.at(from, { type: 'phase', phase: 'injecting', stage });
      this.at(from, {
        type: 'stage-opened',
        stage,
        size,
        lease: `${this.#run}/stage-${stage}`,
        targets: Array.from(
          { length: reached - before },
          (_, i) => `payments/payments-${before + i}@${4000 + before + i}.${980_000 + i}`,
        ),
        reached,
        radius: reached / candidates,
        ttlMs: 30_000,
      });
      this.at(from + 0.03, {
        type: 'stage-held',
        stage,
        injected: reached - before - (stage === 3 ? 1 : 0),
        problems: stage === 3 ? ['payments/payments-17: its process ended before it was touched'] : [],
      });
      this.at(from + 0.03, { type: 'phase', phase: 'holding', stage });
      before = reached;
    });
    return this;
  }

  /** Reverts all stages at `at`, the steady state returning `recoverMinutes` later. */
  unwind(at: number, targetsByStage: readonly number[], recoverMinutes: number, recovered = true): this {
    this.at(at, { type: 'phase', phase: 'rolling-back' });
    targetsByStage.forEach((targets, stage) =>
      this.at(at + 0.02 + stage * 0.01, {
        type: 'reverted',
        stage,
        lease: `${this.#run}/stage-${stage}`,
        by: stage === 1 ? 'revert-only' : 'lease',
        targets,
        tookMs: 640 + stage * 210,
      }),
    );
    return this.at(at + 0.1, { type: 'phase', phase: 'recovering' })
      .at(at + 0.1 + recoverMinutes, { type: 'steady-state', when: 'after', held: recovered, readings: readings({}) })
      .at(at + 0.1 + recoverMinutes, { type: 'recovered', recovered, tookMs: recoverMinutes * MINUTE_MS });
  }
}

/** Every check of the steady state, with other values for some probes. */
export function readings(values: Readonly<Record<string, number | null>>): CheckedReading[] {
  const expected = ['within 10% of the baseline 21.4/s', 'at most 1%', 'at most 800ms', 'between 10 and 100'];
  return EXPERIMENT.steadyState.map(({ probe, group, tolerance }, i) => {
    const value = probe in values ? (values[probe] ?? null) : BASELINE[probe as keyof typeof BASELINE] * (1 + i / 100);
    const limit = tolerance.kind === 'range' ? (tolerance.max?.value ?? Infinity) : 24;
    const floor = tolerance.kind === 'range' ? (tolerance.min?.value ?? 0) : 19;
    return {
      probe,
      group,
      dimension: DIMENSIONS[probe] ?? 'count',
      value,
      expected: expected[i] ?? '',
      held: value !== null && value <= limit && value >= floor,
    };
  });
}

/** Samples every `everySeconds` between two minutes; `shape` gives the factor on each probe's baseline, null for a gap. */
export function samples(
  fromMinutes: number,
  toMinutes: number,
  shape: (minutes: number, probe: string) => number | null,
  everySeconds = 5,
): SeriesByProbe {
  const random = randomFrom(`samples ${fromMinutes}`);
  const series: Record<string, Series> = {};
  for (const [probe, base] of Object.entries(BASELINE)) {
    const points: [number, number | null][] = [];
    for (let minutes = fromMinutes; minutes <= toMinutes; minutes += everySeconds / 60) {
      const factor = shape(minutes, probe);
      const noisy = factor === null ? null : Number((base * factor * (0.94 + random() * 0.12)).toPrecision(6));
      points.push([START_MS + Math.round(minutes * MINUTE_MS), noisy]);
    }
    series[probe] = { dimension: DIMENSIONS[probe] ?? 'count', points };
  }
  return series;
}

const LADDER = [
  { size: '1%', reached: 1 },
  { size: '5%', reached: 6 },
  { size: '10%', reached: 12 },
  { size: '25%', reached: 30 },
  { size: '50%', reached: 60 },
];

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
    .at(1.1, { type: 'stage-held', stage: 1, injected: 2, problems: [HOSTILE] })
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
    .at(2, { type: 'blind', what: 'hold', why: HOSTILE })
    .at(2, { type: 'abort', cause: 'person', mode: 'immediate', evidence: HOSTILE, by: HOSTILE, stage: 1 })
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
