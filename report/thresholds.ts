/**
 * Thresholds: what a probe's chart draws across it.
 *
 * Owns the way from an experiment's bounds and limits to lines at a height. A bound relative to a baseline that was not
 * taken has no height and no line; it is still said in words.
 */
import { describeStopCondition } from '../domain/breach.ts';
import type { Breach, Experiment, Tolerance } from '../domain/experiment.ts';
import { describeTolerance } from '../domain/steady-state.ts';
import { formatQuantity } from '../domain/units.ts';
import type { Dimension } from '../domain/quantity.ts';

/** A line at a height, in the probe's canonical unit. */
export interface Threshold {
  readonly kind: 'steady' | 'abort';
  readonly value: number;
  /** Short: `≤ 1%`, `> 5%`. */
  readonly label: string;
}

/** What was asked of one probe. */
export interface Asked {
  readonly lines: readonly Threshold[];
  /** The same in words, and what has no height: `steady: at most 1%`, `abort: above 5% for 1m`. */
  readonly words: readonly string[];
}

/** Everything `experiment` asks of `probe`; `steady` is what its steady state is called. */
export function askedOf(
  experiment: Pick<Experiment, 'steadyState' | 'stopConditions'>,
  probe: string,
  baseline: number | undefined,
  dimension: Dimension,
  steady = 'steady',
): Asked {
  const checks = experiment.steadyState.filter((check) => check.probe === probe);
  const conditions = experiment.stopConditions.filter((condition) => condition.probe === probe);
  return {
    lines: [
      ...checks.flatMap(({ tolerance }) => steadyLines(tolerance, baseline, dimension)),
      ...conditions.flatMap(({ breach }) => abortLines(breach, baseline, dimension)),
    ],
    words: [
      ...checks.map(({ tolerance }) => `${steady}: ${describeTolerance(tolerance, baseline, dimension)}`),
      ...conditions.map((condition) => `abort: ${describeStopCondition(condition).slice(probe.length + 1)}`),
    ],
  };
}

function steadyLines(tolerance: Tolerance, baseline: number | undefined, dimension: Dimension): Threshold[] {
  const line = (value: number, label: string): Threshold => ({ kind: 'steady', value, label });
  if (tolerance.kind === 'range') {
    const { min, max } = tolerance;
    return [...(max ? [line(max.value, `≤ ${max.text}`)] : []), ...(min ? [line(min.value, `≥ ${min.text}`)] : [])];
  }
  if (baseline === undefined) return [];
  const margin = Math.abs(baseline) * tolerance.share;
  return [
    line(baseline + margin, `≤ ${formatQuantity(baseline + margin, dimension)}`),
    line(baseline - margin, `≥ ${formatQuantity(baseline - margin, dimension)}`),
  ];
}

function abortLines(breach: Breach, baseline: number | undefined, dimension: Dimension): Threshold[] {
  const line = (value: number, label: string): Threshold => ({ kind: 'abort', value, label });
  switch (breach.kind) {
    case 'above':
      return [line(breach.limit.value, `> ${breach.limit.text}`)];
    case 'below':
      return [line(breach.limit.value, `< ${breach.limit.text}`)];
    case 'outside':
      return [line(breach.max.value, `> ${breach.max.text}`), line(breach.min.value, `< ${breach.min.text}`)];
    case 'drops':
    case 'rises': {
      if (baseline === undefined) return [];
      const down = breach.kind === 'drops';
      const value = baseline + Math.abs(baseline) * (down ? -breach.share : breach.share);
      return [line(value, `${down ? '<' : '>'} ${formatQuantity(value, dimension)}`)];
    }
    case 'count':
      return [];
  }
}
