/**
 * The measures of the `metrics` probe: from a page, or from counters' rises, to one number.
 *
 * Owns which series are meant and what idleness reads as. A selector that matches nothing is no data, except where the
 * page proves that the metric is there and has merely counted nothing yet.
 */
import type { Reading } from '../../domain/probe.ts';
import { CounterTotal, SERIES_MAX } from './counters.ts';
import type { Rise } from './counters.ts';
import type { ExposedSeries, Exposition } from './exposition.ts';
import { quantileOf } from './histogram.ts';
import { noData } from './reading.ts';
import { matches } from './selector.ts';
import type { Selector } from './selector.ts';

/** Totals of the counters a measure needs, by name, or why there are none. */
export type Counted =
  { readonly ok: true; readonly totals: ReadonlyMap<string, number> } | { readonly ok: false; readonly why: string };

/** Reads one page, or counts every page and reads what rose between two of them. */
export type Measure =
  | { readonly kind: 'direct'; read(page: Exposition): Reading }
  | { readonly kind: 'windowed'; totals(page: Exposition): Counted; read(rise: Rise): Reading };

/** What a measure is chosen by; one of the first five is present. */
export interface MeasureSettings {
  readonly rate?: Selector | undefined;
  readonly ratio?: { readonly of: Selector; readonly to: Selector } | undefined;
  readonly histogram?: Selector | undefined;
  readonly gauge?: Selector | undefined;
  readonly counter?: Selector | undefined;
  readonly quantile?: number | undefined;
  readonly idle?: number | undefined;
  readonly beyondLargest?: 'no-data' | 'bound' | undefined;
}

/** The measure that the settings choose, with a memory of its own. */
export function measureOf(settings: MeasureSettings): Measure {
  const { rate, ratio, histogram, gauge, counter, idle } = settings;
  if (rate) return rateMeasure(rate, idle);
  if (ratio) return ratioMeasure(ratio.of, ratio.to, idle);
  if (histogram) return quantileMeasure(histogram, settings);
  const direct = gauge ?? counter;
  if (direct === undefined) throw new Error('no measure was chosen');
  return { kind: 'direct', read: (page) => sum(direct, page, idle) };
}

function rateMeasure(selector: Selector, idle: number | undefined): Measure {
  const counter = new CounterTotal();
  let everMatched = false;
  return {
    kind: 'windowed',
    totals: (page) => {
      const found = select(selector, page);
      if (!found.ok) return found;
      if (found.series.length === 0 && idle === undefined) return nothingMatches(selector);
      everMatched ||= found.series.length > 0;
      const total = counter.add(found.series);
      return { ok: true, totals: new Map(everMatched ? [['rise', total]] : []) };
    },
    read: ({ spanMs, values }) => {
      const rise = values.get('rise');
      return rise === undefined
        ? idleReading(idle, `nothing matches ${selector.text}`)
        : { ok: true, value: (rise * 1000) / spanMs };
    },
  };
}

function ratioMeasure(of: Selector, to: Selector, idle: number | undefined): Measure {
  const part = new CounterTotal();
  const whole = new CounterTotal();
  return {
    kind: 'windowed',
    totals: (page) => {
      const parts = select(of, page);
      const wholes = select(to, page);
      if (!parts.ok) return parts;
      if (!wholes.ok) return wholes;
      if (wholes.series.length === 0 && idle === undefined) return nothingMatches(to);
      const totals = [['of', part.add(parts.series)] as const, ['to', whole.add(wholes.series)] as const];
      return { ok: true, totals: new Map(totals) };
    },
    read: ({ values }) => {
      const ofRise = values.get('of') ?? 0;
      const toRise = values.get('to') ?? 0;
      if (toRise > 0) return { ok: true, value: ofRise / toRise };
      return ofRise === 0
        ? idleReading(idle, `${to.text} did not rise`)
        : noData(`${of.text} rose and ${to.text} did not`);
    },
  };
}

