/**
 * How a made-up game day is told: its document, its record event by event, and the journals of its runs.
 */
import type { GameDayEntry, GameDayEvent, GameDayRecord } from '../../domain/game-day-events.ts';
import type { GameDay } from '../../domain/game-day.ts';
import type { Journal, JournalEntry } from '../../domain/journal.ts';
import type { SeriesByProbe } from '../../domain/probe.ts';
import { randomFrom } from '../../domain/random.ts';
import { EXPERIMENT, MINUTE_MS, readings, START_MS, Story } from './story.ts';

const quantity = (value: number, dimension: 'ratio' | 'duration' | 'rate', text: string) => ({
  value,
  dimension,
  text,
});
const experiment = (name: string, fault: string) =>
  ({ kind: 'experiment', experiment: { ...EXPERIMENT, name, fault }, documentHash: 'ab'.repeat(32) }) as const;

/** Three scenarios of a quarter of an hour, half an hour apart. */
export const GAME_DAY: GameDay = {
  name: 'autumn-game-day',
  purpose:
    'We want to know whether orders survive the loss of the database’s primary, and whether people find the runbooks.',
  durationMs: 120 * MINUTE_MS,
  site: 'prod-eu',
  roles: { commander: 'ada', scribe: 'grace', communications: 'edsger', observers: ['barbara', 'ken'] },
  briefing: 'Nobody is on their own today.',
  abortOn: [
    { probe: 'orders', breach: { kind: 'drops', share: 0.6 }, forMs: MINUTE_MS, abort: 'immediate' },
    {
      probe: 'latency-p99',
      breach: { kind: 'above', limit: quantity(3_000, 'duration', '3s') },
      forMs: 0,
      abort: 'immediate',
    },
  ],
  watched: [
    { probe: 'orders', stands: 'business' },
    { probe: 'conversion', stands: 'business' },
    { probe: 'in-service', stands: 'availability' },
    { probe: 'latency-p99', stands: 'system' },
  ],
  sampleEveryMs: 5_000,
  scenarios: [
    {
      name: 'database-primary-fails',
      offsetMs: 0,
      work: experiment('primary-stops', 'aws/rds-failover'),
      expected: 'A replica is promoted within 30 s, and no order is lost.',
      criteria: [
        { name: 'recovery in 30 s', kind: 'recovery', withinMs: 30_000 },
        {
          name: 'orders go on',
          kind: 'measured',
          probe: 'orders',
          accept: { kind: 'baseline', share: 0.2 },
          when: { withinMs: 2 * MINUTE_MS },
        },
        { name: 'the pager rings', kind: 'alert', alert: 'DatabasePrimaryDown', withinMs: 2 * MINUTE_MS },
        { name: 'clear customer communication', kind: 'judged', by: 'observer' },
      ],
      timeoutMs: 15 * MINUTE_MS,
      approve: 'commander',
    },
    {
      name: 'cascade',
      offsetMs: 30 * MINUTE_MS,
      work: {
        kind: 'parallel',
        of: [
          experiment('slow-payments', 'kubernetes/pod-latency'),
          experiment('stressed-catalogue', 'kubernetes/pod-stress'),
        ],
      },
      expected: 'Breakers open, customers see fewer products and can still buy.',
      criteria: [
        {
          name: 'p99 under 2 s',
          kind: 'measured',
          probe: 'latency-p99',
          accept: { kind: 'range', max: quantity(2_000, 'duration', '2s') },
          when: 'throughout',
        },
        {
          name: 'nine of ten are in service',
          kind: 'measured',
          probe: 'in-service',
          accept: { kind: 'range', min: quantity(0.9, 'ratio', '90%') },
          when: 'throughout',
        },
        { name: 'the hypothesis holds', kind: 'hypothesis' },
      ],
      timeoutMs: 15 * MINUTE_MS,
      approve: 'auto',
    },
    {
      name: 'stolen-credentials',
      offsetMs: 60 * MINUTE_MS,
      work: {
        kind: 'sequence',
        of: [
          { kind: 'by-hand', step: 'Revoke the deploy key of the shop' },
          { kind: 'by-hand', step: 'Draw new database passwords' },
        ],
      },
      expected: 'The keys are drawn anew within ten minutes.',
      criteria: [
        {
          name: 'orders go on',
          kind: 'measured',
          probe: 'orders',
          accept: { kind: 'range', min: quantity(15, 'rate', '15/s') },
          when: 'throughout',
        },
        { name: 'everybody knew whom to call', kind: 'judged', by: 'commander' },
      ],
      timeoutMs: 15 * MINUTE_MS,
      approve: 'commander',
    },
  ],
};

