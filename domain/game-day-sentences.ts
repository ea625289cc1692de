/**
 * The executive summary of a game day: one to three sentences.
 *
 * Owns what is said first. Every clause is a figure of the report; what nobody measured is said to be so. Pure; must never call a day good
 * that is not over, nor a criterion met that nobody answered.
 */
import type { AvailabilityReport, GameDayReport, ImpactReport, MeanFigure } from './game-day-summary.ts';
import { formatDuration, formatQuantity, percent } from './units.ts';

type Facts = Omit<GameDayReport, 'summary'>;

/** At most this many criteria and scenarios are named. */
const NAMED = 3;

/** One to three sentences. */
export function summarySentences(facts: Facts): readonly string[] {
  const first = [...person(facts), outcome(facts)];
  if (facts.begunAtMs === null) return first;
  return [...first, customers(facts), detection(facts)].slice(0, 3);
}

function person({ stillOn }: Facts): string[] {
  return stillOn.length === 0 ? [] : [`A person is needed: the fault of ${some(stillOn)} may still be on.`];
}

function outcome(facts: Facts): string {
  const { state, scenarios, begunAtMs, endedAtMs, why } = facts;
  const done = scenarios.filter((one) => one.state === 'done').length;
  const ofAll = `${done} of ${many(scenarios.length, 'scenario')} ${done === 1 ? 'was' : 'were'} done`;
  const because = `${why === null ? '' : `: ${plain(why)}`}. ${capital(ofAll)}`;
  switch (state) {
    case 'called':
      return 'This game day has not begun.';
    case 'running':
    case 'paused':
    case 'waiting-for-approval': {
      const on = scenarios.filter((one) => one.state === 'running').map(({ name }) => name);
      const now = on.length > 0 ? `, and ${some(on)} is running` : '';
      const halted =
        state === 'paused' ? ' and is paused' : state === 'waiting-for-approval' ? ' and waits for its commander' : '';
      return `This game day is not over${halted}: ${ofAll}${now}; so far ${met(facts, 'is')}.`;
    }
    case 'completed':
      return begunAtMs === null
        ? `The day was closed before it began${because}.`
        : `${capital(ofAll)}, and ${met(facts)}.${skipped(facts)}`;
    case 'aborted':
    case 'interrupted': {
      const after =
        begunAtMs === null || endedAtMs === null ? 'before it began' : `after ${formatDuration(endedAtMs - begunAtMs)}`;
      return `The day was ${state} ${after}${because}, and ${met(facts)}.`;
    }
  }
}

function met({ criteria, scenarios }: Facts, was: 'was' | 'is' = 'was'): string {
  const missed = scenarios.flatMap((scenario) =>
    scenario.criteria
      .filter(({ verdict }) => verdict === 'missed')
      .map(({ name }) => `“${plain(name)}” in ${scenario.name}`),
  );
  const verb = criteria.met === 1 ? was : { was: 'were', is: 'are' }[was];
  const unknown = criteria.unknown === 0 ? '' : `, ${criteria.unknown} without an answer`;
  const which = missed.length === 0 ? '' : `; missed: ${some(missed)}`;
  return `${criteria.met} of ${many(criteria.of, 'criterion', 'criteria')} ${verb} met${unknown}${which}`;
}

function skipped({ scenarios }: Facts): string {
  const left = scenarios.filter(({ state }) => state !== 'done');
  return left.length === 0 ? '' : ` Not done: ${some(left.map(({ name, state }) => `${name} (${STATES[state]})`))}.`;
}

const STATES = {
  ahead: 'not begun',
  due: 'not begun',
  running: 'running',
  done: 'done',
  skipped: 'skipped',
  'timed-out': 'out of time',
  aborted: 'aborted',
  unfinished: 'not ended',
  'never-begun': 'not begun',
} as const;

/** What customers had of it. What no rate says, another reading does. */
function customers({ impact, availability }: Facts): string {
  const summed = impact.flatMap(lost);
  const clauses = [...(summed.length > 0 ? summed : impact.flatMap(ranged)), ...availability.flatMap(up)];
  return clauses.length === 0 ? 'What customers had of it was not measured.' : `Customers: ${clauses.join('; ')}.`;
}

