/**
 * Probes: ways to read one number about the system.
 *
 * Owns the words for a reading. A reading is a value or an honest "no data"; there is no third thing, and nothing
 * turns "no data" into a value.
 */
import type { Dimension } from './quantity.ts';

/** One reading: a finite value in the canonical unit of the probe's dimension, or why there is none. */
export type Reading = { readonly ok: true; readonly value: number } | { readonly ok: false; readonly why: string };

/** A reading at a time. `atMs` is milliseconds since the Unix epoch on the sampling worker's clock. */
export interface Sample {
  readonly atMs: number;
  readonly reading: Reading;
}

/** One probe's samples as they travel and are journalled: `[atMs, value]`, `null` where there was no data. */
export interface Series {
  readonly dimension: Dimension;
  readonly points: readonly (readonly [atMs: number, value: number | null])[];
}

/** Samples of several probes, by probe name. */
export interface SeriesByProbe {
  readonly [probe: string]: Series;
}
