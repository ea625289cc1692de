/**
 * Experiment documents: from YAML to the {@link Experiment} that everything else works from.
 *
 * Owns how an experiment is written. The fault's parameters and the targets' selector are parsed by the schemas of the
 * catalogue, in place, so that their mistakes have positions too.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Experiment, JsonObject } from '../domain/experiment.ts';
import { check } from '../domain/known-keys.ts';
import { issuesToProblems, parseSource, toJs } from './document.ts';
import { experimentSchema } from './experiment-schema.ts';
import type { WrittenExperiment } from './experiment-schema.ts';
import type { Problem } from './problem.ts';
import type { Locate, Source } from './source.ts';

/** What a document may ask for. */
export interface Catalogue {
  readonly kinds: ReadonlyMap<string, { readonly params: z.ZodType; readonly selector: z.ZodType }>;
  /** The probes of a configuration, and the sites at which they are read; those of other sites are others' to know. */
  readonly probes?: { readonly sites: readonly string[]; readonly names: readonly string[] };
}

/** An experiment, and the document it came from. */
export interface ParsedExperiment {
  readonly experiment: Experiment;
  /** SHA-256 of the document's own text, in hex. */
  readonly documentHash: string;
  readonly line: number;
}

/** Every experiment of a file, or every problem in it. */
export type ParsedExperiments =
  | { readonly ok: true; readonly experiments: readonly ParsedExperiment[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Parses the experiments of `file`, one a document. */
export function parseExperiments(
  documents: readonly Source[],
  file: string,
  locate: Locate,
  catalogue: Catalogue,
): ParsedExperiments {
  const parsed = documents.map((source) => parseOne(source, locate, catalogue));
  const wrong = parsed.flatMap((result) => (result.ok ? [] : result.problems));
  const experiments = parsed.flatMap((result) => (result.ok ? [result.value] : []));
  for (const [i, { experiment, line }] of experiments.entries()) {
    const first = experiments.findIndex((other) => other.experiment.name === experiment.name);
    if (first < i)
      wrong.push({
        file,
        line,
        column: 1,
        path: 'experiment',
        found: `a second experiment called ${experiment.name}`,
        expected: 'another name',
      });
  }
  return wrong.length > 0 ? { ok: false, problems: wrong } : { ok: true, experiments };
}

function parseOne(
  source: Source,
  locate: Locate,
  catalogue: Catalogue,
): { ok: true; value: ParsedExperiment } | { ok: false; problems: readonly Problem[] } {
  const kind = catalogue.kinds.get(kindOf(source));
  const written = parseSource(source, locate, experimentSchema([...catalogue.kinds.keys()]));
  const inner = kind ? parseInner(source, locate, kind) : undefined;
  const problems = [...(written.ok ? [] : written.problems), ...(inner?.problems ?? [])];
  if (!written.ok || inner === undefined || problems.length > 0) {
    return { ok: false, problems: problems.toSorted((a, b) => a.line - b.line || a.column - b.column) };
  }
  const experiment = freeze(assemble(written.value, inner.params, inner.selector));
  const documentHash = createHash('sha256').update(source.text).digest('hex');
  return { ok: true, value: { experiment, documentHash, line: source.line } };
}

function kindOf(source: Source): string {
  const value = toJs(source);
  const fault = typeof value === 'object' && value !== null && 'fault' in value ? value.fault : undefined;
  return typeof fault === 'string' ? fault : '';
}

/** Parses `with` and the selector by the schemas of the fault's kind. */
function parseInner(
  source: Source,
  locate: Locate,
  kind: { readonly params: z.ZodType; readonly selector: z.ZodType },
): { params: JsonObject; selector: JsonObject; problems: Problem[] } {
  const value = toJs(source) as { with?: unknown; targets?: unknown };
  const given = mappings.safeParse(value.with ?? {}).data;
  const { site: _site, ...selected } = mappings.safeParse(value.targets).data ?? {};
  // What is not even a mapping has been complained of already.
  const params = given && check(kind.params, given);
  const bare = params?.success === true ? bareDurations(kind.params, given ?? {}, params.data) : [];
  const selector = mappings.safeParse(value.targets).success ? check(kind.selector, selected) : undefined;
  const problems = [
    ...issuesToProblems([...(params?.error?.issues ?? []), ...bare], { ...value, with: given }, source, locate, [
      'with',
    ]),
    ...issuesToProblems(selector?.error?.issues ?? [], value, source, locate, ['targets']),
  ];
  return { params: (params?.data ?? {}) as JsonObject, selector: (selector?.data ?? {}) as JsonObject, problems };
}

/**
 * Numbers among the parameters that would be taken for milliseconds. Parameters travel parsed and are parsed again, so their
 * schemas take such numbers; whoever writes one has left out the unit.
 */
export function bareDurations(schema: z.ZodType, given: Readonly<Record<string, unknown>>, parsed: unknown): Issue[] {
  return Object.entries(given).flatMap(([key, value]) => {
    if (typeof value !== 'number') return [];
    const written = check(schema, { ...given, [key]: `${value}ms` });
    const same = written.success && JSON.stringify(written.data) === JSON.stringify(parsed);
    return same
      ? [{ code: 'custom', path: [key], message: 'expected a duration such as 100ms or 5m', input: value }]
      : [];
  });
}

type Issue = Parameters<typeof issuesToProblems>[0][number];

const mappings = z.record(z.string(), z.unknown());

function assemble(written: WrittenExperiment, params: JsonObject, selector: JsonObject): Experiment {
  const { targets, blastRadius, timeToLive, steadyState, stopConditions, preconditions, ...rest } = written;
  const { hold, max, seed, stages, wait } = blastRadius;
  return {
    name: rest.experiment,
    hypothesis: rest.hypothesis,
    steadyState,
    fault: rest.fault,
    with: params,
    targets: { site: targets.site, selector },
    blastRadius: {
      stages,
      holdMs: hold,
      ...(max === undefined ? {} : { max }),
      ...(seed === undefined ? {} : { seed }),
      ...(wait === undefined ? {} : { waitMs: wait }),
    },
    stopConditions,
    recoverWithinMs: rest.recoverWithin,
    sampleEveryMs: rest.sampleEvery,
    ...(preconditions === undefined ? {} : { preconditions }),
    ...(timeToLive === undefined ? {} : { timeToLiveMs: timeToLive }),
  };
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(freeze);
  }
  return value;
}
