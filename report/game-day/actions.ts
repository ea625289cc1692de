/**
 * The action items of a game day, for where work is kept: as CSV, or as issues in Markdown.
 *
 * Owns their columns and their shape. Must never let a text from outside become a formula, a mention or markup.
 */
import { stringify } from 'csv-stringify/sync';
import type { Action, GameDayReport } from '../../domain/game-day-summary.ts';
import { escapeMarkdown as escaped } from '../markdown.ts';
import { printable } from '../markup.ts';
import { clock, day } from '../words.ts';
import { VERDICTS } from './words.ts';

const COLUMNS = ['day', 'item', 'action', 'owner', 'scenario', 'said by', 'at', 'runs', 'reports'] as const;

/** Where a run's report is. */
export type ReportOf = (run: string) => string;

/** The items as CSV (RFC 4180), with a line of names; a cell that a spreadsheet would take for a formula begins with an apostrophe. */
export function actionsCsv(report: GameDayReport, reportOf: ReportOf): string {
  const rows = report.actions.map((action) => {
    const runs = runsOf(report, action);
    const { item, text, owner, by, atMs } = action;
    const cells = [
      report.day,
      `${item}`,
      text,
      owner,
      scenarioOf(report, action)?.name ?? '',
      by,
      new Date(atMs).toISOString(),
    ];
    return [...cells, runs.join(' '), runs.map(reportOf).join(' ')].map(printable);
  });
  return stringify([[...COLUMNS], ...rows], {
    escape_formulas: true,
    quoted_string: true,
    record_delimiter: 'windows',
  });
}

/** One block of Markdown an item: its title, and the text of an issue below. */
export function actionsMarkdown(report: GameDayReport, reportOf: ReportOf): string {
  return report.actions.map((action) => issue(report, action, reportOf)).join('\n---\n\n');
}

function issue(report: GameDayReport, action: Action, reportOf: ReportOf): string {
  const { text, owner, by, atMs } = action;
  const scenario = scenarioOf(report, action);
  const when = `${day(atMs)}, ${clock(atMs)} UTC`;
  const parts = [
    `# ${escaped(text)}`,
    `**Owner:** ${escaped(owner)}`,
    `Said by ${escaped(by)} on ${when}, item ${action.item} of the game day ${escaped(report.name)} (${escaped(report.day)})${scenario === undefined ? '' : `, scenario ${escaped(scenario.name)}`}.`,
    '## Evidence',
    evidence(report, action)
      .map((line) => `- ${line}`)
      .join('\n') || 'None was written down.',
    '## Reports',
    runsOf(report, action)
      .map((run) => `- [${escaped(run)}](<${target(reportOf(run))}>)`)
      .join('\n') || 'No experiment was run.',
  ];
  return `${parts.join('\n\n')}\n`;
}

/** What was not met, what was found and what was missing: in the item's scenario, or in the whole day. */
function evidence(report: GameDayReport, { scenario }: Action): string[] {
  const here = (one: number | null): boolean => scenario === null || one === scenario;
  const criteria = report.scenarios
    .filter((one) => here(one.scenario) && one.begunAtMs !== null)
    .flatMap(({ name, criteria: asked }) =>
      asked
        .filter(({ verdict }) => verdict !== 'met')
        .map(
          (one) => `${escaped(name)}: ${escaped(one.name)}, ${VERDICTS[one.verdict].word}: ${escaped(one.evidence)}`,
        ),
    );
  const gaps = report.gaps
    .filter((gap) => here(gap.scenario))
    .map(({ kind, words }) => `gap (${kind}): ${escaped(words)}`);
  const findings = report.findings
    .filter((finding) => here(finding.scenario))
    .map(({ text, by }) => `found by ${escaped(by)}: ${escaped(text)}`);
  return [...criteria, ...findings, ...gaps];
}

function scenarioOf(
  { scenarios }: GameDayReport,
  { scenario }: Action,
): GameDayReport['scenarios'][number] | undefined {
  return scenario === null ? undefined : scenarios[scenario];
}

function runsOf({ faults }: GameDayReport, { scenario }: Action): readonly string[] {
  return faults.filter((fault) => scenario === null || fault.scenario === scenario).map(({ run }) => run);
}

/** Between angle brackets only these end the link. */
function target(address: string): string {
  return printable(address).replace(/[\s<>\\`]/g, (character) => encodeURIComponent(character));
}