const BASELINE = { orders: 21.4, conversion: 0.034, 'in-service': 1, 'latency-p99': 312 };
const DIMENSIONS = { orders: 'rate', conversion: 'ratio', 'in-service': 'ratio', 'latency-p99': 'duration' } as const;
/** A probe of the day. */
export type Probe = keyof typeof BASELINE;

/** Collects events at times given in minutes from when the day was called. */
export class Day {
  readonly #events: GameDayEvent[] = [];
  readonly #day: string;

  constructor(day: string) {
    this.#day = day;
  }

  at(minutes: number, entry: GameDayEntry): this {
    this.#events.push({ seq: this.#events.length, atMs: START_MS + Math.round(minutes * MINUTE_MS), ...entry });
    return this;
  }

  /** Called at once, and begun after two minutes. */
  begin(gameDay: GameDay = GAME_DAY): this {
    return this.call(gameDay).at(2, { type: 'begun', by: 'ada' }).at(2, { type: 'baseline', readings: BASELINE });
  }

  call(gameDay: GameDay = GAME_DAY): this {
    return this.at(0, {
      type: 'called',
      gameDay,
      documentHash: 'cd'.repeat(32),
      installation: 'shop-prod',
      by: 'ada',
      from: 'laptop-3',
    });
  }

  /** Every probe's readings; `shape` gives the factor on its baseline, null for a gap. */
  samples(from: number, to: number, shape: (minutes: number, probe: Probe) => number | null): this {
    const random = randomFrom(`samples ${from}`);
    const probes = Object.keys(BASELINE) as Probe[];
    const series: SeriesByProbe = Object.fromEntries(
      probes.map((probe) => {
        const points: [number, number | null][] = [];
        for (let minutes = from; minutes <= to; minutes += 5 / 60) {
          const factor = shape(minutes, probe);
          const noise = probe === 'in-service' ? 1 : 0.97 + random() * 0.06;
          const value = factor === null ? null : Number((BASELINE[probe] * factor * noise).toPrecision(6));
          points.push([START_MS + Math.round(minutes * MINUTE_MS), value]);
        }
        return [probe, { dimension: DIMENSIONS[probe], points }];
      }),
    );
    return this.at(to, { type: 'samples', series });
  }

  record(): GameDayRecord {
    const events = this.#events.toSorted((a, b) => a.atMs - b.atMs || a.seq - b.seq);
    return { schema: 'squall/game-day/v1', day: this.#day, events };
  }
}

/** What differs between runs. Times in minutes from when the day was called. */
interface Ran {
  readonly fault?: string;
  readonly on: number;
  readonly off: number;
  /** Until the steady state is back; null: it did not return. */
  readonly backAfter: number | null;
  /** Whether the steady state was left under the fault. */
  readonly left?: boolean;
  readonly more?: readonly (readonly [at: number, entry: JournalEntry])[];
}

/** A run of one stage of two targets, whole. */
export function runOf(run: string, { fault = 'host/pause', on, off, backAfter, left = true, more = [] }: Ran): Journal {
  const story = new Story(run)
    .at(on - 0.2, {
      type: 'started',
      experiment: { ...EXPERIMENT, name: run, fault },
      documentHash: 'ab'.repeat(32),
      seed: 'seed',
      startedBy: 'ada',
      installation: 'shop-prod',
      versions: {},
    })
    .widen(on, [{ size: '2', reached: 2 }], 1)
    .unwind(off, [2], backAfter ?? 2, backAfter !== null)
    .at(off + 0.1, {
      type: 'steady-state',
      when: 'during',
      held: !left,
      readings: readings(left ? { orders: 9 } : {}),
    });
  for (const [at, entry] of more) story.at(at, entry);
  const deviated = backAfter === null;
  const reason = deviated ? 'the steady state did not return' : 'the steady state held before and after the fault';
  return story.at(off + 0.2 + (backAfter ?? 2), { type: 'closed', status: 'completed', deviated, reason }).journal();
}
