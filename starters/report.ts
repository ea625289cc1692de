/** `squall report`: a run's report, as a page or as JSON, from its journal. */
import { summarise } from '../domain/summary.ts';
import { output } from './output.ts';
import { journalOf, writeReport, writeTo } from './report-file.ts';
import { configOf } from './verb-config.ts';
import type { Common } from './verbs.ts';

interface Options extends Common {
  readonly format?: string;
  readonly output?: string;
}

export async function main([run = '']: readonly string[], options: Options): Promise<number> {
  const config = await configOf(options);
  const out = output(options.json === true);
  const file = options.output;
  if (options.format !== 'json' && file !== '-') {
    const report = await writeReport(config, run, file);
    out.event('report', { run, report });
    out.line(report);
    return 0;
  }
  const journal = await journalOf(config, run);
  const text =
    options.format === 'json'
      ? `${JSON.stringify({ summary: summarise(journal), journal }, null, 2)}\n`
      : (await import('../report/html.ts')).renderReport(journal);
  if (file === undefined || file === '-') process.stdout.write(text);
  else await writeTo(file, text);
  return 0;
}
