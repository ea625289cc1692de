/**
 * Parsing that names the known keys.
 *
 * Owns how a schema's issue of an unknown key carries the words that would have been right, for whoever tells the mistake.
 */
import { z } from 'zod';

/** Parses `value`; the issue of an unknown key says in its message which keys are known, separated by commas. */
export function check<T>(schema: z.ZodType<T>, value: unknown): z.ZodSafeParseResult<T> {
  return schema.safeParse(value, {
    error: (issue) =>
      issue.code === 'unrecognized_keys' && issue.inst instanceof z.ZodObject
        ? Object.keys(issue.inst.shape).join(', ')
        : undefined,
  });
}
