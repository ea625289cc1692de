/**
 * The units that probes' sources speak in.
 *
 * Owns the step from a source's unit to a dimension and its canonical unit. A probe always names its unit: guessing
 * between seconds and milliseconds is how a threshold comes to be off by a thousand.
 */
import type { Dimension } from '../../domain/quantity.ts';

/** What a unit means: `scale` multiplies a number in it into the dimension's canonical unit. */
export interface UnitMeaning {
  readonly dimension: Dimension;
  readonly scale: number;
}

/** Every unit that `unit:` may name. */
export const UNITS = {
  ms: { dimension: 'duration', scale: 1 },
  s: { dimension: 'duration', scale: 1000 },
  ratio: { dimension: 'ratio', scale: 1 },
  percent: { dimension: 'ratio', scale: 0.01 },
  bytes: { dimension: 'bytes', scale: 1 },
  'per-second': { dimension: 'rate', scale: 1 },
  'per-minute': { dimension: 'rate', scale: 1 / 60 },
  'per-hour': { dimension: 'rate', scale: 1 / 3600 },
  count: { dimension: 'count', scale: 1 },
} as const satisfies Record<string, UnitMeaning>;

/** A unit's name. */
export type Unit = keyof typeof UNITS;
/** The units' names, for a schema. */
export const UNIT_NAMES = Object.keys(UNITS) as [Unit, ...Unit[]];
