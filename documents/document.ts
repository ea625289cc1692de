/**
 * Documents: from YAML to a typed value, by a zod schema.
 *
 * Owns the way from a schema's issues to problems with positions: unknown keys at the key, missing ones at their parent,
 * unions by the alternative that was meant. Must never know what a document is for.
 */
import { closest } from 'fastest-levenshtein';
import { isMap, isScalar, isSeq } from 'yaml';
import type { z } from 'zod';
import { check } from '../domain/known-keys.ts';
import { shown } from './problem.ts';
import type { Problem } from './problem.ts';
import { offsetOf, readSources } from './source.ts';
import type { Locate, Source } from './source.ts';

/** A value, or everything that is wrong. */
export type Parsed<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problems: readonly Problem[] };

/** Reads a file of exactly one document. */
export function parseDocument<T>(input: string | Uint8Array, file: string, schema: z.ZodType<T>): Parsed<T> {
  const { documents, problems, locate } = readSources(input, file);
  if (problems.length > 0) return { ok: false, problems };
  const [first, second] = documents;
  if (second)
    return {
      ok: false,
      problems: [locate(offsetOf(second.document.contents), '', 'a second document', 'one document')],
    };
  if (!first) return { ok: false, problems: [locate(0, '', 'nothing', 'a YAML document')] };
  return parseSource(first, locate, schema);
}

/** Parses one document of a file. */
export function parseSource<T>(source: Source, locate: Locate, schema: z.ZodType<T>): Parsed<T> {
  const value = toJs(source);
  if (value === undefined)
    return {
      ok: false,
      problems: [locate(offsetOf(source.document.contents), '', 'aliases that grow too large', 'fewer aliases')],
    };
  const result = check(schema, value);
  if (result.success) return { ok: true, value: result.data };
  return { ok: false, problems: inOrder(issuesToProblems(result.error.issues, value, source, locate)) };
}

/** The plain value of a document; undefined when its aliases make it too large. */
export function toJs(source: Source): unknown {
  try {
    return source.document.toJS({ maxAliasCount: 1_000 }) as unknown;
  } catch {
    return undefined;
  }
}

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

/** Turns issues at `base` of a document into problems. */
export function issuesToProblems(
  issues: readonly Issue[],
  value: unknown,
  source: Source,
  locate: Locate,
  base: Path = [],
): Problem[] {
  return issues.flatMap((issue) => {
    const path = [...base, ...issue.path];
    const at = (inside: Path): unknown =>
      inside.reduce<unknown>(
        (node, key) =>
          isObject(node) && Object.hasOwn(node, key) ? (node as Record<PropertyKey, unknown>)[key] : undefined,
        value,
      );
    if (issue.code === 'unrecognized_keys') {
      const known = issue.message === '' ? [] : issue.message.split(', ');
      return issue.keys.map((key) =>
        problemAt(
          [...path, key],
          'key',
          `unknown key ${shown(key)}`,
          known.length > 0 ? `one of ${known.join(', ')}` : 'no such key',
          nearestOf(key, known),
        ),
      );
    }
    if (issue.code === 'invalid_union') {
      const meant = meantAlternative(issue.errors);
      if (meant) return issuesToProblems(meant, value, source, locate, path);
    }
    if (issue.code === 'invalid_key' || issue.code === 'invalid_element') {
      const [inner] = issue.issues;
      return problemAt(path, 'key', shown(path.at(-1)), inner === undefined ? 'another key' : expectation(inner));
    }
    const found = at(path);
    if (found === undefined)
      return problemAt(path.slice(0, -1), 'value', `no ${String(path.at(-1) ?? 'document')}`, expectation(issue));
    const values = issue.code === 'invalid_value' ? issue.values.map(String) : [];
    return problemAt(
      path,
      'value',
      shown(found),
      expectation(issue),
      typeof found === 'string' ? nearestOf(found, values) : undefined,
    );
  });

  function problemAt(path: Path, part: 'key' | 'value', found: string, expected: string, nearest?: string): Problem {
    return locate(offsetAt(source, path, part), spell(path), found, expected, nearest);
  }
}

function expectation(issue: Issue): string {
  if (issue.message.startsWith(EXPECTED)) return issue.message.slice(EXPECTED.length);
  switch (issue.code) {
    case 'invalid_type':
      return TYPES[issue.expected] ?? `a ${issue.expected}`;
    case 'invalid_value':
      return issue.values.length === 1 ? String(issue.values[0]) : `one of ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return issue.origin === 'array'
        ? `at least ${String(issue.minimum)} in the list`
        : `at least ${String(issue.minimum)}${issue.origin === 'string' ? ' characters' : ''}`;
    case 'too_big':
      return issue.origin === 'array'
        ? `at most ${String(issue.maximum)} in the list`
        : `at most ${String(issue.maximum)}${issue.origin === 'string' ? ' characters' : ''}`;
    default:
      return issue.message;
  }
}

const EXPECTED = 'expected ';

const TYPES: Readonly<Record<string, string>> = {
  object: 'a mapping',
  array: 'a list',
  record: 'a mapping',
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
};

function nearestOf(word: string, words: readonly string[]): string | undefined {
  return words.length === 0 || word.length > 60 ? undefined : closest(word, words);
}

/** The alternative that got furthest: fewest complaints about type, then fewest complaints. */
function meantAlternative(alternatives: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  const scored = alternatives.map((issues) => ({
    issues,
    score: issues.reduce((sum, issue) => sum + (issue.path.length === 0 && issue.code === 'invalid_type' ? 100 : 1), 0),
  }));
  return scored.toSorted((a, b) => a.score - b.score)[0]?.issues;
}

function offsetAt(source: Source, path: Path, part: 'key' | 'value'): number {
  let node: unknown = source.document.contents;
  for (const [i, key] of path.entries()) {
    const last = i === path.length - 1;
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key));
      if (pair === undefined) return offsetOf(node);
      if (last && (part === 'key' || pair.value === null)) return offsetOf(pair.key);
      node = pair.value;
    } else if (isSeq(node)) {
      const item = node.items[Number(key)];
      if (item === undefined) return offsetOf(node);
      node = item;
    } else break;
  }
  return offsetOf(node);
}

/** `stopConditions[1].for`. */
function spell(path: Path): string {
  return path.map((key, i) => (typeof key === 'number' ? `[${key}]` : `${i === 0 ? '' : '.'}${String(key)}`)).join('');
}

function inOrder(problems: readonly Problem[]): Problem[] {
  return problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
