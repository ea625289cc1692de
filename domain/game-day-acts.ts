/**
 * What people do in a game day, and who may.
 *
 * Owns the acts, the text that is signed for one, and the reasons to refuse one: by role, by where the day is, by what is stale or too long.
 * Pure: whether a name is proven is somebody else's to say.
 */
import { scenarioEndsAtMs } from './game-day-state.ts';
import type { DayState } from './game-day-state.ts';
import type { GameDay, Role } from './game-day.ts';

/** One act. `scenario` and `criterion` are indexes, from 0. */
export type DayAct =
  | { readonly act: 'begin' }
  | { readonly act: 'approve'; readonly scenario: number }
  | { readonly act: 'pause'; readonly why: string }
  | { readonly act: 'resume' }
  | { readonly act: 'skip'; readonly scenario: number; readonly why: string }
  | { readonly act: 'abort'; readonly why: string }
  /** The day's time, or that of the scenario that runs. */
  | { readonly act: 'extend'; readonly byMs: number; readonly scenario?: number }
  | { readonly act: 'note'; readonly text: string }
  | { readonly act: 'finding'; readonly text: string; readonly scenario?: number }
  | { readonly act: 'action'; readonly text: string; readonly owner: string; readonly scenario?: number }
  | {
      readonly act: 'judge';
      readonly scenario: number;
      readonly criterion: number;
      readonly met: boolean;
      readonly why: string;
    }
  /** A step by hand has been taken. */
  | { readonly act: 'done'; readonly scenario: number; readonly step: string };

/** The longest text of an act, in characters. */
export const ACT_TEXT_MAX = 1_000;
/** The longest time by which a day or a scenario is extended at once, in milliseconds. */
const EXTEND_MAX_MS = 86_400_000;

/** What only the commander does. */
const COMMANDERS: ReadonlySet<DayAct['act']> = new Set([
  'begin',
  'approve',
  'pause',
  'resume',
  'skip',
  'abort',
  'extend',
]);
/** What goes on with the harm, and so must be proven where the policy knows people by their keys. To end something takes no proof. */
const PROVEN: ReadonlySet<DayAct['act']> = new Set(['begin', 'approve', 'resume', 'extend']);

/** Whether this act must be proven where the policy knows people. */
export function mustBeProven({ act }: DayAct): boolean {
  return PROVEN.has(act);
}

/** What is signed for: one act, of one execution, once. */
export function actText(act: DayAct, execution: string, signedAtMs: number): string {
  const fields = Object.entries(act).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([fields, execution, signedAtMs]);
}

/** The roles of whoever is called so. */
export function rolesOf({ roles }: GameDay, name: string): Role[] {
  const one = (role: Role, is: boolean): Role[] => (is ? [role] : []);
  return [
    ...one('commander', roles.commander === name),
    ...one('scribe', roles.scribe === name),
    ...one('communications', roles.communications === name),
    ...one('observer', roles.observers.includes(name)),
  ];
}

/** Why `name` must not do this now, in words; undefined where they may. */
export function refusalOfAct(state: DayState, act: DayAct, name: string): string | undefined {
  const { gameDay } = state;
  const roles = rolesOf(gameDay, name);
  if (COMMANDERS.has(act.act) && !roles.includes('commander'))
    return `${name || 'nobody'} may not ${act.act}; the commander is ${gameDay.roles.commander}`;
  return misshapen(act) ?? untimely(state, act, roles, name);
}

function misshapen(act: DayAct): string | undefined {
  const texts = Object.values(act).filter((value): value is string => typeof value === 'string');
  const long = texts.find((text) => text.length > ACT_TEXT_MAX);
  if (long !== undefined) return `expected at most ${ACT_TEXT_MAX} characters, found ${long.length}`;
  if ('text' in act && act.text.trim() === '') return 'expected some words, found none';
  if (act.act === 'action' && act.owner.trim() === '') return 'expected an owner, found none';
  if (act.act === 'extend' && !(act.byMs >= 1 && act.byMs <= EXTEND_MAX_MS))
    return `expected 1 ms to 24 h, found ${act.byMs} ms`;
  return undefined;
}

