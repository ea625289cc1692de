/**
 * Integrals: what samples add up to over time.
 *
 * Owns the trapezoid between two neighbouring readings, and which time is known at all. Time without a reading at both of its ends is
 * unknown; must never bridge it, nor take it for zero, for good or for bad.
 */
import type { Point } from './samples.ts';

/** A stretch of time, in milliseconds since the Unix epoch. */
export interface Window {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Known time between two readings; in between, the value is taken to go straight from `from` to `to`. */
export interface Known extends Window {
  readonly from: number;
  readonly to: number;
}

/** A pause between two points that is this many times longer than usual is a gap, whatever was read at its ends. */
const LONGER = 3;

/**
 * What is known of `window`, in the order of time. `points` are in that order too. `everyMs` is how often the probe is read; a
 * series that was thinned out since is judged by its own rhythm.
 */
export function knownIn(points: readonly Point[], { fromMs, toMs }: Window, everyMs: number): readonly Known[] {
  const longestMs = longestPauseMs(points, everyMs);
  return points.flatMap(([atMs, value], i) => {
    const [nextMs, next] = points[i + 1] ?? [atMs, null];
    const from = Math.max(atMs, fromMs);
    const to = Math.min(nextMs, toMs);
    if (value === null || next === null || to <= from || nextMs - atMs > longestMs) return [];
    const at = (ms: number): number => value + ((next - value) * (ms - atMs)) / (nextMs - atMs);
    return [{ fromMs: from, toMs: to, from: at(from), to: at(to) }];
  });
}

/** The same points, with one without a value wherever {@link knownIn} sees a gap between two: nobody may join them. */
export function apart(points: readonly Point[], everyMs: number): readonly Point[] {
  const longestMs = longestPauseMs(points, everyMs);
  return points.flatMap((point, i): readonly Point[] => {
    const [nextMs] = points[i + 1] ?? [point[0]];
    return nextMs - point[0] > longestMs ? [point, [point[0] + 1, null]] : [point];
  });
}

/** How much time is known, in milliseconds. */
export function knownMs(known: readonly Known[]): number {
  return sum(known, ({ fromMs, toMs }) => toMs - fromMs);
}

/** The integral of `level` minus the value, where the value is below it, in the value's unit times milliseconds; never negative. */
export function areaBelow(known: readonly Known[], level: number): number {
  return sum(known, ({ fromMs, toMs, from, to }) => {
    const [most, least] = [level - Math.min(from, to), level - Math.max(from, to)];
    if (most <= 0) return 0;
    // Where it crosses the level, only the triangle below counts.
    return least >= 0 ? ((most + least) / 2) * (toMs - fromMs) : (most / 2) * (most / (most - least)) * (toMs - fromMs);
  });
}

/** The mean of the value over the known time; null where none is known. */
export function meanOf(known: readonly Known[]): number | null {
  const ms = knownMs(known);
  return ms === 0 ? null : sum(known, ({ fromMs, toMs, from, to }) => ((from + to) / 2) * (toMs - fromMs)) / ms;
}

function longestPauseMs(points: readonly Point[], everyMs: number): number {
  return LONGER * Math.max(everyMs, medianPauseMs(points));
}

function medianPauseMs(points: readonly Point[]): number {
  const pauses = points.slice(1).map(([atMs], i) => atMs - (points[i]?.[0] ?? atMs));
  return pauses.toSorted((a, b) => a - b)[Math.floor(pauses.length / 2)] ?? 0;
}

function sum(known: readonly Known[], of: (one: Known) => number): number {
  return known.reduce((total, one) => total + of(one), 0);
}
