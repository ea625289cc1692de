/**
 * Now: where the day is, the scenario that is on, what is found of it, and what whoever looks may do about it.
 *
 * Owns the words for what is waited for. What anybody may do is the domain's to say.
 */
import { actsOpenTo } from '../../domain/game-day-choices.ts';
import type { DayAct } from '../../domain/game-day-acts.ts';
import { dayEndsAtMs, scenarioEndsAtMs } from '../../domain/game-day-state.ts';
import type { DayState, ScenarioState } from '../../domain/game-day-state.ts';
import type { Scenario } from '../../domain/game-day.ts';
import { formatDuration } from '../../domain/units.ts';
import { judgement } from '../game-day/words.ts';
import { html } from '../markup.ts';
import type { Markup, Piece } from '../markup.ts';
import { mark, sign } from '../marks.ts';
import type { Tone } from '../marks.ts';
import { clock } from '../words.ts';
import { criteriaOf } from './criteria.ts';
import { button, field, form, line } from './forms.ts';
import type { DaySeen, Viewer } from './seen.ts';
import { until } from './time.ts';

/** The first thing on the page. */
export function now(seen: DaySeen, { name }: Viewer, nowMs: number | null): Markup {
  const { state } = seen;
  const { tone, word } = headline(seen);
  const acts = seen.lost === undefined ? actsOpenTo(state, name) : [];
  return html`<section class="verdict ${tone}" aria-labelledby="now-title">
    <h2 id="now-title" tabindex="-1">${sign(tone)}${word}</h2>
    ${sentence(seen, nowMs)}
    ${Object.values(state.breaches).map((evidence) => html`<p class="breach">${mark('bad', 'breach')} ${evidence}</p>`)}
    ${state.phase !== 'ended' && state.phase !== 'called' && current(seen, acts, nowMs)}
    ${dayButtons(seen, acts)}
  </section>`;
}

function headline({ state, report, lost }: DaySeen): { readonly tone: Tone; readonly word: string } {
  const { phase, gameDay, current: at, scenarios } = state;
  const { commander } = gameDay.roles;
  if (lost !== undefined) return { tone: 'bad', word: 'Ended from outside' };
  switch (phase) {
    case 'called':
      return { tone: 'calm', word: `Waits for ${commander} to begin` };
    case 'waiting-for-approval':
      return { tone: 'warn', word: `Waits for ${commander} to approve` };
    case 'paused':
      return { tone: 'warn', word: 'Paused' };
    case 'running':
      if (at === undefined) return { tone: 'calm', word: 'Coming to its end' };
      return { tone: 'calm', word: scenarios[at]?.phase === 'running' ? 'A scenario is on' : 'Waits for its time' };
    case 'ended':
      if (report !== undefined && report.endedAtMs !== null) return judgement(report);
      return { tone: state.ending === 'completed' ? 'calm' : 'warn', word: `The day is over: ${state.ending}` };
  }
}

function sentence(seen: DaySeen, nowMs: number | null): Markup {
  const { state, lost, day } = seen;
  if (lost !== undefined)
    return html`<p class="sentence">The day was ended from outside (${lost}); its runs were told to end, and roll back by themselves.</p>`;
  if (state.phase === 'ended')
    return html`<p class="sentence">${state.ending}: ${state.why}</p>
      <p class="actions"><a class="first" href="/report">Read the report</a> <span class="quiet">or <code>squall gameday report ${day}</code></span></p>`;
  if (state.phase === 'called')
    return html`<p class="sentence">${state.gameDay.purpose}</p>${
      state.gameDay.briefing !== '' && html`<pre class="briefing">${state.gameDay.briefing.trim()}</pre>`
    }`;
  const endsAtMs = dayEndsAtMs(state);
  return html`<p class="quiet">${state.paused && html`By ${state.paused.by}: ${state.paused.why}. What runs goes on; no other scenario begins. `}${
    endsAtMs !== undefined && html`The day lasts ${until(endsAtMs, nowMs)}.`
  }</p>`;
}

function current(seen: DaySeen, acts: readonly DayAct[], nowMs: number | null): Piece {
  const { state } = seen;
  const { current: at } = state;
  const asked = at === undefined ? undefined : state.gameDay.scenarios[at];
  const scenario = at === undefined ? undefined : state.scenarios[at];
  if (at === undefined || asked === undefined || scenario === undefined) return null;
  return html`<article class="current" aria-labelledby="current-title">
    <p class="quiet">Scenario ${at + 1} of ${state.scenarios.length}${timing(state, at, scenario, asked, nowMs)}</p>
    <h3 id="current-title">${asked.name}</h3>
    <p class="expected">${asked.expected}</p>
    ${runs(scenario)}
    ${steps(seen, at, scenario, acts)}
    ${criteriaOf(asked, scenario, (criterion) => judge(seen, at, criterion, acts))}
    ${scenarioButtons(seen, at, acts)}
  </article>`;
}

