/** Where a run's report is written, and the writing of it. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openFileStore } from '../activities/journal/file.ts';
import type { Journal } from '../domain/journal.ts';
import type { Config } from '../workers/config.ts';
import { UsageError } from './failure.ts';

/** The journal of `run`. Throws when there is none in the configured folder. */
export async function journalOf(config: Config, run: string): Promise<Journal> {
  const journal = await openFileStore(config.journal).read(run);
  if (!journal)
    throw new UsageError(`there is no journal of ${run} in ${config.journal}; is --config that of the control worker?`);
  return journal;
}

/** Writes the HTML report beside the journal, or to `file`; returns its path. */
export async function writeReport(config: Config, run: string, file?: string): Promise<string> {
  const journal = await journalOf(config, run);
  const { renderReport } = await import('../report/html.ts');
  const path = file ?? join(config.journal, `${run}.html`);
  await writeTo(path, renderReport(journal));
  return path;
}

/** Writes `text` to `file`. Throws with its name where that cannot be done. */
export async function writeTo(file: string, text: string): Promise<void> {
  await writeFile(file, text).catch((error: unknown) => {
    throw new UsageError(`cannot write ${file}: ${error instanceof Error ? error.message : String(error)}`);
  });
}
