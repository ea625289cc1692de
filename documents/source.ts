/**
 * Sources: from bytes to YAML documents with positions.
 *
 * Owns every bound on what is read: size, depth, aliases, and the parts of YAML that are refused. Must never throw for bad
 * input: what is wrong is a problem with a position.
 */
import { isCollection, isMap, isPair, isScalar, Lexer, LineCounter, parseAllDocuments, Parser, visit } from 'yaml';
import type { Document, Scalar, YAMLMap } from 'yaml';
import type { Problem } from './problem.ts';

/** The largest file, in bytes. */
export const BYTES_MAX = 1 << 20;
/** The deepest nesting. */
export const DEPTH_MAX = 64;
/** The most tokens of YAML in a file: spaces, signs and words. */
export const TOKENS_MAX = 100_000;
/** The most aliases a file may use; each is expanded where it stands. */
export const ALIASES_MAX = 100;
/** The most documents a file may have. */
export const DOCUMENTS_MAX = 200;

/** One YAML document of a file. */
export interface Source {
  readonly document: Document.Parsed;
  /** Its own text. */
  readonly text: string;
  /** Where its content begins. */
  readonly line: number;
}

/** A file, read. `problems` is empty when every document may be used. */
export interface Sources {
  readonly documents: readonly Source[];
  readonly problems: readonly Problem[];
  readonly locate: Locate;
}

/** Makes a problem at an offset of the file. */
export type Locate = (offset: number, path: string, found: string, expected: string, nearest?: string) => Problem;

/** Reads `input` as the content of `file`. */
export function readSources(input: string | Uint8Array, file: string): Sources {
  const size = typeof input === 'string' ? Buffer.byteLength(input) : input.length;
  if (size > BYTES_MAX) return unusable(file, `more than ${BYTES_MAX} bytes`, `at most ${BYTES_MAX} bytes`);
  const text = decode(input);
  if (text === undefined) return unusable(file, 'bytes that are not UTF-8', 'UTF-8 text');
  const lineCounter = linesOf(text);
  const locate = locator(file, text, lineCounter);
  const extent = extentProblem(text, locate);
  if (extent) return { documents: [], problems: [extent], locate };
  const parsed = parseAllDocuments(text, {
    // Looked for below: the library compares every pair of keys.
    uniqueKeys: false,
    strict: true,
    prettyErrors: false,
    version: '1.2',
    schema: 'core',
  });
  if (!Array.isArray(parsed)) return { documents: [], problems: [locate(0, '', 'nothing', 'a YAML document')], locate };
  const problems = parsed.flatMap((document) => problemsOf(document, locate));
  if (parsed.length > DOCUMENTS_MAX)
    problems.push(locate(0, '', `${parsed.length} documents`, `at most ${DOCUMENTS_MAX}`));
  return { documents: parsed.map((document) => sourceOf(document, text, lineCounter)), problems, locate };
}

function unusable(file: string, found: string, expected: string): Sources {
  const locate = locator(file, '', new LineCounter());
  return { documents: [], problems: [{ file, line: 1, column: 1, path: '', found, expected }], locate };
}

function linesOf(text: string): LineCounter {
  const lines = new LineCounter();
  lines.addNewLine(0);
  for (const { index } of text.matchAll(/\n/g)) lines.addNewLine(index + 1);
  return lines;
}

function decode(input: string | Uint8Array): string | undefined {
  if (typeof input === 'string') return input.replace(/^\uFEFF/, '');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(input);
  } catch {
    return undefined;
  }
}

function locator(file: string, text: string, lineCounter: LineCounter): Locate {
  const lines = text.split('\n');
  return (offset, path, found, expected, nearest) => {
    const { line, col } = lineCounter.linePos(Math.max(0, Math.min(offset, text.length)));
    const source = lines[line - 1]?.replace(/\r$/, '').replaceAll('\t', ' ');
    return {
      file,
      line: Math.max(1, line),
      column: Math.max(1, col),
      path,
      found,
      expected,
      ...(nearest === undefined ? {} : { nearest }),
      ...(source === undefined ? {} : { source }),
    };
  };
}

/**
 * Looks for nesting and length before anything recursive or quadratic does, which a hostile file would exhaust: the
 * library's token parser keeps a stack of its own, with one entry a level, one for the document and one for the scalar.
 */
function extentProblem(text: string, locate: Locate): Problem | undefined {
  const parser = new Parser();
  let tokens = 0;
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) void token;
    if (parser.stack.length > DEPTH_MAX + 2)
      return locate(parser.offset - lexeme.length, '', 'deeper nesting', `at most ${DEPTH_MAX} levels`);
    if (++tokens > TOKENS_MAX)
      return locate(
        parser.offset - lexeme.length,
        '',
        `more than ${TOKENS_MAX} words and signs`,
        'fewer, in several files',
      );
  }
  return undefined;
}

function problemsOf(document: Document.Parsed, locate: Locate): Problem[] {
  const problems = [...document.errors, ...document.warnings].map((error) =>
    locate(error.pos[0], '', describe(error.code, error.message), expectedInstead(error.code)),
  );
  let aliases = 0;
  visit(document, {
    Alias: (_key, node) => {
      aliases += 1;
      if (aliases > ALIASES_MAX) {
        problems.push(locate(offsetOf(node), '', `more than ${ALIASES_MAX} aliases`, `at most ${ALIASES_MAX}`));
        return visit.BREAK;
      }
      if (node.resolve(document) === undefined)
        problems.push(locate(offsetOf(node), '', `an alias to nothing, *${node.source}`, 'an anchor before it'));
      return undefined;
    },
    Value: (_key, node) => {
      if (isMap(node))
        for (const key of repeatedKeys(node))
          problems.push(locate(offsetOf(key), '', 'a key that is there already', 'each key once'));
    },
    Pair: (_key, pair) => {
      if (isScalar(pair.key) && pair.key.value === '__proto__')
        problems.push(locate(offsetOf(pair.key), '', 'the key __proto__', 'another name'));
      if (isCollection(pair.key))
        problems.push(locate(offsetOf(pair.key), '', 'a key that is not a word', 'a word before the colon'));
      return undefined;
    },
  });
  return problems;
}

function repeatedKeys(map: YAMLMap): Scalar[] {
  const seen = new Set<string>();
  return map.items.flatMap(({ key }) => {
    if (!isScalar(key)) return [];
    const repeated = seen.has(String(key.value));
    seen.add(String(key.value));
    return repeated ? [key] : [];
  });
}

function describe(code: string, message: string): string {
  if (code === 'TAG_RESOLVE_FAILED') return `the tag ${message.split(': ').at(-1)?.slice(0, 40) ?? ''}`;
  if (code === 'TAB_AS_INDENT') return 'a tab in the indentation';
  return `something that is not YAML (${message.split('\n')[0]?.slice(0, 120) ?? code})`;
}

function expectedInstead(code: string): string {
  if (code === 'TAG_RESOLVE_FAILED') return 'plain values without tags';
  return code === 'TAB_AS_INDENT' ? 'spaces' : 'valid YAML';
}

function sourceOf(document: Document.Parsed, text: string, lineCounter: LineCounter): Source {
  const [from, , to] = document.range;
  const begins = document.contents?.range[0] ?? from;
  return { document, text: text.slice(from, to), line: lineCounter.linePos(begins).line };
}

/** Where a node begins in its file. */
export function offsetOf(node: unknown): number {
  if (isPair(node)) return offsetOf(node.key);
  const range =
    typeof node === 'object' && node !== null && 'range' in node
      ? (node.range as [number] | null | undefined)
      : undefined;
  return range?.[0] ?? 0;
}
