/** A program's choice as a journal holds it: owns the reading of it back. */
import { z } from 'zod';
import { PICKERS } from '../../domain/picking.ts';
import type { Choice } from '../../domain/picking.ts';
import { count, stageSize } from './experiment-schema.ts';

const radius = z.object({
  size: stageSize,
  step: count,
  of: count,
  since: z.object({ run: z.string(), held: z.boolean() }).exactOptional(),
});

export const choice = z.object({
  pick: z.enum(PICKERS),
  seed: z.string(),
  ranking: z.array(
    z.object({
      pooled: count,
      experiment: z.string(),
      score: z.number().exactOptional(),
      untested: z.literal(true).exactOptional(),
      reasons: z.record(z.string(), z.number()),
      deployed: z.enum(['since-tested', 'unknown']).exactOptional(),
      radius: radius.exactOptional(),
    }),
  ),
  passedOver: z.array(
    z.object({ experiment: z.string(), finding: z.string(), unread: z.literal(true).exactOptional() }),
  ),
  refused: z.array(z.object({ experiment: z.string(), guard: z.string(), found: z.string() })).exactOptional(),
  of: count,
  atMs: z.number().exactOptional(),
  everyMs: z.number().exactOptional(),
}) satisfies z.ZodType<Choice>;
