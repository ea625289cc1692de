/** The figures people ask for first, and who was there. */
import { toldBy } from '../../domain/game-day-sentences.ts';
import type { GameDayReport } from '../../domain/game-day-summary.ts';
import { formatDuration } from '../../domain/units.ts';
import { clock } from '../words.ts';
import { cell } from './table.ts';
import type { Cell } from './table.ts';
import { available, lost, mean } from './words.ts';

/** Each figure by its name. */
export function facts(report: GameDayReport): readonly (readonly [name: string, figure: Cell])[] {
  const { criteria, scenarios, detection, restoration, availability, impact } = report;
  const done = scenarios.filter(({ state }) => state === 'done').length;
  const told = mean(detection);
  return [
    [
      'Criteria met',
      cell(`${criteria.met} of ${criteria.of}`, { more: `${criteria.missed} missed, ${criteria.unknown} unknown` }),
    ],
    ['Scenarios done', cell(`${done} of ${scenarios.length}`)],
    [
      'Time to detect (mean)',
      detection.count === 0 ? told : { ...told, more: `${told.more ?? ''}: ${toldBy(detection)}` },
    ],
    ['Time to restore, from the fault’s beginning (mean)', mean(restoration.fromBeginning)],
    ['Time to restore, from the fault’s end (mean)', mean(restoration.fromEnd)],
    ...availability.map(({ probe, whole }) => [`Availability, by ${probe}`, available(whole)] as const),
    ...impact.filter(({ why }) => why === null).map(({ probe, whole }) => [`Lost, of ${probe}`, lost(whole)] as const),
    when(report),
  ];
}

function when({ calledAtMs, begunAtMs, endedAtMs, lastAtMs }: GameDayReport): readonly [string, Cell] {
  if (begunAtMs === null) return ['Called', cell(`${clock(calledAtMs)} UTC`)];
  const more = `begun ${clock(begunAtMs)} UTC${endedAtMs === null ? '' : `, ended ${clock(endedAtMs)} UTC`}`;
  return [
    endedAtMs === null ? 'Open for, so far' : 'Took',
    cell(formatDuration((endedAtMs ?? lastAtMs) - begunAtMs), { more }),
  ];
}

/** Where the report comes from, and who was there. */
export function provenance(report: GameDayReport): readonly (readonly [name: string, value: string])[] {
  const { commander, scribe, communications, observers } = report.roles;
  const people: readonly (readonly [string, string | undefined])[] = [
    ['Commander', commander],
    ['Scribe', scribe],
    ['Communications', communications],
    ['Observers', observers.length === 0 ? undefined : observers.join(', ')],
    ['Called by', report.calledBy],
  ];
  return [
    ['Day', report.day],
    ...people.flatMap(([role, who]) => (who === undefined ? [] : [[role, who] as const])),
    ['Runs', report.faults.map(({ run }) => run).join(', ') || 'none'],
    ['Installation', report.installation],
    ['Document SHA-256', report.documentHash],
    ['Schema', report.schema],
  ];
}
