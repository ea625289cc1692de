/**
 * The tables of a game day's report, in their order.
 *
 * Owns what each says.
 */
import type { FaultReport, GameDayReport, ImpactReport, TimelineLine } from '../../domain/game-day-summary.ts';
import { formatDuration, formatQuantity } from '../../domain/units.ts';
import { clock, counted, reading, since } from '../words.ts';
import { cell } from './table.ts';
import type { Cell, Row, Table } from './table.ts';
import { available, events, lost, SCENARIO_STATES, took, unknown, VERDICTS } from './words.ts';

/** Lines of what happened that are shown; the record has them all. */
const LINES_SHOWN = 400;

/** Every table. */
export function tables(report: GameDayReport): readonly Table[] {
  return [
    scenarios(report),
    criteria(report),
    faults(report),
    availability(report),
    impact(report),
    gaps(report),
    findings(report),
    actions(report),
  ];
}

function scenarios({ scenarios: all }: GameDayReport): Table {
  return {
    id: 'scenarios',
    title: 'Scenarios',
    head: ['Scenario', 'Outcome', 'Began', 'Took', 'Criteria met', 'Expected'],
    none: 'No scenario was planned.',
    groups: [
      {
        rows: all.map(({ scenario, name, state, why, begunAtMs, endedAtMs, criteria: asked, expected }) => {
          const { tone, word } = SCENARIO_STATES[state];
          const met = asked.filter(({ verdict }) => verdict === 'met').length;
          return row(
            cell(`${scenario + 1} · ${name}`),
            cell(word, { tone, ...(why === null || why === '' ? {} : { more: why }) }),
            cell(begunAtMs === null ? '–' : clock(begunAtMs), { set: 'number' }),
            cell(begunAtMs === null || endedAtMs === null ? '–' : formatDuration(endedAtMs - begunAtMs), {
              set: 'number',
            }),
            cell(`${met} of ${asked.length}`, { set: 'number' }),
            cell(expected),
          );
        }),
      },
    ],
  };
}

function criteria({ scenarios: all }: GameDayReport): Table {
  return {
    id: 'criteria',
    title: 'Criteria',
    note: 'What was to be found true, what was found, and by what. A criterion that nobody answered is unknown, and not met.',
    head: ['Criterion', 'Verdict', 'Evidence', 'Asked'],
    none: 'No criterion was asked for.',
    groups: all.map(({ scenario, name, criteria: asked }) => ({
      name: `${scenario + 1} · ${name}`,
      rows: asked.map(({ name: criterion, verdict, evidence, by, atMs, asked: words }) => {
        const { tone, word } = VERDICTS[verdict];
        const said = [by, atMs === null ? null : `${clock(atMs)} UTC`].filter((one) => one !== null).join(', ');
        return row(
          cell(criterion),
          cell(word, { tone }),
          cell(evidence, said === '' ? {} : { more: said }),
          cell(words === criterion ? 'as it says' : words),
        );
      }),
    })),
  };
}

function faults({ faults: all, scenarios: names, missing }: GameDayReport): Table {
  return {
    id: 'faults',
    title: 'Detection and restoration',
    note: [
      'Each run of the day: who told of its fault first, and when the steady state was back.',
      ...missing.map((one) => `Missing: ${one}.`),
    ].join(' '),
    head: ['Run', 'Fault on', 'Detected', 'Back, from its beginning', 'Back, from its end', 'Outcome'],
    none: 'No experiment was run.',
    groups: grouped(
      all,
      ({ scenario }) => `${scenario + 1} · ${names[scenario]?.name ?? ''}`,
      (fault) =>
        row(
          cell(fault.experiment, { more: fault.run }),
          on(fault),
          detected(fault),
          cell(fault.left === false ? 'never left' : took(fault.fromBeginningMs, way(fault)), { set: 'number' }),
          cell(took(fault.fromEndMs, way(fault)), { set: 'number' }),
          outcome(fault),
        ),
    ),
  };
}

function on({ beganAtMs, goneAtMs, fault, status }: FaultReport): Cell {
  if (beganAtMs === null) return cell(fault === null ? 'not known' : status === 'open' ? 'not yet' : 'never');
  const more = fault ?? undefined;
  const text = goneAtMs === null ? `from ${clock(beganAtMs)}` : `for ${formatDuration(goneAtMs - beganAtMs)}`;
  return cell(text, more === undefined ? {} : { more });
}

function detected({ detected: told, beganAtMs, left }: FaultReport): Cell {
  if (beganAtMs === null) return cell('–');
  if (told === null)
    return cell(left === false ? 'nothing to detect' : 'by nothing', left === false ? {} : { tone: 'warn' });
  const how = told.by === 'alert' ? 'by an alert' : 'by a breach, no alert';
  return cell(`${formatDuration(told.afterMs)}, ${how}`, {
    more: told.what,
    ...(told.by === 'alert' ? {} : { tone: 'warn' }),
  });
}

function way({ recovered, beganAtMs, status }: FaultReport): string {
  if (recovered === false) return 'did not return';
  return beganAtMs === null ? '–' : status === 'open' ? 'not yet' : 'not known';
}

function outcome({ status, deviated }: FaultReport): Cell {
  if (deviated === true) return cell(`${status}, deviated`, { tone: 'bad' });
  return deviated === false ? cell(`${status}, held`, { tone: 'good' }) : cell(status, { tone: 'calm' });
}

