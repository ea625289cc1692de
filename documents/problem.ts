/**
 * Problems: what is wrong with a document, and where.
 *
 * Owns the form in which every mistake is told: file, line, column, what was found, what was expected, the nearest word
 * that would have been right. Pure.
 */

/** One mistake. Lines and columns count from 1. */
export interface Problem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Where in the document, as a person would say it: `stopConditions[1].for`; empty for the document itself. */
  readonly path: string;
  readonly found: string;
  readonly expected: string;
  /** The valid word that is nearest to what was found. */
  readonly nearest?: string;
  /** The line of the document, for the frame under the message. */
  readonly source?: string;
}

/** The most problems a message lists. */
const LISTED_MAX = 100;

/** A document that cannot be used; the message lists the problems. */
export class InvalidDocument extends Error {
  override readonly name = 'InvalidDocument';
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    const shown = problems.slice(0, LISTED_MAX).map(formatProblem);
    const more = problems.length - shown.length;
    super([...shown, ...(more > 0 ? [`and ${more} more problems`] : [])].join('\n'));
    this.problems = problems;
  }
}

/** The longest source line shown, in characters. */
const SOURCE_MAX = 120;

/** `file:3:5: hold: found "5", expected a duration such as 5m`, and the line with a caret. */
export function formatProblem(problem: Problem): string {
  const { file, line, column, path, found, expected, nearest, source } = problem;
  const where = `${file}:${line}:${column}: ${path === '' ? '' : `${path}: `}`;
  const hint = nearest === undefined ? '' : `. Did you mean ${nearest}?`;
  const message = `${where}found ${found}, expected ${expected}${hint}`;
  if (source === undefined || source.length > SOURCE_MAX) return message;
  return `${message}\n    ${source}\n    ${' '.repeat(Math.max(0, column - 1))}^`;
}

function mapping(keys: readonly string[]): string {
  const named = keys.slice(0, 8).join(', ');
  return keys.length === 0 ? 'an empty mapping' : `a mapping of ${named}${keys.length > 8 ? ', …' : ''}`;
}

/** A found value in a few characters. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return mapping(Object.keys(value));
  const text = typeof value === 'bigint' || typeof value === 'number' ? `${value}` : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
