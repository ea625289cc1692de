/**
 * What a part of the bench has to say: rows for people, figures for machines, goals.
 *
 * Owns the shape and its rendering as text. Pure.
 */

/** A figure that was wished for, and what was found. */
export interface Goal {
  readonly goal: string;
  readonly found: string;
  readonly met: boolean;
}

/** One table. */
export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** What one part measured. */
export interface Outcome {
  readonly tables: readonly Table[];
  readonly goals: readonly Goal[];
  /** How to read it, and what was left out and why; one sentence each. */
  readonly notes: readonly string[];
  /** The same figures unrounded, for `--json`. */
  readonly figures: Readonly<Record<string, unknown>>;
}

/** An outcome as text, ending in a newline. */
export function renderOutcome({ tables, goals, notes }: Outcome): string {
  const parts = [
    ...tables.map(renderTable),
    ...(goals.length > 0
      ? [goals.map(({ goal, found, met }) => `${met ? 'met   ' : 'MISSED'}  ${goal}: ${found}`).join('\n')]
      : []),
    ...(notes.length > 0 ? [notes.join('\n')] : []),
  ];
  return `${parts.join('\n\n')}\n`;
}

function renderTable({ title, head, rows }: Table): string {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
  return [title, line(head), ...rows.map(line)].join('\n');
}

/** Bytes in megabytes (10⁶), one decimal. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** Milliseconds without decimals. */
export function milliseconds(ms: number): string {
  return `${Math.round(ms)} ms`;
}
