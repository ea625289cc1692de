/**
 * Samples: the bounded record of what probes read.
 *
 * Owns how samples are kept small without losing what matters: the first and last point, every spike and every gap
 * survive at the series' resolution. Must never invent a point or move one in time.
 */
import type { Sample, Series, SeriesByProbe } from './probe.ts';
import type { Dimension } from './quantity.ts';

/** One point of a series: `[atMs, value]`, `null` where there was no data. */
export type Point = Series['points'][number];

/** The most points of one probe that travel in a heartbeat or a result. */
export const MAX_POINTS = 240;
/** The most bytes that the series of all probes of one watch take as JSON. */
export const MAX_SERIES_BYTES = 32 * 1024;
/** The fewest points a series is reduced to: the first, the last, the lowest, the highest and a gap. */
export const MIN_POINTS = 5;

/** Significant digits a recorded value keeps; what is judged is judged before it is recorded. */
const DIGITS = 6;
/** The most that one point takes as JSON: `[1763924544000,-123456000000000000000],`. */
const POINT_BYTES = 40;

/** `series` with one more sample; reduced to `maxPoints` whenever it has grown to twice that. Values keep six digits. */
export function append(
  series: Series | undefined,
  dimension: Dimension,
  sample: Sample,
  maxPoints = MAX_POINTS,
): Series {
  const value = sample.reading.ok ? Number(sample.reading.value.toPrecision(DIGITS)) : null;
  const points: Point[] = [...(series?.points ?? []), [Math.round(sample.atMs), value]];
  return { dimension, points: points.length >= 2 * maxPoints ? downsample(points, maxPoints) : points };
}

/**
 * At most `max` of `points` (never fewer than {@link MIN_POINTS} are asked for), in order: the first, the last, and of
 * each of equally long stretches of time the lowest, the highest and one gap. Only points that were there are returned.
 */
export function downsample(points: readonly Point[], max: number): readonly Point[] {
  const limit = Math.max(MIN_POINTS, Math.floor(max));
  const first = points[0];
  const last = points.at(-1);
  if (points.length <= limit || first === undefined || last === undefined) return points;
  const buckets = Math.floor((limit - 2) / 3);
  const spanMs = Math.max(1, last[0] - first[0]);
  const kept = new Set<number>([0, points.length - 1]);
  const stretches: Stretch[] = Array.from({ length: buckets }, () => ({}));
  points.forEach((point, index) => {
    const share = (point[0] - first[0]) / spanMs;
    const stretch = stretches[Math.min(buckets - 1, Math.max(0, Math.floor(share * buckets)))];
    if (stretch !== undefined) note(stretch, point, index, points);
  });
  for (const { lowest, highest, gap } of stretches) {
    for (const index of [lowest, highest, gap]) if (index !== undefined) kept.add(index);
  }
  return points.filter((_, index) => kept.has(index));
}

/** Both series of each probe, in the order of time; a point that is in both counts once. */
export function mergeSeries(earlier: SeriesByProbe, later: SeriesByProbe): SeriesByProbe {
  const merged: Record<string, Series> = { ...earlier };
  for (const [probe, { dimension, points }] of Object.entries(later)) {
    const all = [...(merged[probe]?.points ?? []), ...points].sort(([a], [b]) => a - b);
    const once = all.filter((point, index) => index === 0 || !samePoint(point, all[index - 1]));
    merged[probe] = { dimension, points: once };
  }
  return merged;
}

/** All of them, as {@link mergeSeries} merges two; in pairs, so that a day of many small pieces takes no time that grows with its square. */
export function mergeAll(pieces: readonly SeriesByProbe[]): SeriesByProbe {
  const [first = {}, second] = pieces;
  if (second === undefined) return mergeSeries({}, first);
  const middle = Math.ceil(pieces.length / 2);
  return mergeSeries(mergeAll(pieces.slice(0, middle)), mergeAll(pieces.slice(middle)));
}

/**
 * The series reduced so that each has at most `maxPoints` and all together take at most `maxBytes` as JSON, as far as
 * {@link MIN_POINTS} a probe allow. Every probe gets the same number of points.
 */
export function boundSeries(series: SeriesByProbe, maxPoints = MAX_POINTS, maxBytes = MAX_SERIES_BYTES): SeriesByProbe {
  const entries = Object.entries(series);
  if (entries.length === 0) return series;
  const names = entries.reduce((bytes, [probe]) => bytes + probe.length + POINT_BYTES + 16, 2);
  const each = Math.floor((maxBytes - names) / entries.length / POINT_BYTES);
  const limit = Math.min(maxPoints, each);
  return Object.fromEntries(
    entries.map(([probe, { dimension, points }]) => [probe, { dimension, points: downsample(points, limit) }]),
  );
}

/** Indexes of the points of one stretch that must survive. */
interface Stretch {
  lowest?: number;
  highest?: number;
  gap?: number;
}

function note(stretch: Stretch, [, value]: Point, index: number, points: readonly Point[]): void {
  if (value === null) {
    stretch.gap ??= index;
    return;
  }
  const valueAt = (at: number | undefined): number | null => (at === undefined ? null : (points[at]?.[1] ?? null));
  const lowest = valueAt(stretch.lowest);
  const highest = valueAt(stretch.highest);
  if (lowest === null || value < lowest) stretch.lowest = index;
  if (highest === null || value > highest) stretch.highest = index;
}

function samePoint(one: Point, other: Point | undefined): boolean {
  return other !== undefined && one[0] === other[0] && one[1] === other[1];
}
