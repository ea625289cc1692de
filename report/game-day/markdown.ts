/**
 * The report of a game day as Markdown: for a wiki, or a mail.
 *
 * Owns the order of its sections. Must never show a text from outside other than escaped.
 */
import type { GameDayReport } from '../../domain/game-day-summary.ts';
import { escapeMarkdown as escaped, markdownTable } from '../markdown.ts';
import { clock, day } from '../words.ts';
import { DEFINITIONS } from './definitions.ts';
import { facts, provenance } from './facts.ts';
import type { Cell, Table } from './table.ts';
import { story, tables } from './tables.ts';
import { held, judgement, machinery } from './words.ts';

/** A day's report as Markdown. The same report gives the same text. */
export function markdownGameDay(report: GameDayReport): string {
  const { name, purpose, begunAtMs, calledAtMs, lastAtMs, day: id } = report;
  const [ran, true_] = [machinery(report), held(report)];
  const parts = [
    `# Game day: ${escaped(name)}, ${day(begunAtMs ?? calledAtMs)}`,
    `*${escaped(purpose)}*`,
    `**${escaped(judgement(report).word)}.** ${report.summary.map(escaped).join(' ')}`,
    pairs([
      ['Did the day run to its end?', { text: ran.word, more: ran.why }],
      ['Was what was expected found true?', { text: true_.word, more: true_.why }],
      ...facts(report),
    ]),
    ...[...tables(report), story(report)].flatMap(section),
    '## Provenance',
    pairs(provenance(report).map(([what, text]) => [what, { text }])),
    '## How the figures are counted',
    DEFINITIONS.map(([figure, words]) => `- **${escaped(figure)}**: ${escaped(words)}`).join('\n'),
    `From the record of ${escaped(id)}, as of ${day(lastAtMs)}, ${clock(lastAtMs)} UTC.`,
  ];
  return `${parts.join('\n\n')}\n`;
}

function section({ title, note, head, groups, none }: Table): string[] {
  const some = groups.filter(({ rows }) => rows.length > 0);
  return [
    `## ${title}`,
    ...(note === undefined ? [] : [escaped(note)]),
    ...(some.length === 0 ? [none] : []),
    ...some.flatMap(({ name, rows }) => [
      ...(name === undefined ? [] : [`### ${escaped(name)}`]),
      markdownTable(
        head,
        rows.map(({ cells, loud }) =>
          cells.map((one, i) => (loud === true && i === 2 ? `**${text(one)}**` : text(one))),
        ),
      ),
    ]),
  ];
}

function pairs(rows: readonly (readonly [string, Cell])[]): string {
  return markdownTable(
    ['', ''],
    rows.map(([name, value]) => [escaped(name), text(value)]),
  );
}

function text({ text: said, more = '' }: Cell): string {
  return more === '' ? escaped(said) : `${escaped(said)} (${escaped(more)})`;
}
