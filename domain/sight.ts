/**
 * Sight: how much of a stage was watched.
 *
 * Owns laying what a watch sampled, by its own clock, at the time at which it was heard of less the time that had passed
 * since its last sample: durations travel, instants do not. What nobody watched, or no
 * answer was had of, proves nothing. Pure.
 */
import type { SeriesByProbe } from './probe.ts';

/** Of each stage's hold at least this share must have been watched for a run to say anything (ratio). */
export const SIGHT_MIN = 0.5;

/** A stretch of time on one clock, in milliseconds. */
export interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
}

/** When each probe answered, in the order of time. */
export type Sights = Readonly<Record<string, readonly Stretch[]>>;

/**
 * What a watch saw that took `series`, the last of it at `lastMs`: of each probe, from answer to next answer. A sample
 * without data is no sight, nor is the time around it.
 */
export function sightsOf(series: SeriesByProbe, lastMs: number): Sights {
  const times = Object.values(series).flatMap(({ points }) => points.map(([atMs]) => atMs));
  const shiftMs = lastMs - times.reduce((a, b) => Math.max(a, b), -Infinity);
  return Object.fromEntries(
    Object.entries(series).map(([probe, { points }]) => {
      const stretches: Stretch[] = [];
      for (const [i, [atMs, value]] of points.entries()) {
        const [beforeMs, before] = points[i - 1] ?? [];
        if (beforeMs === undefined || before === null || value === null) continue;
        const open = stretches.at(-1);
        const stretch = { fromMs: beforeMs + shiftMs, toMs: atMs + shiftMs };
        // Many answers in a row are one stretch: these are kept for as long as the run lasts.
        if (open?.toMs === stretch.fromMs) stretches[stretches.length - 1] = { ...open, toMs: stretch.toMs };
        else stretches.push(stretch);
      }
      return [probe, stretches];
    }),
  );
}

/** The share of `stage` that `sights`, in the order of time, cover, by the probe that saw the least of it (ratio). */
export function watchedShare(sights: readonly Sights[], stage: Stretch): number {
  const heldMs = stage.toMs - stage.fromMs;
  if (heldMs <= 0) return 1;
  const probes = new Set(sights.flatMap((sight) => Object.keys(sight)));
  if (probes.size === 0) return 0;
  const seen = [...probes].map((probe) =>
    seenMs(
      sights.flatMap((sight) => sight[probe] ?? []),
      stage,
    ),
  );
  return Math.min(...seen) / heldMs;
}

function seenMs(stretches: readonly Stretch[], stage: Stretch): number {
  let { fromMs } = stage;
  let sum = 0;
  for (const stretch of stretches) {
    const beginMs = Math.max(stretch.fromMs, fromMs);
    const endMs = Math.min(stretch.toMs, stage.toMs);
    if (endMs <= beginMs) continue;
    sum += endMs - beginMs;
    fromMs = endMs;
  }
  return sum;
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
