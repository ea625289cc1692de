/**
 * Tables of a game day's report, as both forms for people show them.
 *
 * Owns their shape: what is in them is written once, and set as HTML or as Markdown. Must never hold markup: everything in a cell is text.
 */
import type { Tone } from '../marks.ts';

/** One cell. What it says in colour it says in words. */
export interface Cell {
  readonly text: string;
  /** What stands below it, smaller. */
  readonly more?: string;
  readonly tone?: Tone;
  readonly set?: 'number' | 'code';
}

/** A section with one table. The first cell of each row is its name. */
export interface Table {
  readonly id: string;
  readonly title: string;
  readonly note?: string;
  readonly head: readonly string[];
  readonly groups: readonly { readonly name?: string; readonly rows: readonly Row[] }[];
  /** What is said where there is no row. */
  readonly none: string;
}

/** One row. `loud` is what nobody may miss. */
export interface Row {
  readonly cells: readonly Cell[];
  readonly loud?: boolean;
}

/** A plain cell. */
export function cell(text: string, more: Pick<Cell, 'more' | 'tone' | 'set'> = {}): Cell {
  return { text, ...more };
}
