/**
 * What people do in a game day from the command line.
 *
 * Owns the look at the day before anything is said to it: for which scenario of which execution it is said, and by whom. Exit 3 where the
 * day, or the policy, does not take it.
 */
import type { Client } from '@temporalio/client';
import { openSteps } from '../domain/game-day-acts.ts';
import type { DayAct } from '../domain/game-day-acts.ts';
import type { DayState } from '../domain/game-day-state.ts';
import { parseDuration } from '../domain/units.ts';
import { connectClient, Unreachable } from '../workers/connect.ts';
import { DONE, tellDay } from './day-act.ts';
import { EXIT } from './exit.ts';
import { UsageError } from './failure.ts';
import { titleOf } from './gameday-line.ts';
import { output } from './output.ts';
import type { Output } from './output.ts';
import { storyOf, theDay } from './the-day.ts';
import type { Common } from './verb.ts';
import { actAs } from './who.ts';

/** How long it may take until a day that was just called answers, in milliseconds, and between two looks. */
const FIRST_MS = 15_000;
const LOOK_MS = 300;

/** What these verbs are given. */
interface ActOptions extends Common {
  readonly by?: string;
  readonly reason?: string;
  readonly because?: string;
  readonly owner?: string;
  /** A number from 1; of `extend`: the scenario that is on. */
  readonly scenario?: string | true;
}

/** The verb of one act. */
export function acting(kind: DayAct['act']) {
  return async ([day = '', ...words]: readonly string[], options: ActOptions): Promise<number> => {
    actAs(options.by);
    const client = await connectClient({ queryClosed: true });
    const out = output(options.json === true);
    try {
      return await doAct(client, day, (state) => actOf(kind, state, words, options), out);
    } finally {
      await client.connection.close();
    }
  };
}

/** Does what `act` says of the day as it is now. `quiet`: says nothing of it where it was taken. */
export async function doAct(
  client: Client,
  day: string,
  act: (state: DayState) => DayAct,
  out: Output,
  quiet = false,
): Promise<number> {
  const { handle } = await theDay(client, day);
  const endsAtMs = performance.now() + FIRST_MS;
  let story = await storyOf(client, handle);
  while (story === undefined && performance.now() < endsAtMs) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    story = await storyOf(client, handle);
  }
  if (story === undefined) throw new Unreachable(`no control worker answers for ${day}; nothing was done`);
  const { state, execution } = story;
  if (state.phase === 'ended') throw new UsageError(`${day} is over: ${state.ending ?? ''}, ${state.why ?? ''}`);
  const what = act(state);
  const told = await tellDay(client, handle, execution, what);
  if ('refused' in told) {
    if (told.over) throw new UsageError(told.refused);
    out.event('refused', { day, why: told.refused });
    out.line(`${out.style('yellow', 'refused')}: ${told.refused}`);
    return EXIT.refused;
  }
  const { by, phase } = told;
  const { act: event, ...fields } = what;
  out.event(event, { day, by, phase, ...fields });
  const where =
    'scenario' in what && what.scenario !== undefined ? `, scenario ${titleOf(state.gameDay, what.scenario)}` : '';
  if (!quiet) out.line(`${DONE[event]}: ${day}${where}`);
  return EXIT.held;
}

function actOf(kind: DayAct['act'], state: DayState, words: readonly string[], options: ActOptions): DayAct {
  const text = words.join(' ');
  const why = options.reason ?? 'no reason was given';
  switch (kind) {
    case 'begin':
    case 'resume':
      return { act: kind };
    case 'pause':
    case 'abort':
      return { act: kind, why };
    case 'approve':
      return { act: kind, scenario: scenarioIn(state, options) };
    case 'skip':
      return { act: kind, scenario: scenarioIn(state, options), why };
    case 'extend':
      return { act: kind, byMs: timeOf(text), ...(options.scenario ? { scenario: scenarioIn(state, options) } : {}) };
    case 'note':
      return { act: kind, text };
    case 'finding':
      return { act: kind, text, ...about(state, options) };
    case 'action':
      return { act: kind, text, owner: options.owner ?? '', ...about(state, options) };
    case 'judge': {
      const scenario = scenarioIn(state, {});
      const met = words.at(-1);
      if (met !== 'yes' && met !== 'no') throw new UsageError(`found ${met ?? 'nothing'}, expected yes or no`);
      const criterion = criterionIn(state, scenario, words.slice(0, -1).join(' '));
      return { act: kind, scenario, criterion, met: met === 'yes', why: options.because ?? '' };
    }
    case 'done': {
      const scenario = scenarioIn(state, {});
      return { act: kind, scenario, step: stepIn(state, scenario, text) };
    }
  }
}

/** The scenario that is on, or the one that was named. The day refuses one that is not on. */
function scenarioIn({ current }: DayState, { scenario }: Pick<ActOptions, 'scenario'>): number {
  if (typeof scenario === 'string') {
    const number = Number(scenario);
    if (Number.isInteger(number) && number >= 1) return number - 1;
    throw new UsageError(`--scenario: found ${scenario}, expected its number, from 1`);
  }
  if (current === undefined) throw new UsageError('no scenario is left');
  return current;
}

/** What something was learnt in: the scenario that was named, or else that is under way. */
function about(state: DayState, options: ActOptions): { readonly scenario?: number } {
  if (options.scenario !== undefined) return { scenario: scenarioIn(state, options) };
  const { current } = state;
  return current !== undefined && state.scenarios[current]?.phase === 'running' ? { scenario: current } : {};
}

function timeOf(written: string): number {
  const ms = parseDuration(written);
  if (ms === undefined || ms === 0)
    throw new UsageError(`found ${written || 'nothing'}, expected a duration such as 30m`);
  return ms;
}

/** By its number from 1, or by the only name that begins so. */
function criterionIn({ gameDay }: DayState, scenario: number, named: string): number {
  const { criteria = [] } = gameDay.scenarios[scenario] ?? {};
  const judged = criteria.flatMap(({ kind, name }, at) => (kind === 'judged' ? [{ at, name }] : []));
  const listed = judged.map(({ at, name }) => `${at + 1} ${name}`).join('; ') || 'none';
  if (/^\d+$/.test(named)) return Number(named) - 1;
  const exact = judged.filter(({ name }) => name === named);
  const found = exact.length > 0 ? exact : judged.filter(({ name }) => name.startsWith(named));
  const [first] = found;
  if (first !== undefined && found.length === 1) return first.at;
  throw new UsageError(`found criterion ${named || 'nothing'}, expected one that people judge: ${listed}`);
}

function stepIn(state: DayState, scenario: number, named: string): string {
  const open = openSteps(state, scenario);
  const found = named === '' ? open : open.filter((step) => step.startsWith(named));
  const [first] = found;
  if (first !== undefined && new Set(found).size === 1) return first;
  throw new UsageError(
    `found ${named || 'no step'}, expected one of those that are open: ${open.join('; ') || 'none'}`,
  );
}
