/**
 * The other files of a game day: those whose experiments it runs.
 *
 * Owns which they are, and what of them is used. Must never read one itself: whoever loads the day's file does.
 */
import { dirname, join } from 'node:path';
import { parseSource, toJs } from './document.ts';
import { parseExperiments } from './experiment.ts';
import type { Catalogue, ParsedExperiments } from './experiment.ts';
import { gameDaySchema } from './game-day-schema.ts';
import type { WrittenWork } from './game-day-schema.ts';
import { isProgram } from './program.ts';
import { readSources } from './source.ts';
import type { Source } from './source.ts';

/** What is in the files that a day names, by their names in it: bytes, or why they cannot be read. */
export type OtherFiles = ReadonlyMap<string, Uint8Array | { readonly why: string }>;

/** The most files that are read for a day. */
const FILES_MAX = 50;

/** Whether a document is a game day's. */
export function isGameDay(source: Source): boolean {
  const value = toJs(source);
  return typeof value === 'object' && value !== null && 'gameDay' in value;
}

/** The files that the game day of `file` names, each once, as it names them; none where `input` cannot be used anyway. */
export function filesNamed(input: string | Uint8Array, file: string): readonly string[] {
  const { documents, problems, locate } = readSources(input, file);
  const day = problems.length > 0 ? undefined : documents.find(isGameDay);
  const written = day && parseSource(day, locate, gameDaySchema);
  if (written?.ok !== true) return [];
  return [...new Set(written.value.scenarios.flatMap(({ run }) => namedIn(run)))].slice(0, FILES_MAX);
}

function namedIn(work: WrittenWork): readonly string[] {
  if ('of' in work) return work.of.flatMap(namedIn);
  return work.kind === 'file' ? [work.file] : [];
}

/** Where a file is that the document `file` names. */
export function placeOf(file: string, named: string): string {
  return join(dirname(file), named);
}

/** The experiments of another file; what else is in it is not looked at. */
export function experimentsIn(bytes: Uint8Array, file: string, catalogue: Catalogue): ParsedExperiments {
  const { documents, problems, locate } = readSources(bytes, file);
  if (problems.length > 0) return { ok: false, problems };
  const others = documents.filter((source) => source.document.contents !== null);
  const experiments = others.filter((source) => !isProgram(source) && !isGameDay(source));
  return parseExperiments(experiments, file, locate, catalogue);
}
