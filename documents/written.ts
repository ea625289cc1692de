/**
 * What several schemas write alike: names, quantities, shares, pairs.
 *
 * Owns their spelling and the words for what was expected.
 */
import { z } from 'zod';
import { NAME } from '../domain/experiment-bounds.ts';
import type { Quantity } from '../domain/quantity.ts';
import { parseQuantity, parseShare } from '../domain/units.ts';

/** A name; `what` says of what, in the complaint. */
export const name = (what: string): z.ZodString => {
  const expected = `expected ${what}: lower-case letters, digits and dashes`;
  return z.string(expected).regex(NAME, expected);
};

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
