/**
 * Words: times, values and counts as the report writes them.
 *
 * Owns the spelling. All times of day are UTC, and say so once on the page.
 */
import type { Dimension } from '../domain/quantity.ts';
import type { ShownStage } from '../domain/ladder.ts';
import type { EntryOf } from '../domain/run-summary.ts';
import { formatDuration, formatQuantity } from '../domain/units.ts';

const DAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' });
const DAY_SHORT = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' });
const NUMBER = new Intl.NumberFormat('en', { useGrouping: true });

/** `23 November 2026`. */
export function day(atMs: number): string {
  return DAY.format(atMs);
}

/** `14:05:09`. */
export function clock(atMs: number): string {
  return new Date(atMs).toISOString().slice(11, 19);
}

/** A tick of a time axis that spans `spanMs`: with seconds, without, or with the day. */
export function axisTime(atMs: number, spanMs: number): string {
  if (spanMs < 10 * 60_000) return clock(atMs);
  const time = clock(atMs).slice(0, 5);
  return spanMs > 36 * 3_600_000 ? `${DAY_SHORT.format(atMs)} ${time}` : time;
}

/** Time since the start: `+19m18s`. */
export function since(startedAtMs: number, atMs: number): string {
  return `+${formatDuration(Math.max(0, Math.round((atMs - startedAtMs) / 1_000)) * 1_000).replace(/^0ms$/, '0s')}`;
}

/** `12,345`. */
export function number(value: number): string {
  return NUMBER.format(value);
}

/** `1 target`, `12,345 targets`, `2 criteria`. */
export function counted(count: number, one: string, others = `${one}s`): string {
  return `${number(count)} ${count === 1 ? one : others}`;
}

/** A reading, or `no data`. */
export function reading(value: number | null, dimension: Dimension = 'count'): string {
  return value === null ? 'no data' : formatQuantity(value, dimension);
}

/** Whether people were told of an abort: `ops was told of the abort`. */
export function toldWords({ to, delivered, why }: EntryOf<'told'>): string {
  if (delivered) return `${to ?? 'somebody'} was told of the abort`;
  return `${to === undefined ? 'nobody was' : `${to} was not`} told of the abort: ${why ?? 'nobody knows why'}`;
}

/** Why a program took this experiment: `by evidence, the first of 8, for the program shop`. */
export function chosenWords({ program, choice }: EntryOf<'chosen'>): string {
  const { pick, of } = choice;
  const how = pick === 'random' ? 'at random' : pick === 'round-robin' ? 'in its turn' : 'by evidence';
  return `${how}, of ${of}, by the program ${program}`;
}

/** What a stage adds: `+2 = 3: a, b`. */
export function stageWords({ to, added, names, skipped }: ShownStage): string {
  if (skipped !== undefined) return `skipped: ${skipped}`;
  return `+${added} = ${to}: ${names.join(', ')}${added > names.length ? ` and ${added - names.length} more` : ''}`;
}
