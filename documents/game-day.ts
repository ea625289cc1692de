/**
 * Game-day documents: from YAML to the {@link GameDay} that the workflow, the plan and the report work from.
 *
 * Owns how a day is written: one document of a file, beside those of its experiments, which may be of other files too.
 */
import { createHash } from 'node:crypto';
import type { GameDay, Work } from '../domain/game-day.ts';
import { contradictions, probesOf } from '../domain/game-day-bounds.ts';
import { issuesToProblems, parseSource, toJs } from './document.ts';
import type { Catalogue, ParsedExperiment } from './experiment.ts';
import { experimentsIn, placeOf } from './game-day-files.ts';
import type { OtherFiles } from './game-day-files.ts';
import { gameDaySchema } from './game-day-schema.ts';
import type { WrittenGameDay, WrittenWork } from './game-day-schema.ts';
import type { Problem } from './problem.ts';
import type { Locate, Source } from './source.ts';

/** A game day, and the document it came from. */
export interface ParsedGameDay {
  readonly gameDay: GameDay;
  /** SHA-256 of the document's own text, in hex. */
  readonly documentHash: string;
}

/** What a day may name. */
export interface Known {
  /** The experiments of its own file. */
  readonly experiments: readonly ParsedExperiment[];
  readonly others: OtherFiles;
  readonly catalogue: Catalogue;
}

/** Parses the game day of `file`. */
export function parseGameDay(
  source: Source,
  file: string,
  locate: Locate,
  known: Known,
): ({ readonly ok: true } & ParsedGameDay) | { readonly ok: false; readonly problems: readonly Problem[] } {
  const written = parseSource(source, locate, gameDaySchema);
  if (!written.ok) return written;
  const issues: Issue[] = [];
  const others = new Map(
    [...known.others].map(([named, found]) => [
      named,
      found instanceof Uint8Array ? experimentsIn(found, placeOf(file, named), known.catalogue) : found,
    ]),
  );
  const works = written.value.scenarios.map(({ run }, i) =>
    resolved(run, ['scenarios', i, 'run'], (leaf) => found(leaf, known.experiments, others), issues),
  );
  const gameDay = assemble(written.value, works);
  issues.push(...unknownProbes(gameDay, known.catalogue));
  if (works.every((work) => work !== undefined))
    issues.push(...contradictions(gameDay).map(({ path, message }) => issueOf(path, message)));
  const problems = issuesToProblems(issues, toJs(source), source, locate);
  const elsewhere = [...others.values()].flatMap((other) => ('problems' in other ? other.problems : []));
  if (problems.length > 0 || elsewhere.length > 0)
    return {
      ok: false,
      problems: [...problems.toSorted((a, b) => a.line - b.line || a.column - b.column), ...elsewhere],
    };
  return { ok: true, gameDay, documentHash: createHash('sha256').update(source.text).digest('hex') };
}

type Issue = Parameters<typeof issuesToProblems>[0][number];
type Path = readonly (string | number)[];
type Leaf = Extract<WrittenWork, { readonly kind: 'named' | 'file' }>;
type Other = ReturnType<typeof experimentsIn> | { readonly why: string };

function issueOf(path: Path, message: string): Issue {
  return { code: 'custom', path: [...path], message, input: undefined };
}

/** The work with its experiments in it; undefined where one is not found, which is added to `issues`. */
function resolved(
  work: WrittenWork,
  path: Path,
  find: (leaf: Leaf) => ParsedExperiment | { readonly key?: string; readonly expected: string },
  issues: Issue[],
): Work | undefined {
  if (work.kind === 'by-hand') return work;
  if ('of' in work) {
    const of = work.of.map((part, i) => resolved(part, [...path, work.kind, i], find, issues));
    const all = of.filter((part) => part !== undefined);
    return all.length < of.length ? undefined : { kind: work.kind, of: all };
  }
  const it = find(work);
  if ('experiment' in it) return { kind: 'experiment', experiment: it.experiment, documentHash: it.documentHash };
  issues.push(issueOf(it.key === undefined ? path : [...path, it.key], `expected ${it.expected}`));
  return undefined;
}

/** The experiment that is meant, or what was expected, and at which key. */
function found(
  leaf: Leaf,
  own: readonly ParsedExperiment[],
  others: ReadonlyMap<string, Other>,
): ParsedExperiment | { readonly key?: string; readonly expected: string } {
  const named = leaf.experiment;
  if (leaf.kind === 'named') {
    const it = own.find(({ experiment }) => experiment.name === named);
    return it ?? { expected: `an experiment of this file: ${namesOf(own)}` };
  }
  const other = others.get(leaf.file) ?? { why: 'nobody has looked for it' };
  if ('why' in other) return { key: 'file', expected: `a file that can be read: ${other.why}` };
  if (!other.ok) return { key: 'file', expected: 'a file whose experiments are right; what is wrong in them is below' };
  const { experiments } = other;
  const chosen = named === undefined ? experiments : experiments.filter(({ experiment }) => experiment.name === named);
  const [it, second] = chosen;
  if (it !== undefined && second === undefined) return it;
  if (experiments.length === 0) return { key: 'file', expected: 'a file with experiments: it has none' };
  return { key: 'experiment', expected: `one of the experiments of ${leaf.file}: ${namesOf(experiments)}` };
}

function namesOf(experiments: readonly ParsedExperiment[]): string {
  return experiments.map(({ experiment }) => experiment.name).join(', ') || 'it has none';
}

/** The probes that are not in the configuration, where it is that of the worker which reads them. */
function unknownProbes(day: GameDay, { probes }: Catalogue): Issue[] {
  if (probes === undefined || !probes.sites.includes(day.site)) return [];
  return probesOf(day).flatMap(({ path, probe }): Issue[] => {
    if (probes.names.includes(probe)) return [];
    if (probes.names.length === 0) return [issueOf(path, 'expected a probe of the configuration, which has none')];
    return [{ code: 'invalid_value', path, values: [...probes.names], message: '', input: probe }];
  });
}

function assemble(written: WrittenGameDay, works: readonly (Work | undefined)[]): GameDay {
  const { scribe, communications, ...roles } = written.roles;
  return {
    name: written.gameDay,
    purpose: written.purpose,
    ...(written.date === undefined ? {} : { planned: written.date }),
    durationMs: written.duration,
    site: written.site,
    roles: {
      ...roles,
      ...(scribe === undefined ? {} : { scribe }),
      ...(communications === undefined ? {} : { communications }),
    },
    briefing: written.briefing,
    abortOn: written.abortOn,
    watched: written.watch,
    sampleEveryMs: written.sampleEvery,
    scenarios: written.scenarios.map(({ scenario, at, expect, criteria, timeout, approve }, i) => ({
      name: scenario,
      offsetMs: at,
      // Of a day whose work is not found nothing but its probes is looked at.
      work: works[i] ?? { kind: 'sequence', of: [] },
      expected: expect,
      criteria,
      timeoutMs: timeout,
      approve,
    })),
  };
}
