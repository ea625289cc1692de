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
 * Why `limit` cannot be compared with a probe of dimension `probe`, or undefined where it can. A plain number is accepted
 * for ratios up to 1, where it cannot be misread: 5 for 5 % would be 500 %, and never reached. Durations, bytes and rates
 * need their unit.
 */
export function misfit(limit: Quantity, probe: Dimension): string | undefined {
  const plain = limit.dimension === 'count' && probe === 'ratio';
  if (limit.dimension !== probe && !plain) return `measures ${probe}, and is compared with ${limit.dimension}`;
  if (!plain || limit.value <= 1) return undefined;
  const percent = `${Number((limit.value * 100).toPrecision(12))}%`;
  return `measures ratio, where ${limit.text} is ${percent}: write ${limit.text}% or ${percent}`;
}
