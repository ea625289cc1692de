/**
 * The steady state: whether readings are what the hypothesis accepts.
 *
 * Owns tolerances and baselines. No data never holds, and neither does nearness to a baseline that was not taken; must
 * never soften either into a pass.
 */
import type { SteadyStateCheck, Tolerance } from './experiment.ts';
import type { CheckedReading } from './journal.ts';
import type { Reading } from './probe.ts';
import type { Dimension } from './quantity.ts';
import { formatQuantity } from './units.ts';

/** Readings of several probes at one time, by probe name. */
export type Readings = Readonly<Record<string, Reading>>;
/** What probes read before anything was touched, by probe name, in canonical units. */
export type Baseline = Readonly<Record<string, number>>;
/** What probes measure, by probe name; only for the wording. */
export type Dimensions = Readonly<Record<string, Dimension>>;

/** Every check against its reading, in the order of `checks`. */
export function checkSteadyState(
  checks: readonly SteadyStateCheck[],
  readings: Readings,
  baseline: Baseline,
  dimensions: Dimensions = {},
): CheckedReading[] {
  return checks.map(({ probe, group, tolerance }) => {
    const reading = own(readings, probe);
    const base = own(baseline, probe);
    const dimension = own(dimensions, probe) ?? dimensionOf(tolerance);
    const value = reading?.ok === true && Number.isFinite(reading.value) ? reading.value : null;
    return {
      probe,
      group,
      ...(dimension === undefined ? {} : { dimension }),
      value,
      expected: describeTolerance(tolerance, base, dimension),
      held: value !== null && accepts(tolerance, value, base),
    };
  });
}

/** The readings that do not hold, in words: `latency-p99 is 714ms, expected at most 300ms`. */
export function describeLeft(readings: readonly CheckedReading[], verb: 'is' | 'was'): string {
  const left = readings.filter(({ held }) => !held);
  const words = ({ probe, value, dimension = 'count', expected }: CheckedReading): string =>
    `${probe} ${verb} ${value === null ? 'without data' : formatQuantity(value, dimension)}, expected ${expected}`;
  return left.map(words).join('; ');
}

/** What is accepted, in words: `at most 500ms`, `between 10 and 100`, `within 10% of the baseline 120`. */
export function describeTolerance(tolerance: Tolerance, baseline?: number, dimension: Dimension = 'count'): string {
  if (tolerance.kind === 'baseline') {
    const base =
      baseline === undefined ? 'a baseline, and none was taken' : `the baseline ${formatQuantity(baseline, dimension)}`;
    return `within ${formatQuantity(tolerance.share, 'ratio')} of ${base}`;
  }
  const { min, max } = tolerance;
  if (min && max) return `between ${min.text} and ${max.text}`;
  if (max) return `at most ${max.text}`;
  return min ? `at least ${min.text}` : 'any value';
}

/**
 * The baseline of one probe: the median of its readings that have a value; undefined unless more than half of them do,
 * because a probe that mostly does not answer has no normal.
 */
export function baselineOf(readings: readonly Reading[]): number | undefined {
  const values = readings.flatMap((reading) => (reading.ok ? [reading.value] : [])).sort((a, b) => a - b);
  if (values.length * 2 <= readings.length) return undefined;
  const upper = values[Math.floor(values.length / 2)];
  const lower = values[Math.floor((values.length - 1) / 2)];
  return upper === undefined || lower === undefined ? undefined : lower / 2 + upper / 2;
}

/** Whether this is accepted; nearness to a baseline that was not taken is not. */
export function accepts(tolerance: Tolerance, value: number, baseline: number | undefined): boolean {
  if (tolerance.kind === 'baseline') {
    return baseline !== undefined && Math.abs(value - baseline) <= Math.abs(baseline) * tolerance.share;
  }
  const { min, max } = tolerance;
  return (min === undefined || value >= min.value) && (max === undefined || value <= max.value);
}

/** Of `values`, the one that is furthest outside what is accepted, or nearest to its end; undefined of none. */
export function worstOf(
  tolerance: Tolerance,
  values: readonly number[],
  baseline: number | undefined,
): number | undefined {
  const badness = (value: number): number => {
    if (tolerance.kind === 'baseline') return baseline === undefined ? 0 : Math.abs(value - baseline);
    const { min, max } = tolerance;
    return Math.max(max ? value - max.value : -Infinity, min ? min.value - value : -Infinity);
  };
  return values.length === 0
    ? undefined
    : values.reduce((worst, value) => (badness(value) > badness(worst) ? value : worst));
}

function dimensionOf(tolerance: Tolerance): Dimension | undefined {
  return tolerance.kind === 'range' ? (tolerance.max ?? tolerance.min)?.dimension : undefined;
}

/** The record's own entry: a probe may be called `constructor`. */
function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