function untimely(state: DayState, act: DayAct, roles: readonly Role[], name: string): string | undefined {
  const { phase, gameDay } = state;
  switch (act.act) {
    case 'note':
    case 'finding':
    case 'action':
      if (phase === 'ended') return `the day has ended (${state.ending})`;
      // What was learnt in a scenario may be said after it.
      return act.act !== 'note' && act.scenario !== undefined && gameDay.scenarios[act.scenario] === undefined
        ? `there is no scenario ${act.scenario + 1}`
        : undefined;
    case 'begin':
      return phase === 'called' ? undefined : `the day has ${phase === 'ended' ? 'ended' : 'begun'} already`;
  }
  if (phase === 'ended') return `the day has ended (${state.ending})`;
  if (act.act === 'abort') return undefined;
  if (phase === 'called') return 'the day has not begun';
  switch (act.act) {
    case 'pause':
      return phase === 'paused' ? 'the day is paused already' : undefined;
    case 'resume':
      return phase === 'paused' ? undefined : 'the day is not paused';
    case 'approve':
      if (phase === 'paused') return 'the day is paused; resume it first';
      return stale(state, act) ?? notIn(state, act.scenario, 'due');
    case 'skip':
      return stale(state, act);
    case 'extend':
      if (act.scenario === undefined) return undefined;
      return (
        stale(state, act) ??
        (scenarioEndsAtMs(state, act.scenario) === undefined ? notIn(state, act.scenario, 'running') : undefined)
      );
    case 'judge':
      return stale(state, act) ?? notIn(state, act.scenario, 'running') ?? notJudge(state, act, roles, name);
    case 'done': {
      const wrong = stale(state, act) ?? notIn(state, act.scenario, 'running');
      if (wrong !== undefined) return wrong;
      if (roles.length === 0) return `${name || 'nobody'} has no role in ${gameDay.name}`;
      const open = openSteps(state, act.scenario);
      return open.includes(act.step) ? undefined : `no such step is open; open: ${open.join('; ') || 'none'}`;
    }
  }
}

/** The steps by hand that people have been asked to take, and have not said to have taken. */
export function openSteps({ scenarios }: DayState, scenario: number): string[] {
  return (scenarios[scenario]?.steps ?? []).filter(({ tookMs }) => tookMs === undefined).map(({ step }) => step);
}

function stale(state: DayState, { scenario }: { readonly scenario?: number }): string | undefined {
  if (scenario === undefined || scenario === state.current) return undefined;
  const title = (index: number | undefined): string =>
    index === undefined ? 'none' : `${index + 1} (${state.gameDay.scenarios[index]?.name ?? 'which there is not'})`;
  return `the scenario that is on is ${title(state.current)}, found ${title(scenario)}; look at it again`;
}

function notIn(state: DayState, scenario: number, wanted: 'due' | 'running'): string | undefined {
  const phase = state.scenarios[scenario]?.phase;
  if (phase === wanted) return undefined;
  const words = { ahead: 'is not due yet', due: 'has not begun', running: 'has begun already', ended: 'has ended' };
  return `the scenario ${words[phase ?? 'ended']}`;
}

function notJudge(
  { gameDay, scenarios }: DayState,
  { scenario, criterion: index }: Extract<DayAct, { act: 'judge' }>,
  roles: readonly Role[],
  name: string,
): string | undefined {
  const criterion = gameDay.scenarios[scenario]?.criteria[index];
  if (criterion === undefined) return `the scenario has no criterion ${index + 1}`;
  if (criterion.kind !== 'judged') return `“${criterion.name}” is not judged by people`;
  if (scenarios[scenario]?.criteria[index]) return `“${criterion.name}” has been judged already`;
  return roles.includes(criterion.by)
    ? undefined
    : `${name || 'nobody'} may not judge it: that is the ${criterion.by}’s`;
}
