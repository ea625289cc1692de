/** Where a run's report is written, and the writing of it. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Journal } from '../domain/journal.ts';
import type { Config } from '../workers/config.ts';
import { describeJournal, openJournal, reportFolder } from '../workers/journal.ts';
import { UsageError } from './failure.ts';

/** The journal of `run`. Throws when there is none where the configuration says. */
export async function journalOf(config: Config, run: string): Promise<Journal> {
  await using store = openJournal(config);
  const journal = await store.read(run);
  if (!journal)
    throw new UsageError(
      `there is no journal of ${run} in ${describeJournal(config)}; is --config that of the control worker?`,
    );
  return journal;
}

/** Writes the HTML report beside the journal (here, where it is no file), or to `file`; returns its path. */
export async function writeReport(config: Config, run: string, file?: string): Promise<string> {
  const journal = await journalOf(config, run);
  const { renderReport } = await import('../report/html.ts');
  const path = file ?? join(reportFolder(config), `${run}.html`);
  await writeTo(path, renderReport(journal));
  return path;
}

/** Writes `text` to `file`. Throws with its name where that cannot be done. */
export async function writeTo(file: string, text: string): Promise<void> {
  await writeFile(file, text).catch((error: unknown) => {
    throw new UsageError(`cannot write ${file}: ${error instanceof Error ? error.message : String(error)}`);
  });
}
