/**
 * What customers had of a game day: availability, and what business lost.
 *
 * Owns both figures (`docs/game-days.md`). Time that nobody measured is shown as such: it is not up, not down, and nothing was lost in it.
 */
import type { DayStory } from './game-day-story.ts';
import type {
  AvailabilityFigure,
  AvailabilityReport,
  ImpactFigure,
  ImpactReport,
  Sight,
  Stands,
} from './game-day-summary.ts';
import { areaBelow, knownIn, knownMs, meanOf } from './integral.ts';
import type { Known, Window } from './integral.ts';
import type { Series } from './probe.ts';

/** One for each watched probe that stands for availability. */
export function availabilityOf(story: DayStory): readonly AvailabilityReport[] {
  return probesFor(story, 'availability').map((probe) => {
    const series = own(story.series, probe);
    const why = unfit(series);
    const fit = why === null ? series : undefined;
    const figure = (window: Window): AvailabilityFigure => availabilityIn(window, knownOf(story, fit, window));
    return { probe, why, ...over(story, figure) };
  });
}

/** One for each watched probe that stands for business. */
export function impactOf(story: DayStory): readonly ImpactReport[] {
  return probesFor(story, 'business').map((probe) => {
    const series = own(story.series, probe);
    const baseline = own(story.state.baseline, probe) ?? null;
    const summed = series?.dimension === 'rate' ? baseline : null;
    const figure = (window: Window): ImpactFigure => impactIn(window, knownOf(story, series, window), summed);
    const { whole, scenarios } = over(story, figure);
    const within = scenarios.reduce((sum, one) => sum + (one?.lost ?? 0), 0);
    return {
      probe,
      dimension: series?.dimension ?? 'count',
      baseline,
      why: unsummed(series, baseline),
      whole,
      scenarios,
      between: whole.lost === null ? null : Math.max(0, whole.lost - within),
    };
  });
}

function over<T>(
  { whole, spans }: DayStory,
  figure: (window: Window) => T,
): { readonly whole: T; readonly scenarios: readonly (T | null)[] } {
  return { whole: figure(whole), scenarios: spans.map((span) => span && figure(span)) };
}

function availabilityIn(window: Window, known: readonly Known[]): AvailabilityFigure {
  const sight = sightOf(window, known);
  const up = known.map((one) => ({ ...one, from: unit(one.from), to: unit(one.to) }));
  const share = meanOf(up);
  const totalMs = sight.knownMs + sight.unknownMs;
  return { ...sight, share, atLeast: share === null || totalMs === 0 ? 0 : (share * sight.knownMs) / totalMs };
}

function impactIn(window: Window, known: readonly Known[], baseline: number | null): ImpactFigure {
  const values = known.flatMap(({ from, to }) => [from, to]);
  const sight = sightOf(window, known);
  return {
    ...sight,
    lost: baseline === null || known.length === 0 ? null : areaBelow(known, baseline) / 1_000,
    expected: baseline === null || known.length === 0 ? null : (baseline * sight.knownMs) / 1_000,
    lowest: values.length === 0 ? null : values.reduce((a, b) => Math.min(a, b)),
    highest: values.length === 0 ? null : values.reduce((a, b) => Math.max(a, b)),
    mean: meanOf(known),
  };
}

function sightOf({ fromMs, toMs }: Window, known: readonly Known[]): Sight {
  const ms = knownMs(known);
  return { knownMs: ms, unknownMs: Math.max(0, toMs - fromMs - ms) };
}

function knownOf({ state }: DayStory, series: Series | undefined, window: Window): readonly Known[] {
  return series === undefined ? [] : knownIn(series.points, window, state.gameDay.sampleEveryMs);
}

function probesFor({ state }: DayStory, stands: Stands): readonly string[] {
  return [...new Set(state.gameDay.watched.filter((one) => one.stands === stands).map(({ probe }) => probe))];
}

/** The record's own entry: a probe may be called `constructor`. */
function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

/** A share, or a number that is 1 while it is up. */
function unit(value: number): number {
  return Math.min(1, Math.max(0, value));
}

function unfit(series: Series | undefined): string | null {
  if (series === undefined) return 'it was never read';
  const { dimension } = series;
  return dimension === 'ratio' || dimension === 'count'
    ? null
    : `it measures ${dimension}: expected a ratio that is 1 while all is well, or a count that is 1 while it is up and else 0`;
}

function unsummed(series: Series | undefined, baseline: number | null): string | null {
  if (series === undefined) return 'it was never read';
  if (baseline === null) return 'no baseline was taken';
  return series.dimension === 'rate' ? null : `it measures ${series.dimension}, and only a rate adds up to a number`;
}
