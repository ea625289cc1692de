/** `squall gameday report`: a day's report as a page, as Markdown or as JSON, and its action items for where work is kept. */
import { join } from 'node:path';
import { gameDayReport } from '../domain/game-day-report.ts';
import type { GameDayReport } from '../domain/game-day-summary.ts';
import { describeJournal, openJournal, reportFolder } from '../workers/journal.ts';
import type { Config } from '../workers/config.ts';
import { journalsOf } from './day-journals.ts';
import { UsageError } from './failure.ts';
import { output } from './output.ts';
import { writeTo } from './report-file.ts';
import { configOf } from './verb-config.ts';
import type { Common } from './verbs.ts';

type Format = 'html' | 'md' | 'json' | 'csv' | 'issues';

interface Options extends Common {
  readonly format?: Format;
  /** A file; `-`: standard output. Without: a page beside the journal, and the others on standard output. */
  readonly out?: string;
  /** Where reports of runs are published: links in action items begin with it. */
  readonly reports?: string;
}

export async function main([day = '']: readonly string[], options: Options): Promise<number> {
  const config = await configOf(options);
  const { format = 'html' } = options;
  const report = await reportOf(config, day);
  const text = await textOf(report, format, options.reports);
  const file = options.out ?? (format === 'html' ? pageOf(config, day) : '-');
  if (file === '-') {
    process.stdout.write(text);
    return 0;
  }
  await writeTo(file, text);
  const out = output(options.json === true);
  out.event('report', { day, report: file });
  out.line(file);
  return 0;
}

/** Writes the page of a day beside the journal's files, or here; its path. */
export async function writeDayReport(config: Config, day: string): Promise<string> {
  const file = pageOf(config, day);
  await writeTo(file, await textOf(await reportOf(config, day), 'html', undefined));
  return file;
}

function pageOf(config: Config, day: string): string {
  return join(reportFolder(config), `${day}.html`);
}

async function reportOf(config: Config, day: string): Promise<GameDayReport> {
  await using store = openJournal(config);
  const record = await store.days.read(day);
  const report = record && gameDayReport(record, await journalsOf(store, record));
  if (report) return report;
  throw new UsageError(
    `there is no record of a game day ${day} in ${describeJournal(config)}; is --config that of the control worker?`,
  );
}

async function textOf(report: GameDayReport, format: Format, reports: string | undefined): Promise<string> {
  const base = reports === undefined ? '' : `${reports.replace(/\/+$/, '')}/`;
  const link = (run: string): string => `${base}${encodeURIComponent(run)}.html`;
  switch (format) {
    case 'html':
      return (await import('../report/game-day/html.ts')).renderGameDay(report);
    case 'md':
      return (await import('../report/game-day/markdown.ts')).markdownGameDay(report);
    case 'json':
      return `${JSON.stringify(report, null, 2)}\n`;
    case 'csv':
      return (await import('../report/game-day/actions.ts')).actionsCsv(report, link);
    case 'issues':
      return (await import('../report/game-day/actions.ts')).actionsMarkdown(report, link);
  }
}
