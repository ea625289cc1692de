/**
 * Files of documents named on the command line.
 *
 * Owns the reading of them with the fault catalogue of the configuration. Throws with every problem at once.
 */
import { readBounded } from '../activities/bounded-file.ts';
import type { ParsedExperiment } from '../documents/experiment.ts';
import { parseFile } from '../documents/file.ts';
import type { Documents } from '../documents/file.ts';
import { filesNamed, placeOf } from '../documents/game-day-files.ts';
import { InvalidDocument } from '../documents/problem.ts';
import { BYTES_MAX } from '../documents/source.ts';
import { catalogueOf } from '../workers/catalogue.ts';
import type { Config } from '../workers/config.ts';
import { UsageError } from './failure.ts';

/** The one experiment of `file`, or the one called `name`. */
export async function oneExperiment(file: string, config: Config, name: string | undefined): Promise<ParsedExperiment> {
  const experiments = await experimentsOf(file, config);
  const names = experiments.map(({ experiment }) => experiment.name).join(', ');
  const chosen = name === undefined ? experiments : experiments.filter(({ experiment }) => experiment.name === name);
  const [first] = chosen;
  if (first === undefined) throw new UsageError(`${file} has no experiment ${name ?? ''}; it has: ${names || 'none'}`);
  if (chosen.length > 1) throw new UsageError(`${file} has several experiments (${names}); choose one with --name`);
  return first;
}

/** Every experiment of `file`. */
export async function experimentsOf(file: string, config: Config): Promise<readonly ParsedExperiment[]> {
  return (await documentsOf(file, config)).experiments;
}

/** All that `file` says, with the experiments of the files that its game day names. */
export async function documentsOf(file: string, config: Config): Promise<Documents> {
  const bytes = await readBounded(file, BYTES_MAX, 'with-pipes').catch((error: unknown) => {
    throw new UsageError(`cannot read ${file}: ${whyOf(error)}`);
  });
  const others = new Map<string, Uint8Array | { readonly why: string }>();
  for (const named of filesNamed(bytes, file)) {
    const read = readBounded(placeOf(file, named), BYTES_MAX, 'no-pipes');
    others.set(named, await read.catch((error: unknown) => ({ why: whyOf(error) })));
  }
  const parsed = parseFile(bytes, file, await catalogueOf(config), others);
  if (!parsed.ok) throw new InvalidDocument(parsed.problems);
  return parsed;
}

function whyOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
