/**
 * Sight: how much of a stage was watched.
 *
 * Owns laying what a watch sampled, by its own clock, at the time at which it was heard of less the time that had passed
 * since its last sample: durations travel, instants do not. What nobody watched proves nothing. Pure.
 */
import type { SeriesByProbe } from './probe.ts';

/** Of each stage's hold at least this share must have been watched for a run to say anything (ratio). */
export const SIGHT_MIN = 0.5;

/** A stretch of time on one clock, in milliseconds. */
export interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
}

/** When a watch looked that took `series`, the last of it at `untilMs`: from its first sample to its last. */
export function sightOf(series: SeriesByProbe, untilMs: number): Stretch {
  const times = Object.values(series).flatMap(({ points }) => points.map(([atMs]) => atMs));
  if (times.length === 0) return { fromMs: untilMs, toMs: untilMs };
  const tookMs = times.reduce((a, b) => Math.max(a, b)) - times.reduce((a, b) => Math.min(a, b));
  return { fromMs: untilMs - tookMs, toMs: untilMs };
}

/** The share of `stage` that `sights`, in the order of time, cover (ratio). */
export function watchedShare(sights: readonly Stretch[], stage: Stretch): number {
  let { fromMs } = stage;
  let seenMs = 0;
  for (const sight of sights) {
    const beginMs = Math.max(sight.fromMs, fromMs);
    const endMs = Math.min(sight.toMs, stage.toMs);
    if (endMs <= beginMs) continue;
    seenMs += endMs - beginMs;
    fromMs = endMs;
  }
  const heldMs = stage.toMs - stage.fromMs;
  return heldMs > 0 ? seenMs / heldMs : 1;
}

/** What was sampled in the last `forMs` of `series`. */
export function lastOf(series: SeriesByProbe, forMs: number): SeriesByProbe {
  return Object.fromEntries(
    Object.entries(series).map(([probe, { dimension, points }]) => {
      const sinceMs = (points.at(-1)?.[0] ?? 0) - forMs;
      return [probe, { dimension, points: points.filter(([atMs]) => atMs >= sinceMs) }];
    }),
  );
}
