/**
 * The backdrop of every chart: when what was going on.
 *
 * Owns the stretches that are shaded behind the probes (stages, rollback, recovery) and the moment of abort. Must never
 * shade a fault as over before its absence was verified.
 */
import type { RunSummary } from '../domain/run-summary.ts';

/** The share of all that follows that is shown of the time before the first stage. */
const LEAD = 0.2;

/** A shaded stretch. */
export interface Shade {
  readonly kind: 'stage' | 'rollback' | 'recovery';
  readonly fromMs: number;
  readonly toMs: number;
  readonly label: string;
  /** Where there is no room for the label. */
  readonly short?: string;
  /** For stages: 0 for the first to 1 for the last that was opened; a wider stage is darker. */
  readonly depth: number;
}

/** What all charts of a run share. */
export interface Backdrop {
  readonly fromMs: number;
  readonly toMs: number;
  readonly shades: readonly Shade[];
  readonly abortAtMs: number | null;
  /** Moments that are drawn across the plot, without a label: the legend says what they are. */
  readonly moments?: readonly Moment[];
}

/** A fault was put on, or an alert began to fire. */
export interface Moment {
  readonly kind: 'fault' | 'alert';
  readonly atMs: number;
}

/** The backdrop of one run. */
export function backdropOf(summary: RunSummary): Backdrop {
  const { startedAtMs, endedAtMs, lastAtMs, rollback, recovery } = summary;
  const sampled = Object.values(summary.samples).flatMap(({ points }) => points.map(([atMs]) => atMs));
  const toMs = Math.max(endedAtMs ?? 0, lastAtMs, startedAtMs + 1_000, sampled.at(-1) ?? 0);
  const shades: Shade[] = stageShades(summary, rollback?.fromMs ?? toMs);
  if (rollback) {
    shades.push({
      kind: 'rollback',
      fromMs: rollback.fromMs,
      toMs: rollback.toMs ?? toMs,
      label: 'rollback',
      depth: 0,
    });
  }
  if (recovery) {
    shades.push({
      kind: 'recovery',
      fromMs: recovery.fromMs,
      toMs: recovery.toMs ?? toMs,
      label: 'recovery',
      depth: 0,
    });
  }
  // However long a run waited for people, or for targets: what is looked at comes after.
  const beginsMs = Math.min(shades[0]?.fromMs ?? Infinity, sampled[0] ?? Infinity);
  const fromMs = Number.isFinite(beginsMs) ? Math.max(startedAtMs, beginsMs - LEAD * (toMs - beginsMs)) : startedAtMs;
  return { fromMs, toMs, shades, abortAtMs: summary.decisive?.atMs ?? null };
}

/** Targets under fault over time: a point wherever the number changes. */
export function reachOverTime(summary: RunSummary, { fromMs, toMs }: Backdrop): [atMs: number, targets: number][] {
  const changes = summary.stages
    .flatMap(({ openedAtMs, revertedAtMs, targets }): [number, number][] => [
      ...(openedAtMs === null ? [] : [[openedAtMs, targets.length] satisfies [number, number]]),
      ...(revertedAtMs === null || openedAtMs === null
        ? []
        : [[revertedAtMs, -targets.length] satisfies [number, number]]),
    ])
    .sort(([a], [b]) => a - b);
  let now = 0;
  const steps = changes.map(([atMs, change]): [number, number] => [atMs, (now += change)]);
  return [[fromMs, 0], ...steps, [toMs, now]];
}

function stageShades({ stages }: RunSummary, untilMs: number): Shade[] {
  const opened = stages.flatMap(({ openedAtMs, size, stage }) =>
    openedAtMs === null ? [] : [{ openedAtMs, size, stage }],
  );
  return opened.map(({ openedAtMs, size }, i) => ({
    kind: 'stage',
    fromMs: openedAtMs,
    toMs: opened[i + 1]?.openedAtMs ?? Math.max(untilMs, openedAtMs),
    label: size,
    depth: opened.length === 1 ? 1 : i / (opened.length - 1),
  }));
}
