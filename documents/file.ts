/**
 * Files of documents: experiments, and perhaps a program that runs them.
 *
 * Owns which of a file's documents is what. A file is used whole, or not at all.
 */
import type { Program } from '../domain/program.ts';
import { parseExperiments } from './experiment.ts';
import type { Catalogue, ParsedExperiment } from './experiment.ts';
import type { Problem } from './problem.ts';
import { isProgram, parseProgram } from './program.ts';
import { offsetOf, readSources } from './source.ts';

/** What a file says, or every problem in it. */
export type ParsedFile =
  | { readonly ok: true; readonly experiments: readonly ParsedExperiment[]; readonly program?: Program }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Parses `input`, the content of `file`. */
export function parseFile(input: string | Uint8Array, file: string, catalogue: Catalogue): ParsedFile {
  const { documents, problems, locate } = readSources(input, file);
  if (problems.length > 0) return { ok: false, problems };
  if (documents.length === 0) return { ok: false, problems: [locate(0, '', 'nothing', 'a YAML document')] };
  const written = documents.filter(({ document }) => documents.length === 1 || document.contents !== null);
  const programs = written.filter(isProgram);
  const others = written.filter((source) => !programs.includes(source));
  const experiments = parseExperiments(others, file, locate, catalogue);
  const [program, second] = programs;
  if (second !== undefined) {
    const more = locate(offsetOf(second.document.contents), 'program', 'a second program', 'one program in a file');
    return { ok: false, problems: [...(experiments.ok ? [] : experiments.problems), more] };
  }
  if (program === undefined || !experiments.ok) return experiments;
  const parsed = parseProgram(program, locate, experiments.experiments, catalogue);
  return parsed.ok ? { ...experiments, program: parsed.program } : parsed;
}
