/** The charts of a game day: each of its probes over one time axis, with its scenarios, faults and alerts. */
import type { GameDay } from '../../domain/game-day.ts';
import type { GameDayReport } from '../../domain/game-day-summary.ts';
import { apart } from '../../domain/integral.ts';
import type { Series } from '../../domain/probe.ts';
import type { Backdrop, Shade } from '../backdrop.ts';
import { html } from '../markup.ts';
import type { Markup } from '../markup.ts';
import { figure, gaps } from '../sections/timeline.ts';
import { askedOf } from '../thresholds.ts';
import { clock } from '../words.ts';

/** What their legend has besides that of a run. */
export const CHARTS_STYLE = `
.swatch.scenario{background:color-mix(in srgb,var(--shade-stage) 35%,var(--paper));border:1px solid var(--rule-strong)}
.swatch.fault{background:var(--shade-stage);border-left:2px dashed var(--calm);border-radius:0}
.swatch.alert{width:0;height:16px;border-left:2px dotted var(--warn);border-radius:0}`;

/** Charts of every probe that was read; says so where there is none. */
export function charts(report: GameDayReport): Markup {
  const backdrop = backdropOf(report);
  const probes = Object.entries(report.series).sort(byWhatTheyStandFor(report));
  return html`<section aria-labelledby="timeline">
    <h2 id="timeline">Timeline</h2>
    <p class="note">${clock(backdrop.fromMs)} to ${clock(backdrop.toMs)} UTC. ${probes.length === 0 ? 'No probe was read.' : NOTE}</p>
    ${probes.length > 0 && legend(backdrop, report.gameDay)} ${probes.map(([probe, series], i) => chart(report, backdrop, probe, series, `day${i}`))}
  </section>`;
}

const NOTE = 'A gap in a line is time that was not measured.';

/** When each scenario went on, and in it each fault. */
function backdropOf(report: GameDayReport): Backdrop {
  const { begunAtMs, calledAtMs, endedAtMs, lastAtMs, scenarios, faults, alerts, state } = report;
  const fromMs = begunAtMs ?? calledAtMs;
  const toMs = Math.max(endedAtMs ?? lastAtMs, fromMs + 1_000);
  const shades = scenarios.flatMap((one): Shade[] =>
    one.begunAtMs === null
      ? []
      : [
          {
            kind: 'stage',
            fromMs: one.begunAtMs,
            toMs: one.endedAtMs ?? toMs,
            label: `${one.scenario + 1} · ${one.name}`,
            short: `${one.scenario + 1}`,
            depth: 0,
          },
        ],
  );
  // A fault whose absence nobody verified is not over.
  const on = faults.flatMap(({ beganAtMs, goneAtMs }): Shade[] =>
    beganAtMs === null ? [] : [{ kind: 'stage', fromMs: beganAtMs, toMs: goneAtMs ?? toMs, label: '', depth: 1 }],
  );
  const begun = faults.flatMap(({ beganAtMs }) => (beganAtMs === null ? [] : [beganAtMs]));
  return {
    fromMs,
    toMs,
    shades: [...shades, ...on],
    abortAtMs: state === 'aborted' && begunAtMs !== null ? endedAtMs : null,
    moments: [
      ...begun.map((atMs) => ({ kind: 'fault', atMs }) as const),
      ...alerts.map(({ atMs }) => ({ kind: 'alert', atMs }) as const),
    ],
  };
}

function legend({ shades, abortAtMs, moments = [] }: Backdrop, { scenarios, abortOn }: GameDay): Markup {
  const measured = scenarios.some(({ criteria }) => criteria.some(({ kind }) => kind === 'measured'));
  const has = (kind: string): boolean => moments.some((moment) => moment.kind === kind);
  return html`<ul class="legend">
    ${shades.length > 0 && html`<li><span class="swatch scenario"></span>scenario</li>`}
    ${has('fault') && html`<li><span class="swatch fault"></span>fault on, from where it began to its verified end</li>`}
    ${has('alert') && html`<li><span class="swatch alert"></span>an alert began to fire</li>`}
    ${measured && html`<li><span class="swatch steady"></span>criterion</li>`}
    ${abortOn.length > 0 && html`<li><span class="swatch limit"></span>ends the day</li>`}
    ${abortAtMs !== null && html`<li><span class="swatch moment"></span>abort</li>`}
  </ul>`;
}

function chart(report: GameDayReport, backdrop: Backdrop, probe: string, series: Series, id: string): Markup {
  const { gameDay, baseline } = report;
  const { points, dimension } = series;
  const base = Object.hasOwn(baseline, probe) ? baseline[probe] : undefined;
  const asked = askedOf(asExperiment(gameDay), probe, base, dimension, 'criterion');
  const drawn = {
    points: apart(points, gameDay.sampleEveryMs),
    dimension,
    steps: false,
    thresholds: asked.lines,
    backdrop,
  };
  return figure(probe, [...asked.words, ...gaps(points)], drawn, id);
}

/** What the day asks of its probes, each bound once. */
function asExperiment({ scenarios, abortOn }: GameDay): Parameters<typeof askedOf>[0] {
  const checks = scenarios.flatMap(({ criteria }) =>
    criteria.flatMap((one) =>
      one.kind === 'measured' ? [{ probe: one.probe, group: 'business', tolerance: one.accept } as const] : [],
    ),
  );
  const once = new Map(checks.map((check) => [JSON.stringify([check.probe, check.tolerance]), check]));
  return { steadyState: [...once.values()], stopConditions: abortOn };
}

/** Business first, then availability; then what only criteria and rules ask for. */
function byWhatTheyStandFor({
  gameDay: { watched },
}: GameDayReport): (a: readonly [string, unknown], b: readonly [string, unknown]) => number {
  const order = ['business', 'availability', 'system'].flatMap((stands) =>
    watched.filter((one) => one.stands === stands).map(({ probe }) => probe),
  );
  const rank = (probe: string): number => (order.includes(probe) ? order.indexOf(probe) : order.length);
  return ([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1);
}
