/**
 * Written durations as schemas, for documents, configurations and parameters.
 *
 * Apart from `units.ts`, so that workflows, which never parse, do not carry a parser: their code is evaluated anew for each.
 */
import { z } from 'zod';
import { DURATION, DURATION_MAX_MS, parseDuration } from './units.ts';

const WRITTEN = 'expected a duration such as 100ms or 5m';

/** A written duration, in milliseconds. */
export const writtenDuration = z
  .string(WRITTEN)
  .regex(DURATION, WRITTEN)
  .transform((text, context) => {
    const ms = parseDuration(text);
    if (ms !== undefined) return ms;
    context.addIssue({ code: 'custom', message: 'expected a duration of at most 30d' });
    return z.NEVER;
  });

/**
 * A written duration, or milliseconds where it was already parsed: parameters travel parsed, and are parsed again. Documents
 * refuse the bare number all the same (`documents/experiment.ts`).
 */
export const durationMs = z.union([writtenDuration, z.number().min(0).max(DURATION_MAX_MS)]);
