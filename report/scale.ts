/**
 * The vertical scale of a chart.
 *
 * Owns the choice of its ends and steps: round numbers, zero where nothing is below it, and every threshold in sight
 * unless it would flatten the readings into a line.
 */
import type { Dimension } from '../domain/quantity.ts';
import type { Point } from '../domain/samples.ts';
import type { Threshold } from './thresholds.ts';

/** In the probe's canonical unit. */
export interface Scale {
  readonly min: number;
  readonly max: number;
  readonly interval: number;
}

/** A threshold this many times above the readings is not drawn; the caption still names it. */
const OFF_SCALE = 25;
/** Steps that a scale has, about. */
const STEPS = 4;
/** The scale of readings that are all zero, by dimension. */
const FLAT: Readonly<Record<Dimension, number>> = { duration: 100, ratio: 0.01, bytes: 1_024, rate: 1, count: 4 };

/** The scale for these readings and thresholds. */
export function scaleOf(points: readonly Point[], thresholds: readonly Threshold[], dimension: Dimension): Scale {
  let low = 0;
  let high = 0;
  for (const [, value] of points) {
    if (value === null) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const reach = Math.max(high, -low);
  for (const { value } of thresholds) {
    if (reach > 0 && Math.abs(value) > reach * OFF_SCALE) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (high === low) high = FLAT[dimension];
  const interval = stepOf((high - low) / STEPS, dimension);
  return { min: Math.floor(low / interval) * interval, max: Math.ceil((high * 1.02) / interval) * interval, interval };
}

/** The next of 1, 2, 2.5, 5 × 10ⁿ; above a minute, of what clocks count in; whole where things are counted. */
function stepOf(least: number, dimension: Dimension): number {
  if (dimension === 'duration' && least > 10_000) {
    const steps = [15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 43_200, 86_400].map((s) => s * 1_000);
    const step = steps.find((one) => one >= least);
    if (step !== undefined) return step;
  }
  const power = 10 ** Math.floor(Math.log10(least));
  const step = ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= least * 0.999) ?? 10) * power;
  return dimension === 'count' ? Math.max(1, Math.ceil(step)) : step;
}
