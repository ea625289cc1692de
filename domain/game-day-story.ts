/**
 * A game day's record, as its report goes by it.
 *
 * Owns when each scenario went on, which alerts began to fire, and what people wrote; where the day is, is {@link dayStateOf}'s. Pure, and
 * total over every record that says which day was called: one that stops anywhere says what it knows and no more.
 */
import type { GameDayEvent, GameDayRecord } from './game-day-events.ts';
import { dayStateOf } from './game-day-state.ts';
import type { DayRun, DayState } from './game-day-state.ts';
import type { Action, Finding } from './game-day-summary.ts';
import type { Window } from './integral.ts';
import type { SeriesByProbe } from './probe.ts';
import { mergeAll } from './samples.ts';

/** A day. Times are milliseconds since the Unix epoch. */
export interface DayStory {
  readonly day: string;
  readonly called: DayEventOf<'called'>;
  readonly state: DayState;
  /** From its beginning to its end, or to the last that is known of it; empty before it has begun. */
  readonly whole: Window;
  /** The last thing that is known of. */
  readonly lastAtMs: number;
  /** When each scenario went on; null for one that has not begun. */
  readonly spans: readonly (Window | null)[];
  readonly runs: readonly StoryRun[];
  readonly series: SeriesByProbe;
  readonly edges: readonly DayEventOf<'edge'>[];
  /** Alerts that began to fire. One that fired when it was first looked for is none. */
  readonly firings: readonly { readonly alert: string; readonly atMs: number }[];
  /** Whether anybody looked for alerts, and could tell. */
  readonly looked: boolean;
  readonly notes: readonly DayEventOf<'note'>[];
  readonly findings: readonly Finding[];
  readonly actions: readonly Action[];
}

/** A run, and which scenario it is of. */
export interface StoryRun extends DayRun {
  readonly scenario: number;
  /** When the day heard of its end. */
  readonly endedAtMs: number | null;
}

/** An event of one type. */
export type DayEventOf<T extends GameDayEvent['type']> = Extract<GameDayEvent, { type: T }>;

/** Folds a record; undefined where it does not say which day was called. */
export function dayStory({ day, events }: GameDayRecord): DayStory | undefined {
  const of = <T extends GameDayEvent['type']>(type: T): DayEventOf<T>[] =>
    events.filter((event): event is DayEventOf<T> => event.type === type);
  const state = dayStateOf(events);
  const [called] = of('called');
  if (state === undefined || called === undefined) return undefined;
  const lastAtMs = events.reduce((last, event) => Math.max(last, lastOf(event)), 0);
  const toMs = state.endedAtMs ?? lastAtMs;
  return {
    day,
    called,
    state,
    whole: { fromMs: state.begunAtMs ?? toMs, toMs },
    lastAtMs,
    spans: state.scenarios.map(({ begunAtMs, endedAtMs }) =>
      begunAtMs === undefined ? null : { fromMs: begunAtMs, toMs: endedAtMs ?? toMs },
    ),
    runs: runsOf(state, of('run-ended')),
    series: mergeAll(of('samples').map(({ series }) => series)),
    edges: of('edge'),
    firings: firingsOf(of('alert')),
    looked: of('alert').some(({ firing }) => firing !== null) || of('alerts').some(({ readable }) => readable),
    notes: of('note'),
    findings: of('finding').map(({ text, by, atMs, scenario = null }) => ({ text, by, atMs, scenario })),
    actions: of('action').map(({ text, by, atMs, owner, scenario = null }, i) => ({
      item: i + 1,
      owner,
      text,
      by,
      atMs,
      scenario,
    })),
  };
}

/** The scenario that went on at a time; null between them. */
export function scenarioAt({ spans }: Pick<DayStory, 'spans'>, atMs: number): number | null {
  const there = spans.findLastIndex((span) => span !== null && span.fromMs <= atMs && atMs <= span.toMs);
  return there < 0 ? null : there;
}

/** An open day is known up to its last sample, which is written down later than it was taken. */
function lastOf(event: GameDayEvent): number {
  if (event.type !== 'samples') return event.atMs;
  return Math.max(...Object.values(event.series).map(({ points }) => points.at(-1)?.[0] ?? 0), 0);
}

function runsOf({ scenarios }: DayState, ended: readonly DayEventOf<'run-ended'>[]): readonly StoryRun[] {
  return scenarios.flatMap(({ runs }, scenario) =>
    runs.map((run) => ({
      ...run,
      scenario,
      endedAtMs: ended.findLast((event) => event.run === run.run)?.atMs ?? null,
    })),
  );
}

function firingsOf(alerts: readonly DayEventOf<'alert'>[]): DayStory['firings'] {
  const known = new Map<string, boolean>();
  return alerts.flatMap(({ alert, firing, atMs }) => {
    const before = known.get(alert);
    if (firing !== null) known.set(alert, firing);
    return firing === true && before === false ? [{ alert, atMs }] : [];
  });
}
