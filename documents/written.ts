/**
 * What several schemas write alike: names, durations, time zones, quantities, shares, pairs.
 *
 * Owns their spelling and the words for what was expected.
 */
import { Temporal } from 'temporal-polyfill';
import { z } from 'zod';
import { NAME } from '../domain/experiment-bounds.ts';
import type { Bounds } from '../domain/experiment-bounds.ts';
import type { Quantity } from '../domain/quantity.ts';
import { formatDuration, parseQuantity, parseShare } from '../domain/units.ts';
import { writtenDuration } from '../domain/written-duration.ts';

/** A name; `what` says of what, in the complaint. */
export const name = (what: string): z.ZodString => {
  const expected = `expected ${what}: lower-case letters, digits and dashes`;
  return z.string(expected).regex(NAME, expected);
};

/** A text of one line, its length within bounds; `expected` says of what, in the complaint. */
export const line = ([min, max]: Bounds, expected: string): z.ZodString =>
  z
    .string(expected)
    .min(min, expected)
    .max(max)
    .regex(/^[^\p{Cc}]*$/u, expected);

/** A duration within bounds, in milliseconds. */
export const duration = ([minMs, maxMs]: Bounds): z.ZodType<number, string> =>
  writtenDuration.refine(
    (ms) => ms >= minMs && ms <= maxMs,
    `expected a duration from ${formatDuration(minMs)} to ${formatDuration(maxMs)}`,
  );

/** Whether there is a time zone of this name. */
export function isTimeZone(text: string): boolean {
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(text);
    return true;
  } catch {
    return false;
  }
}

/** A number with its unit. */
export const quantity = z
  .union([z.number(), z.string()])
  .transform((written, context): Quantity => {
    const parsed = parseQuantity(written);
    if (parsed) return parsed;
    context.addIssue({ code: 'custom', message: 'expected a number with its unit: 500ms, 1%, 10MB, 100/min, 42' });
    return z.NEVER;
  })
  .describe('A number with its unit: 500ms, 1%, 10MB, 100/min, 42.');

const SHARE = 'expected a share such as 10%';

/** A share, as a ratio. */
export const share = z
  .string(SHARE)
  .transform((written, context): number => {
    const parsed = parseShare(written);
    if (parsed !== undefined) return parsed;
    context.addIssue({ code: 'custom', message: SHARE });
    return z.NEVER;
  })
  .describe('A share such as 10%.');

const PAIR = 'expected [low, high] of one unit, the lower first';

/** Two quantities of one unit, the lower first. */
export const pair = z
  .tuple([quantity, quantity], PAIR)
  .refine(([low, high]) => low.dimension === high.dimension && low.value < high.value, PAIR);
