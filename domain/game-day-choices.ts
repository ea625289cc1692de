/**
 * What is open to somebody in a game day, as it is now.
 *
 * Owns the list of acts that they are offered; whether each may be done is said by the rule that refuses it, so that nobody is offered what
 * would be refused, nor kept from what would not. Pure.
 */
import { openSteps, refusalOfAct } from './game-day-acts.ts';
import type { DayAct } from './game-day-acts.ts';
import type { DayState } from './game-day-state.ts';

/** Stands for the words that somebody is yet to write. */
const WORDS = '…';

/** Every act that `name` may do now, its words left open; the commander's first. */
export function actsOpenTo(state: DayState, name: string): readonly DayAct[] {
  return allActs(state).filter((act) => refusalOfAct(state, act, name) === undefined);
}

function allActs(state: DayState): DayAct[] {
  const { current: scenario } = state;
  return [
    { act: 'begin' },
    { act: 'resume' },
    ...(scenario === undefined ? [] : ofScenario(state, scenario)),
    { act: 'pause', why: WORDS },
    { act: 'extend', byMs: 1 },
    { act: 'abort', why: WORDS },
    { act: 'note', text: WORDS },
    { act: 'finding', text: WORDS },
    { act: 'action', text: WORDS, owner: WORDS },
  ];
}

function ofScenario(state: DayState, scenario: number): DayAct[] {
  const criteria = state.gameDay.scenarios[scenario]?.criteria ?? [];
  return [
    { act: 'approve', scenario },
    { act: 'skip', scenario, why: WORDS },
    { act: 'extend', byMs: 1, scenario },
    ...[...new Set(openSteps(state, scenario))].map((step) => ({ act: 'done', scenario, step }) as const),
    ...criteria.map((_, criterion) => ({ act: 'judge', scenario, criterion, met: true, why: WORDS }) as const),
  ];
}
