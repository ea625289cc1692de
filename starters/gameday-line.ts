/**
 * A game day's events as lines for people.
 *
 * Owns the wording; an event that nobody needs to read in a terminal has no line. Pure but for colour.
 */
import type { CriterionVerdict, GameDayEvent } from '../domain/game-day-events.ts';
import type { GameDay } from '../domain/game-day.ts';
import { formatDuration } from '../domain/units.ts';
import { counted } from '../report/words.ts';
import type { Output, Style } from './output.ts';

const VERDICT: Readonly<Record<CriterionVerdict, { readonly style: Style; readonly mark: string }>> = {
  met: { style: 'green', mark: '✓' },
  missed: { style: 'red', mark: '✗' },
  unknown: { style: 'yellow', mark: '?' },
};

/** A verdict as it is shown everywhere. */
export function verdictMark(verdict: CriterionVerdict, out: Output): string {
  const { style, mark } = VERDICT[verdict];
  return out.style(style, mark);
}

/** One line, or undefined. */
export function dayLine(event: GameDayEvent, gameDay: GameDay, out: Output): string | undefined {
  const text = words(event, gameDay, out);
  if (text === undefined) return undefined;
  return `${out.style('dim', new Date(event.atMs).toISOString().slice(11, 19))}  ${text}`;
}

function words(event: GameDayEvent, gameDay: GameDay, out: Output): string | undefined {
  const by = 'by' in event && event.by !== undefined ? `, by ${event.by}` : '';
  const title = 'scenario' in event && event.scenario !== undefined ? titleOf(gameDay, event.scenario) : '';
  switch (event.type) {
    case 'called':
      return `called       ${gameDay.name}: ${counted(gameDay.scenarios.length, 'scenario')}${by}`;
    case 'begun':
      return out.style('bold', `begun       ${by.slice(1)}`);
    case 'baseline':
      return out.style('dim', `baseline     of ${counted(Object.keys(event.readings).length, 'probe')}`);
    case 'scenario-due': {
      const waits = gameDay.scenarios[event.scenario]?.approve === 'commander';
      return waits ? out.style('yellow', `due          ${title}; waits for ${gameDay.roles.commander}`) : undefined;
    }
    case 'scenario-begun':
      return out.style('bold', `scenario     ${title}${by}`);
    case 'run':
      return `run          ${event.run}`;
    case 'run-ended':
      return out.style(event.deviated ? 'red' : 'dim', `run ended    ${event.run}: ${event.status}, ${event.reason}`);
    case 'step-asked':
      return out.style('yellow', `by hand      ${event.step}`);
    case 'step-done':
      return out.style('green', `done         ${event.step}, in ${formatDuration(event.tookMs)}${by}`);
    case 'criterion': {
      const name = gameDay.scenarios[event.scenario]?.criteria[event.criterion]?.name ?? '';
      return `${verdictMark(event.verdict, out)}            ${name}: ${event.evidence || event.verdict}${by}`;
    }
    case 'scenario-ended':
      return out.style(
        event.ending === 'done' ? 'bold' : 'yellow',
        `${event.ending.padEnd(12)} ${title}: ${event.why}${by}`,
      );
    case 'paused':
      return out.style('yellow', `paused       ${event.why}${by}`);
    case 'resumed':
      return `resumed     ${by.slice(1)}`;
    case 'extended':
      return `extended     ${title || 'the day'} by ${formatDuration(event.byMs)}${by}`;
    case 'note':
      return `note         ${event.by}: ${event.text}`;
    case 'finding':
      return `finding      ${event.text}${by}`;
    case 'action':
      return `action       ${event.text}, for ${event.owner}${by}`;
    case 'edge':
      return out.style(event.edge === 'breach-ends' ? 'green' : 'yellow', `edge         ${event.evidence}`);
    case 'alert':
      return event.firing === null
        ? undefined
        : out.style('yellow', `alert        ${event.alert} ${event.firing ? 'fires' : 'does not fire'}`);
    case 'alerts':
      return event.readable ? undefined : out.style('yellow', 'alerts       no Alertmanager can be asked');
    case 'samples':
      return undefined;
    case 'day-ended':
      return out.style('bold', `${event.ending.padEnd(12)} ${event.why}${by}`);
  }
}

/** `2 (payments is gone)`. */
export function titleOf(gameDay: GameDay, scenario: number): string {
  return `${scenario + 1} (${gameDay.scenarios[scenario]?.name ?? 'which there is not'})`;
}
