/**
 * Files of documents: experiments, and perhaps a program or a game day that runs them.
 *
 * Owns which of a file's documents is what. A file is used whole, or not at all.
 */
import type { Program } from '../domain/program.ts';
import { parseExperiments } from './experiment.ts';
import type { Catalogue, ParsedExperiment } from './experiment.ts';
import { parseGameDay } from './game-day.ts';
import type { ParsedGameDay } from './game-day.ts';
import { isGameDay } from './game-day-files.ts';
import type { OtherFiles } from './game-day-files.ts';
import type { Problem } from './problem.ts';
import { isProgram, parseProgram } from './program.ts';
import { offsetOf, readSources } from './source.ts';

/** What a file says. */
export interface Documents {
  readonly experiments: readonly ParsedExperiment[];
  readonly program?: Program;
  readonly day?: ParsedGameDay;
}

/** What a file says, or every problem in it. */
export type ParsedFile =
  ({ readonly ok: true } & Documents) | { readonly ok: false; readonly problems: readonly Problem[] };

/** Parses `input`, the content of `file`; `others` is what is in the files that its game day names. */
export function parseFile(
  input: string | Uint8Array,
  file: string,
  catalogue: Catalogue,
  others: OtherFiles = new Map(),
): ParsedFile {
  const { documents, problems, locate } = readSources(input, file);
  if (problems.length > 0) return { ok: false, problems };
  if (documents.length === 0) return { ok: false, problems: [locate(0, '', 'nothing', 'a YAML document')] };
  const written = documents.filter(({ document }) => documents.length === 1 || document.contents !== null);
  const programs = written.filter(isProgram);
  const days = written.filter((source) => isGameDay(source) && !programs.includes(source));
  const rest = written.filter((source) => !programs.includes(source) && !days.includes(source));
  const experiments = parseExperiments(rest, file, locate, catalogue);
  const wrong = [...(experiments.ok ? [] : experiments.problems)];
  for (const [key, words, [, second]] of [
    ['program', 'program', programs],
    ['gameDay', 'game day', days],
  ] as const)
    if (second !== undefined)
      wrong.push(locate(offsetOf(second.document.contents), key, `a second ${words}`, `one ${words} in a file`));
  if (!experiments.ok || wrong.length > 0) return { ok: false, problems: wrong };
  const own = experiments.experiments;
  const day = days[0] && parseGameDay(days[0], file, locate, { experiments: own, others, catalogue });
  const called = day?.ok === true ? day : undefined;
  // What is wrong with the day is said of it, and not of who calls it.
  const program =
    day?.ok === false ? undefined : programs[0] && parseProgram(programs[0], locate, own, catalogue, called);
  if (program?.ok === false || day?.ok === false) {
    const all = [program, day].flatMap((parsed) => (parsed?.ok === false ? parsed.problems : []));
    return { ok: false, problems: all };
  }
  return {
    ok: true,
    experiments: own,
    ...(program && { program: program.program }),
    ...(day && { day: { gameDay: day.gameDay, documentHash: day.documentHash } }),
  };
}
