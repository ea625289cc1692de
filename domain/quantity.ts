/**
 * Quantities: numbers that know what they measure.
 *
 * Owns the dimensions Squall compares probes and limits in, and the canonical unit of each. Everything past the
 * border is in canonical units, so two quantities of one dimension compare as plain numbers. Must never guess a unit.
 */

/**
 * What a number measures. The canonical unit of each: `duration` milliseconds, `ratio` 0..1 (1 % is 0.01),
 * `bytes` bytes, `rate` events per second, `count` a plain number.
 */
export type Dimension = 'duration' | 'ratio' | 'bytes' | 'rate' | 'count';

/** A number in its dimension's canonical unit, with the words the author wrote it in. */
export interface Quantity {
  readonly value: number;
  readonly dimension: Dimension;
  /** As written in the document, for people: `500ms`, `1%`. */
  readonly text: string;
}

/**
 * Whether a limit of dimension `limit` may be compared with a probe of dimension `probe`.
 * A plain number is accepted for ratios and counts, where it cannot be misread; durations, bytes and rates need their unit.
 */
export function comparable(limit: Dimension, probe: Dimension): boolean {
  return limit === probe || (limit === 'count' && probe === 'ratio');
}
