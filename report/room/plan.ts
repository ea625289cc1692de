/** The plan of a day as far as it has come, its people, and what has happened. */
import { rolesOf } from '../../domain/game-day-acts.ts';
import { reportedState } from '../../domain/game-day-report.ts';
import type { ScenarioState } from '../../domain/game-day-state.ts';
import { formatOffset } from '../../domain/game-day-words.ts';
import type { GameDay, Role, Scenario } from '../../domain/game-day.ts';
import { formatDuration } from '../../domain/units.ts';
import { SCENARIO_STATES } from '../game-day/words.ts';
import { html } from '../markup.ts';
import type { Markup, Piece } from '../markup.ts';
import { mark } from '../marks.ts';
import { clock, counted } from '../words.ts';
import { criteriaOf } from './criteria.ts';
import type { DaySeen, Viewer } from './seen.ts';

/** Lines of what happened that are shown, the latest first. */
const LINES_SHOWN = 120;

/** Every scenario; each opens to what it expects and what was found. */
export function plan({ state }: DaySeen): Markup {
  const { gameDay, scenarios, current, begunAtMs } = state;
  return html`<section aria-labelledby="plan-title">
    <h2 id="plan-title" tabindex="-1">Scenarios</h2>
    <ol class="plan">${gameDay.scenarios.map((asked, index) => {
      const scenario = scenarios[index];
      if (scenario === undefined) return null;
      const { tone, word } = SCENARIO_STATES[reportedState(scenario, state.phase === 'ended')];
      const here = index === current && state.phase !== 'ended';
      return html`<li${here && html` aria-current="step"`}><details id="scenario-${index}">
        <summary><span class="what">${index + 1} · ${asked.name}</span> <span class="when">${mark(tone, word)} <span class="quiet">${when(asked, scenario, begunAtMs)}</span></span></summary>
        <p>${asked.expected}</p>
        ${scenario.why !== undefined && html`<p class="quiet">${scenario.why}</p>`}
        ${criteriaOf(asked, scenario)}
      </details></li>`;
    })}</ol>
  </section>`;
}

function when({ offsetMs }: Scenario, { begunAtMs, endedAtMs }: ScenarioState, dayMs: number | undefined): string {
  if (begunAtMs !== undefined && endedAtMs !== undefined) return `took ${formatDuration(endedAtMs - begunAtMs)}`;
  if (begunAtMs !== undefined) return `since ${clock(begunAtMs)}`;
  return dayMs === undefined ? formatOffset(offsetMs) : `${formatOffset(offsetMs)}, ${clock(dayMs + offsetMs)}`;
}

const DUTIES: Readonly<Record<Role, string>> = {
  commander: 'begins, approves, pauses, skips, extends, aborts',
  scribe: 'writes down what happens',
  communications: 'tells those outside',
  observer: 'judges what no probe can',
};

/** Who does what. */
export function roles({ state }: DaySeen, { name }: Viewer): Markup {
  const { gameDay } = state;
  return html`<section aria-labelledby="roles-title">
    <h2 id="roles-title" tabindex="-1">Roles</h2>
    <dl class="roles">${peopleOf(gameDay).map(
      ([role, who]) =>
        html`<div><dt>${role}</dt><dd><strong>${who.join(', ')}</strong>${who.includes(name) && ' (you)'}<small>${DUTIES[role]}</small></dd></div>`,
    )}</dl>
    ${rolesOf(gameDay, name).length === 0 && html`<p class="note">${name} has no role here, and may look, and write down what they see.</p>`}
  </section>`;
}

function peopleOf({
  roles: { commander, scribe, communications, observers },
}: GameDay): readonly (readonly [Role, readonly string[]])[] {
  const all: readonly (readonly [Role, readonly (string | undefined)[]])[] = [
    ['commander', [commander]],
    ['scribe', [scribe]],
    ['communications', [communications]],
    ['observer', observers],
  ];
  return all
    .map(([role, who]) => [role, who.filter((one) => one !== undefined)] as const)
    .filter(([, who]) => who.length > 0);
}

/** What has happened, the latest first. */
export function happened({ lines }: DaySeen): Markup {
  const rest = lines.length - LINES_SHOWN;
  return html`<section aria-labelledby="happened-title">
    <h2 id="happened-title" tabindex="-1">What happened</h2>
    <p class="note">The latest first; times are UTC.${rest > 0 && ` The report has ${counted(rest, 'line')} more.`}</p>
    <ol class="happened">${lines
      .slice(-LINES_SHOWN)
      .toReversed()
      .map(
        ({ atMs, what, words, loud }) =>
          html`<li class="${loud ? 'loud' : ''}" data-at="${atMs}"><time class="mono">${clock(atMs)}</time> <b>${what}</b> <span>${words}</span></li>`,
      )}</ol>
  </section>`;
}

/** What somebody is here, in a word or two. */
export function standing({ state: { gameDay } }: DaySeen, { name }: Viewer): string {
  return rolesOf(gameDay, name).join(', ') || 'guest';
}

/** The charts once there is something to draw, or why they cannot be drawn. */
export function drawn({ charts, unreadable, state }: DaySeen): Piece {
  if (state.begunAtMs === undefined) return null;
  if (charts !== undefined) return charts;
  return html`<section aria-labelledby="timeline"><h2 id="timeline">Timeline</h2><p>${unreadable ?? 'Nothing was recorded yet.'}</p></section>`;
}