function quantileMeasure(selector: Selector, { quantile = 0.5, idle, beyondLargest }: MeasureSettings): Measure {
  const buckets = { ...selector, name: selector.name.endsWith('_bucket') ? selector.name : `${selector.name}_bucket` };
  const counters = new Map<string, CounterTotal>();
  return {
    kind: 'windowed',
    totals: (page) => {
      const declared = page.has(selector.name) && !page.has(buckets.name);
      const found = declared ? { ok: true as const, series: [] } : select(buckets, page);
      if (!found.ok) return found;
      if (found.series.length === 0 && idle === undefined) return nothingMatches(selector);
      return { ok: true, totals: addBuckets(counters, found.series) };
    },
    read: ({ values }) => {
      if (values.size === 0) return idleReading(idle, `${selector.text} has no buckets yet`);
      const found = quantileOf(
        quantile,
        [...values].map(([bound, count]) => ({ bound: Number(bound), count })),
      );
      if (found.kind === 'value') return { ok: true, value: found.value };
      if (found.kind === 'idle') return idleReading(idle, `${selector.text} observed nothing`);
      if (found.kind === 'malformed') return noData(`${selector.text} is not a histogram with a +Inf bucket`);
      if (beyondLargest === 'bound') return { ok: true, value: found.bound };
      return noData(`the ${quantile} quantile of ${selector.text} is beyond its largest bucket, ${found.bound}`);
    },
  };
}

/** Totals by bound. A bucket is counted with all its labels, so that each process's reset is its own. */
function addBuckets(counters: Map<string, CounterTotal>, series: readonly ExposedSeries[]): Map<string, number> {
  const byBound = Map.groupBy(series, ({ labels }) => boundOf(labels.get('le') ?? ''));
  const bounds = new Set([...counters.keys(), ...byBound.keys()]);
  if (counters.size === 0) bounds.forEach((bound) => counters.set(bound, new CounterTotal()));
  return new Map(
    [...bounds].map((bound) => {
      const counter = counters.get(bound);
      if (counter === undefined) throw new Error('the buckets of the histogram changed');
      return [bound, counter.add(byBound.get(bound) ?? [])];
    }),
  );
}

function boundOf(le: string): string {
  const bound = /^\+?inf$/i.test(le) ? Infinity : le === '' ? NaN : Number(le);
  if (Number.isNaN(bound)) throw new Error('a bucket of the histogram has no bound');
  return String(bound);
}

type Selected =
  { readonly ok: true; readonly series: readonly ExposedSeries[] } | { readonly ok: false; readonly why: string };

/**
 * The series meant. None is an answer only where the page knows the metric and its labels: a selector with a typing error
 * must not read as silence.
 */
function select(selector: Selector, page: Exposition): Selected {
  const known = page.get(selector.name);
  if (known === undefined) return { ok: false, why: `the page has no metric ${selector.name}` };
  const strange = selector.matchers.find(
    ({ label }) => known.length > 0 && !known.some(({ labels }) => labels.has(label)),
  );
  if (strange !== undefined) return { ok: false, why: `no series of ${selector.name} has a label ${strange.label}` };
  const series = known.filter(({ labels }) => matches(selector, labels));
  return series.length > SERIES_MAX ? { ok: false, why: `more than ${SERIES_MAX} series match` } : { ok: true, series };
}

function sum(selector: Selector, page: Exposition, idle: number | undefined): Reading {
  const found = select(selector, page);
  if (!found.ok) return found;
  if (found.series.length === 0) return idleReading(idle, `nothing matches ${selector.text}`);
  return { ok: true, value: found.series.reduce((total, { value }) => total + value, 0) };
}

function idleReading(idle: number | undefined, why: string): Reading {
  return idle === undefined ? noData(why) : { ok: true, value: idle };
}

function nothingMatches(selector: Selector): { readonly ok: false; readonly why: string } {
  return { ok: false, why: `nothing matches ${selector.text}` };
}
