/**
 * Words: how a game day's figures are written, and what its outcome feels like.
 *
 * Owns the spelling of both. A figure that nobody knows is a word, never a number.
 */
import type { CriterionVerdict } from '../../domain/game-day-events.ts';
import type {
  AvailabilityFigure,
  GameDayReport,
  ImpactFigure,
  MeanFigure,
  ReportedScenarioState,
  Sight,
} from '../../domain/game-day-summary.ts';
import { formatDuration } from '../../domain/units.ts';
import type { Tone } from '../marks.ts';
import { counted, number } from '../words.ts';
import type { Cell } from './table.ts';

/** A tone with its word. */
export interface Judgement {
  readonly tone: Tone;
  readonly word: string;
}

/** The day in a word. */
export function judgement({ state, stillOn, criteria, scenarios }: GameDayReport): Judgement {
  if (stillOn.length > 0) return { tone: 'bad', word: 'A person is needed' };
  if (state === 'called') return { tone: 'calm', word: 'Not begun yet' };
  if (state === 'running' || state === 'paused' || state === 'waiting-for-approval')
    return { tone: 'calm', word: 'Not over yet' };
  const early = state === 'completed' ? '' : state === 'aborted' ? 'Aborted' : 'Interrupted';
  if (criteria.missed > 0) {
    const missed = `${counted(criteria.missed, 'criterion', 'criteria')} missed`;
    return { tone: 'bad', word: early === '' ? missed : `${early}, ${missed}` };
  }
  if (early !== '') return { tone: 'warn', word: early };
  if (!scenarios.some((one) => one.state === 'done')) return { tone: 'warn', word: 'Nothing was done' };
  if (criteria.unknown > 0) return { tone: 'warn', word: 'Not everything was answered' };
  if (scenarios.some((one) => one.state !== 'done')) return { tone: 'warn', word: 'Not all of it was done' };
  if (criteria.of === 0) return { tone: 'calm', word: 'Done; nothing was asked of it' };
  return { tone: 'good', word: 'All criteria met' };
}

/** How far the day came. */
export function machinery({ state, why, begunAtMs }: GameDayReport): Judgement & { readonly why: string } {
  switch (state) {
    case 'called':
      return { tone: 'calm', word: 'Not begun', why: '' };
    case 'running':
    case 'paused':
    case 'waiting-for-approval':
      return { tone: 'calm', word: 'Open', why: state.replaceAll('-', ' ') };
    case 'completed':
      return begunAtMs === null
        ? { tone: 'warn', word: 'No, never begun', why: why ?? '' }
        : { tone: 'good', word: 'Yes, completed', why: '' };
    case 'aborted':
    case 'interrupted':
      return { tone: 'warn', word: `No, ${state}`, why: why ?? '' };
  }
}

/** What came of the criteria. */
export function held({ criteria, state }: GameDayReport): Judgement & { readonly why: string } {
  const why = `${criteria.met} of ${counted(criteria.of, 'criterion', 'criteria')} met`;
  if (criteria.missed > 0) return { tone: 'bad', word: 'No', why };
  if (criteria.unknown === 0 && criteria.of > 0) return { tone: 'good', word: 'Yes', why };
  const open = state !== 'completed' && state !== 'aborted' && state !== 'interrupted';
  return { tone: open ? 'calm' : 'warn', word: open ? 'Not known yet' : 'Not known', why };
}

/** What came of one criterion. Unknown is not met, and says so. */
export const VERDICTS: Readonly<Record<CriterionVerdict, Judgement>> = {
  met: { tone: 'good', word: 'met' },
  missed: { tone: 'bad', word: 'missed' },
  unknown: { tone: 'warn', word: 'not met: unknown' },
};

/** Where a scenario is, or how it ended. */
export const SCENARIO_STATES: Readonly<Record<ReportedScenarioState, Judgement>> = {
  ahead: { tone: 'calm', word: 'ahead' },
  due: { tone: 'calm', word: 'due' },
  running: { tone: 'calm', word: 'running' },
  done: { tone: 'good', word: 'done' },
  skipped: { tone: 'calm', word: 'skipped' },
  'timed-out': { tone: 'bad', word: 'timed out' },
  aborted: { tone: 'warn', word: 'aborted' },
  unfinished: { tone: 'warn', word: 'not ended' },
  'never-begun': { tone: 'calm', word: 'never begun' },
};

/** A time in a table, or a word for what nobody knows. */
export function took(ms: number | null, otherwise: string): string {
  return ms === null ? otherwise : formatDuration(ms);
}

/** `48s`, and over how many of how many. */
export function mean({ meanMs, count, of }: MeanFigure): Cell {
  if (of === 0) return { text: 'nothing to time' };
  return { text: meanMs === null ? 'not known' : formatDuration(meanMs), more: `${count} of ${counted(of, 'fault')}` };
}

/** `99.2%`, and what is at least true where something is not known. Never rounded up. */
export function available({ share, atLeast, ...sight }: AvailabilityFigure): Cell {
  if (share === null) return { text: 'not known', more: unknown(sight) || 'nothing was measured' };
  const gap = unknown(sight);
  return { text: floored(share), ...(gap === '' ? {} : { more: `${gap}; at least ${floored(atLeast)}` }) };
}

/** What a rate lost: `124`, and of how many. */
export function lost({ lost: many, expected, ...sight }: ImpactFigure): Cell {
  const gap = unknown(sight);
  if (many === null || expected === null) return { text: 'not known', more: gap || 'nothing was measured' };
  const share = expected > 0 ? ` of ${events(expected)} expected` : '';
  return { text: events(many), more: `${shareOf(many, expected)}${share}${gap === '' ? '' : `; ${gap}`}` };
}

/** `12,345`, `1.5`: few are not rounded to none. */
export function events(many: number): string {
  return number(many < 10 ? Number(many.toPrecision(2)) : Math.round(many));
}

/** How much was not measured: `42s not measured`; nothing where that is less than a sample or so. */
export function unknown({ unknownMs, knownMs }: Sight): string {
  return unknownMs < 1_000 || unknownMs * 1_000 < knownMs ? '' : `${formatDuration(unknownMs)} not measured`;
}

function shareOf(many: number, all: number): string {
  return all > 0 ? `${Number(((many / all) * 100).toPrecision(2))}%` : '';
}

function floored(share: number): string {
  return `${Math.floor(share * 10_000) / 100}%`;
}