function timing(state: DayState, at: number, scenario: ScenarioState, asked: Scenario, nowMs: number | null): Piece {
  if (scenario.phase === 'ahead')
    return html`, due ${until((state.begunAtMs ?? 0) + asked.offsetMs, nowMs, 'in', 'at')}`;
  if (scenario.phase === 'due')
    return `, due since ${clock(scenario.dueAtMs ?? 0)} UTC; may take ${formatDuration(asked.timeoutMs)}`;
  const endsAtMs = scenarioEndsAtMs(state, at);
  return endsAtMs !== undefined && html`, on ${until(endsAtMs, nowMs)}`;
}

function runs({ runs: all }: ScenarioState): Piece {
  if (all.length === 0) return null;
  return html`<ul class="rows" aria-label="Runs">${all.map(({ run, experiment, status, deviated, reason }) => {
    const tone = deviated === true ? 'bad' : status === null ? 'calm' : status === 'completed' ? 'good' : 'warn';
    const word = status === null ? 'runs' : deviated === true ? `${status}, deviated` : status;
    return html`<li>${mark(tone, word)}<span>${experiment}<small>${run}${reason !== '' && `: ${reason}`}</small></span></li>`;
  })}</ul>`;
}

function steps(seen: DaySeen, scenario: number, { steps: all }: ScenarioState, acts: readonly DayAct[]): Piece {
  if (all.length === 0) return null;
  return html`<ul class="rows" aria-label="Steps by hand">${all.map(({ step, tookMs, by, askedAtMs }, index) => {
    const open = tookMs === undefined;
    const may = open && acts.some((act) => act.act === 'done' && act.step === step);
    return html`<li>${mark(open ? 'warn' : 'good', open ? 'by hand' : 'done')}<span>${step}<small>${
      open ? `asked for at ${clock(askedAtMs)} UTC` : `in ${formatDuration(tookMs)}, by ${by ?? ''}`
    }</small></span>${may && button(seen, 'done', 'Done', { scenario, step: index })}</li>`;
  })}</ul>`;
}

/** The form of a criterion that whoever looks is to judge. */
function judge(seen: DaySeen, scenario: number, criterion: number, acts: readonly DayAct[]): Piece {
  if (!acts.some((act) => act.act === 'judge' && act.criterion === criterion)) return null;
  return form(
    seen.execution,
    'judge',
    { scenario, criterion },
    html`${field(`because-${scenario}-${criterion}`, 'What you saw', 'why', true)}<p class="buttons"><button name="met" value="yes" class="first">Yes, met</button><button name="met" value="no">No, missed</button></p>`,
    'line',
  );
}

function scenarioButtons(seen: DaySeen, scenario: number, acts: readonly DayAct[]): Piece {
  const may = (kind: DayAct['act']): boolean =>
    acts.some((act) => act.act === kind && 'scenario' in act && act.scenario === scenario);
  const running = seen.state.scenarios[scenario]?.phase === 'running';
  if (!may('approve') && !may('skip')) return null;
  return html`<div class="buttons">
    ${may('approve') && button(seen, 'approve', 'Approve: let it begin', { scenario }, 'first')}
    ${may('skip') && more(`skip-${scenario}`, running ? 'End this scenario' : 'Skip it', line(seen, 'skip', { id: `skip-why-${scenario}`, ask: 'Why', name: 'why', send: running ? 'End it: roll back what runs' : 'Skip it' }, { scenario }))}
    ${may('extend') && more(`extend-${scenario}`, 'Give it more time', line(seen, 'extend', { id: `extend-by-${scenario}`, ask: 'How much, such as 10m', name: 'by', send: 'Extend the scenario', required: true }, { scenario }))}
  </div>`;
}

function dayButtons(seen: DaySeen, acts: readonly DayAct[]): Piece {
  const may = (kind: DayAct['act']): boolean => acts.some((act) => act.act === kind);
  if (!['begin', 'pause', 'resume'].some((kind) => may(kind as DayAct['act']))) return null;
  return html`<div class="buttons day">
    ${may('begin') && button(seen, 'begin', 'Begin the day', {}, 'first')}
    ${may('resume') && button(seen, 'resume', 'Resume', {}, 'first')}
    ${may('pause') && more('pause', 'Pause the day', line(seen, 'pause', { id: 'pause-why', ask: 'Why', name: 'why', send: 'Pause: begin no other' }))}
    ${acts.some((act) => act.act === 'extend' && act.scenario === undefined) && more('extend', 'Give the day more time', line(seen, 'extend', { id: 'extend-by', ask: 'How much, such as 30m', name: 'by', send: 'Extend the day', required: true }))}
  </div>`;
}

/** What is seldom wanted, behind a word. */
function more(id: string, word: string, content: Markup): Markup {
  return html`<details class="more" id="${id}"><summary>${word}</summary>${content}</details>`;
}
