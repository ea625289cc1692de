/**
 * How a made-up run is told: its experiment, and the events in the order and the wording of a real run.
 */
import type { Experiment } from '../../domain/experiment.ts';
import type { CheckedReading, Journal, JournalEntry, JournalEvent } from '../../domain/journal.ts';
import type { Series, SeriesByProbe } from '../../domain/probe.ts';
import type { Dimension } from '../../domain/quantity.ts';
import { randomFrom } from '../../domain/random.ts';

export const START_MS = Date.UTC(2026, 10, 23, 14, 0, 0);
export const MINUTE_MS = 60_000;

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

export const LADDER = [
  { size: '1%', reached: 1 },
  { size: '5%', reached: 6 },
  { size: '10%', reached: 12 },
  { size: '25%', reached: 30 },
  { size: '50%', reached: 60 },
];

/** Five stages of eleven minutes, an hour of samples with one gap; the hypothesis held. */