function lost({ probe, whole }: ImpactReport): string[] {
  if (whole.lost === null || whole.expected === null) return [];
  const share =
    whole.expected === 0 ? '' : ` (${percent(round(whole.lost / whole.expected))} of what was to be expected)`;
  return [`${probe} fell short of its baseline by ${events(whole.lost)} in all${share}${blind(whole)}`];
}

function ranged({ probe, baseline, dimension, whole: { lowest, highest } }: ImpactReport): string[] {
  if (baseline === null || lowest === null || highest === null) return [];
  const [low, high, base] = [lowest, highest, baseline].map((value) => formatQuantity(value, dimension));
  return [`${probe} was between ${low} and ${high}, against a baseline of ${base}`];
}

function up({ probe, whole }: AvailabilityReport): string[] {
  return whole.share === null ? [] : [`availability by ${probe} was ${percent(floor(whole.share))}${blind(whole)}`];
}

function blind({ unknownMs, knownMs }: { readonly unknownMs: number; readonly knownMs: number }): string {
  return unknownMs * 100 < knownMs ? '' : `, with ${formatDuration(unknownMs)} not measured`;
}

function detection(facts: Facts): string {
  const { detection: told, restoration, gaps, missing, faults } = facts;
  const absent = missing.length === 0 ? [] : [`of ${many(missing.length, 'run')} the journal is not here`];
  const silent = gaps.filter(({ kind }) => kind === 'monitoring').length;
  const found = silent === 0 ? [] : [`${many(silent, 'gap')} in monitoring ${silent === 1 ? 'was' : 'were'} found`];
  if (faults.length === 0) return `${['No experiment was run', ...found].join('; ')}.`;
  const clauses =
    told.of === 0
      ? [absent.length > 0 ? 'no fault is known' : 'no fault was put on']
      : [detected(told), back(restoration.fromEnd)];
  return `${capital([...clauses, ...absent, ...found].join('; '))}.`;
}

function detected(told: Facts['detection']): string {
  if (told.count === 0) return `nothing told of ${told.of === 1 ? 'the one fault' : `any of ${told.of} faults`}`;
  return `${told.count} of ${many(told.of, 'fault')} ${told.count === 1 ? 'was' : 'were'} detected, after ${after(told)} (${toldBy(told)})`;
}

/** `1 by an alert, 2 only by a breach`; what is none is not said. */
export function toldBy({ byAlert, byBreach }: Facts['detection']): string {
  const ways = [
    ...(byAlert > 0 ? [`${byAlert} by an alert`] : []),
    ...(byBreach > 0 ? [`${byBreach} only by a breach`] : []),
  ];
  return ways.join(', ');
}

function back(figure: MeanFigure): string {
  const { count, of } = figure;
  if (count === 0) return 'the steady state is not known to have returned';
  const whose =
    of === 1 ? 'the fault’s end' : count === of ? 'each fault’s end' : `the end of ${count} of ${of} faults`;
  return `the steady state was back ${after(figure)} after ${whose}`;
}

function after({ meanMs, count }: MeanFigure): string {
  return `${formatDuration(meanMs ?? 0)}${count > 1 ? ' on average' : ''}`;
}

function some(names: readonly string[]): string {
  const rest = names.length - NAMED;
  return `${names.slice(0, NAMED).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

function many(count: number, one: string, others = `${one}s`): string {
  return `${count} ${count === 1 ? one : others}`;
}

/** `2,618`, `1.5`: fewer than ten are not rounded to nothing. */
function events(count: number): string {
  return (count < 10 ? Number(count.toPrecision(2)) : Math.round(count)).toLocaleString('en');
}

function round(share: number): number {
  return Number(share.toPrecision(2));
}

/** Never rounded up: 99.996% is not 100%. */
function floor(share: number): number {
  return Math.floor(share * 10_000) / 10_000;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Without the full stop that the sentence brings itself. */
function plain(text: string): string {
  return text.replace(/[.\s]+$/, '');
}
