/**
 * Units: how quantities are written, and read back.
 *
 * Owns the spelling of durations, shares, bytes and rates. A number that needs a unit and has none is not understood;
 * nothing is guessed.
 */
import type { Dimension, Quantity } from './quantity.ts';

/** The longest duration that may be written: 30 days, in milliseconds. */
export const DURATION_MAX_MS = 30 * 86_400_000;

const MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** A written duration as a pattern. */
export const DURATION = /^(?:\d{1,10}(?:\.\d{1,6})?(?:ms|s|m|h|d))+$/;

/** Milliseconds of a written duration (`100ms`, `5m`, `1h30m`), or undefined. */
export function parseDuration(text: string): number | undefined {
  if (!DURATION.test(text)) return undefined;
  let sum = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g))
    sum += Number(amount) * (MS[unit ?? ''] ?? NaN);
  return sum <= DURATION_MAX_MS ? sum : undefined;
}

const BYTES: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};
const PER_SECOND: Readonly<Record<string, number>> = { s: 1, min: 60, h: 3_600 };
const NUMBER = /^-?\d{1,15}(?:\.\d{1,9})?$/;

/** A share as a ratio (`25%` is 0.25), or undefined. */
export function parseShare(text: string): number | undefined {
  const percent = /^(\d{1,6}(?:\.\d{1,6})?)%$/.exec(text)?.[1];
  return percent === undefined ? undefined : Number((Number(percent) / 100).toPrecision(12));
}

/** A number with its unit, or without one where it counts something; undefined when it is not understood. */
export function parseQuantity(written: number | string): Quantity | undefined {
  if (typeof written === 'number') {
    return Number.isFinite(written) ? { value: written, dimension: 'count', text: `${written}` } : undefined;
  }
  const text = written;
  const duration = parseDuration(text);
  if (duration !== undefined) return { value: duration, dimension: 'duration', text };
  const share = parseShare(text);
  if (share !== undefined) return { value: share, dimension: 'ratio', text };
  const [, amount = '', unit = ''] = /^(\d{1,15}(?:\.\d{1,9})?)([kKMGT]?i?B)$/.exec(text) ?? [];
  const bytes = BYTES[unit];
  if (bytes !== undefined) return { value: Number(amount) * bytes, dimension: 'bytes', text };
  const [, events = '', per = ''] = /^(\d{1,15}(?:\.\d{1,9})?)\/(s|min|h)$/.exec(text) ?? [];
  const seconds = PER_SECOND[per];
  if (seconds !== undefined) return { value: Number(events) / seconds, dimension: 'rate', text };
  return NUMBER.test(text) ? { value: Number(text), dimension: 'count', text } : undefined;
}

/** A duration in the fewest words: `1.5s`, `2m`, `1h30m`. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)}ms`;
  if (ms < 60_000) return `${Number((ms / 1_000).toFixed(1))}s`;
  const seconds = Math.round(ms / 1_000);
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor((seconds % 86_400) / 3_600), 'h'],
    [Math.floor((seconds % 3_600) / 60), 'm'],
    [seconds % 60, 's'],
  ];
  return parts
    .filter(([amount]) => amount > 0)
    .slice(0, 2)
    .map(([amount, unit]) => `${amount}${unit}`)
    .join('');
}

/** A share (ratio) for people, to six digits: `12.5%`. */
export function percent(share: number): string {
  return `${Number((share * 100).toPrecision(6))}%`;
}

/** A value in its dimension's canonical unit, for people. */
export function formatQuantity(value: number, dimension: Dimension): string {
  if (dimension === 'duration') return formatDuration(value);
  if (dimension === 'ratio') return `${Number((value * 100).toPrecision(3))}%`;
  if (dimension === 'rate') return `${Number(value.toPrecision(3))}/s`;
  return String(Number(value.toPrecision(4)));
}
