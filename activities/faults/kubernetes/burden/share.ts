/** Shares as authors write them, within bounds. */
import { z } from 'zod';

/** A share such as `90%`, from `least` to `most` per cent, written as it was. */
export function shareBetween(least: number, most: number): z.ZodString {
  return z
    .string()
    .regex(/^(?:100|\d{1,2}(?:\.\d{1,3})?)%$/, `expected a share such as ${Math.min(most, 90)}%`)
    .refine(
      (text) => Number.parseFloat(text) >= least && Number.parseFloat(text) <= most,
      `expected ${least}% to ${most}%`,
    );
}