function availability({ availability: all, scenarios: names }: GameDayReport): Table {
  return {
    id: 'availability',
    title: 'Availability',
    head: ['When', 'Availability', 'Measured'],
    none: 'No probe of this day stands for availability.',
    groups: all.map(({ probe, why, whole, scenarios: each }) => ({
      name: why === null ? probe : `${probe}: ${why}`,
      rows: [
        row(cell('The whole day'), available(whole), cell(formatDuration(whole.knownMs), { set: 'number' })),
        ...each.map((one, i) => {
          const name = cell(`${i + 1} · ${names[i]?.name ?? ''}`);
          return one === null
            ? row(name, cell('not begun'), cell('–', { set: 'number' }))
            : row(name, available(one), cell(formatDuration(one.knownMs), { set: 'number' }));
        }),
      ],
    })),
  };
}

function impact(report: GameDayReport): Table {
  return {
    id: 'impact',
    title: 'Customer impact',
    note: 'Probes that stand for business, against what they read before anything was touched.',
    head: ['When', 'Lost', 'Lowest', 'Highest', 'Mean'],
    none: 'No probe of this day stands for business: what customers lost was not measured.',
    groups: report.impact.map((one) => ({ name: impactName(one), rows: impactRows(one, report) })),
  };
}

function impactName({ probe, baseline, dimension, why }: ImpactReport): string {
  const base = baseline === null ? '' : `, baseline ${formatQuantity(baseline, dimension)}`;
  return `${probe}${base}${why === null ? '' : `: not summed up, since ${why}`}`;
}

function impactRows(
  { whole, scenarios: each, between, dimension, why }: ImpactReport,
  { scenarios: names }: GameDayReport,
): Row[] {
  type Figure = typeof whole;
  const figure = (name: string, one: Figure): Row => {
    const gap = unknown(one);
    const nothing = cell('–', gap === '' ? {} : { more: gap });
    return row(
      cell(name),
      why === null ? lost(one) : nothing,
      ...[one.lowest, one.highest, one.mean].map((value) => cell(reading(value, dimension), { set: 'number' })),
    );
  };
  return [
    figure('The whole day', whole),
    ...each.flatMap((one, i) => {
      const name = `${i + 1} · ${names[i]?.name ?? ''}`;
      return one === null ? [row(cell(name), cell('not begun'), ...blanks(3))] : [figure(name, one)];
    }),
    ...(between === null ? [] : [row(cell('Between scenarios'), cell(events(between)), ...blanks(3))]),
  ];
}

const KINDS = { monitoring: 'Monitoring', runbook: 'Runbooks', automation: 'Automation' } as const;

function gaps({ gaps: all, scenarios: names }: GameDayReport): Table {
  return {
    id: 'gaps',
    title: 'Gaps',
    note: 'Found by rules, without being told: see how the figures are counted.',
    head: ['Gap', 'Time', 'Scenario'],
    none: 'No gap was found.',
    groups: grouped(
      all,
      ({ kind }) => KINDS[kind],
      ({ atMs, words, scenario }) => row(cell(words), cell(clock(atMs), { set: 'code' }), cell(whose(names, scenario))),
    ),
  };
}

function findings({ findings: all, scenarios: names }: GameDayReport): Table {
  return {
    id: 'findings',
    title: 'Findings',
    head: ['Finding', 'Said by', 'Time', 'Scenario'],
    none: 'Nobody wrote one down.',
    groups: [
      {
        rows: all.map(({ atMs, text, by, scenario }) =>
          row(cell(text), cell(by), cell(clock(atMs), { set: 'code' }), cell(whose(names, scenario))),
        ),
      },
    ],
  };
}

function actions({ actions: all, scenarios: names }: GameDayReport): Table {
  return {
    id: 'actions',
    title: 'Action items',
    head: ['What is to be done', 'Owner', 'Scenario', 'Said by'],
    none: 'Nobody wrote one down.',
    groups: [
      {
        rows: all.map(({ item, text, owner, scenario, by }) =>
          row(cell(`${item} · ${text}`), cell(owner), cell(whose(names, scenario)), cell(by)),
        ),
      },
    ],
  };
}

/** What happened, in the order of time. */
export function story({ timeline, begunAtMs, calledAtMs }: GameDayReport): Table {
  const rest = timeline.length - LINES_SHOWN;
  const line = ({ atMs, what, words, loud }: TimelineLine): Row => ({
    cells: [
      cell(clock(atMs), { set: 'code' }),
      cell(atMs < (begunAtMs ?? calledAtMs) ? 'before' : since(begunAtMs ?? calledAtMs, atMs), { set: 'number' }),
      cell(what),
      cell(words),
    ],
    loud,
  });
  return {
    id: 'story',
    title: 'What happened',
    note: `Times are UTC, and counted from when the commander began.${rest > 0 ? ` The first ${LINES_SHOWN} of ${counted(timeline.length, 'line')}; the record has them all.` : ''}`,
    head: ['Time', 'Since begun', 'Event', 'In words'],
    none: 'Nothing happened.',
    groups: [{ rows: timeline.slice(0, LINES_SHOWN).map(line) }],
  };
}

function row(...cells: Cell[]): Row {
  return { cells };
}

function blanks(many: number): Cell[] {
  return Array.from({ length: many }, () => cell('–', { set: 'number' }));
}

function whose(names: GameDayReport['scenarios'], scenario: number | null): string {
  return scenario === null ? '–' : (names[scenario]?.name ?? `scenario ${scenario + 1}`);
}

/** Rows under the name of their group, in the order in which the groups come first. */
function grouped<T>(all: readonly T[], name: (one: T) => string, rowOf: (one: T) => Row): Table['groups'] {
  return [...Map.groupBy(all, name)].map(([group, some]) => ({ name: group, rows: some.map(rowOf) }));
}
