/** The timeline: the fault's reach and every probe over one time axis. */
import type { Series } from '../../domain/probe.ts';
import type { Point } from '../../domain/samples.ts';
import type { RunSummary } from '../../domain/run-summary.ts';
import { backdropOf, reachOverTime } from '../backdrop.ts';
import type { Backdrop } from '../backdrop.ts';
import { drawChart, NARROW, WIDE } from '../chart.ts';
import type { Chart } from '../chart.ts';
import { html } from '../markup.ts';
import type { Markup } from '../markup.ts';
import { askedOf } from '../thresholds.ts';
import { clock, counted, reading } from '../words.ts';

/** Charts of every probe that was sampled; says so where there is none. */
export function timeline(summary: RunSummary): Markup {
  const backdrop = backdropOf(summary);
  const probes = Object.entries(summary.samples).sort(byExperiment(summary));
  const reach = reachOverTime(summary, backdrop);
  const figures = [
    ...(reach.length > 2 ? [figure('Targets under fault', [], reachChart(reach, backdrop), 'reach')] : []),
    ...probes.map(([probe, series], i) => probeFigure(summary, backdrop, probe, series, `probe${i}`)),
  ];
  return html`<section aria-labelledby="timeline">
    <h2 id="timeline">Timeline</h2>
    <p class="note">${clock(backdrop.fromMs)} to ${clock(backdrop.toMs)} UTC. ${NOTE(figures.length)}</p>
    ${figures.length > 0 && legend(backdrop)} ${figures}
  </section>`;
}

const NOTE = (charts: number): string =>
  charts === 0
    ? 'No sample was taken and no fault was on.'
    : 'A wider stage is shaded more strongly; a gap in a line is time without data, or in which nothing is sampled, as while faults are reverted.';

function legend({ shades, abortAtMs }: Backdrop): Markup {
  const has = (kind: string): boolean => shades.some((shade) => shade.kind === kind);
  return html`<ul class="legend">
    ${has('stage') && html`<li><span class="swatch stage"></span>fault on, by stage</li>`}
    ${has('rollback') && html`<li><span class="swatch rollback"></span>rollback</li>`}
    ${has('recovery') && html`<li><span class="swatch recovery"></span>recovery</li>`}
    <li><span class="swatch steady"></span>steady-state bound</li>
    <li><span class="swatch limit"></span>stop condition</li>
    ${abortAtMs !== null && html`<li><span class="swatch moment"></span>abort</li>`}
  </ul>`;
}

function probeFigure(summary: RunSummary, backdrop: Backdrop, probe: string, series: Series, id: string): Markup {
  const { points, dimension } = series;
  const baselines = summary.preflight?.baseline ?? {};
  const baseline = Object.hasOwn(baselines, probe) ? baselines[probe] : undefined;
  const asked = summary.started
    ? askedOf(summary.started.experiment, probe, baseline, dimension)
    : { lines: [], words: [] };
  const drawn = { points: apart(points, summary), dimension, steps: false, thresholds: asked.lines, backdrop };
  return figure(probe, [...asked.words, ...gaps(points)], drawn, id);
}

/** Nothing is sampled while faults are reverted: what was read before and after is not joined. */
function apart(points: readonly Point[], { rollback, started }: RunSummary): readonly Point[] {
  const { fromMs, toMs } = rollback ?? { fromMs: 0, toMs: null };
  const longMs = 3 * (started?.experiment.sampleEveryMs ?? 1_000);
  const after = points.findIndex(([atMs]) => toMs !== null && atMs >= toMs);
  const [beforeMs] = points[after - 1] ?? [];
  const [afterMs] = points[after] ?? [];
  if (beforeMs === undefined || afterMs === undefined || afterMs - Math.max(beforeMs, fromMs) < longMs) return points;
  return [...points.slice(0, after), [beforeMs + 1, null], ...points.slice(after)];
}

function reachChart(reach: readonly Point[], backdrop: Backdrop): Chart {
  return { points: reach, dimension: 'count', steps: true, thresholds: [], backdrop };
}

/** One chart, for wide screens and for narrow ones. */
export function figure(name: string, words: readonly string[], chart: Chart, id: string): Markup {
  const label = describe(name, words, chart);
  return html`<figure>
    <figcaption><h3>${name}</h3><p>${words.join(' · ')}</p></figcaption>
    <div class="chart wide" role="img" aria-label="${label}">${drawChart(chart, WIDE, `${id}w`)}</div>
    <div class="chart narrow" role="img" aria-label="${label}">${drawChart(chart, NARROW, `${id}n`)}</div>
  </figure>`;
}

/** How much of a series there is not, in words. */
export function gaps(points: readonly Point[]): string[] {
  const missing = points.filter(([, value]) => value === null).length;
  return missing === 0 ? [] : [`${counted(missing, 'sample')} without data`];
}

/** The chart for those who do not see it. */
function describe(name: string, words: readonly string[], { points, dimension, backdrop }: Chart): string {
  let low: number | null = null;
  let high: number | null = null;
  for (const [, value] of points) {
    if (value === null) continue;
    low = Math.min(low ?? value, value);
    high = Math.max(high ?? value, value);
  }
  const abort = backdrop.abortAtMs === null ? '' : ` Aborted at ${clock(backdrop.abortAtMs)}.`;
  const asked = words.length === 0 ? '' : ` ${words.join('; ')}.`;
  return `${name} from ${clock(backdrop.fromMs)} to ${clock(backdrop.toMs)} UTC: lowest ${reading(low, dimension)}, highest ${reading(high, dimension)}.${asked}${abort}`;
}

/** Business first, as the experiment lists them; then what only a stop condition watches. */
function byExperiment({
  started,
}: RunSummary): (a: readonly [string, unknown], b: readonly [string, unknown]) => number {
  const { steadyState = [], stopConditions = [] } = started?.experiment ?? {};
  const order = [...steadyState, ...stopConditions].map(({ probe }) => probe);
  const rank = (probe: string): number => (order.includes(probe) ? order.indexOf(probe) : order.length);
  return ([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1);
}
