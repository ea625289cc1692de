/**
 * Markdown that cannot be broken by what is put into it, as GitHub reads it.
 *
 * Owns escaping: a text reads as it is, on one line, and is no markup, link, mention or reference. Must never let through what somebody
 * wrote other than by {@link escapeMarkdown}.
 */
import { printable } from './markup.ts';

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '|': '&vert;' };
/** Shows nothing, and keeps two characters from being read as one thing. */
const APART = '&#8203;';

/** `text` as it may stand in a paragraph, a list item or a cell. */
export function escapeMarkdown(text: string): string {
  return printable(text)
    .replace(/[\s\u0085\u2028\u2029]+/g, ' ')
    .trim()
    .replace(/[\\`*_[\]~$]/g, '\\$&')
    .replace(/[&<>|]/g, (character) => ENTITIES[character] ?? '')
    .replace(/[@#](?=\w)/g, `$&${APART}`)
    .replace(/:(?=\/\/)/g, `:${APART}`)
    .replace(/www(?=\.)/gi, `$&${APART}`)
    .replace(/^(?:[#\-=]|\+(?=\s|$))/, '\\$&')
    .replace(/^(\d+)([.)])(?=\s|$)/, '$1\\$2');
}

/** A table; its cells are Markdown already. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
