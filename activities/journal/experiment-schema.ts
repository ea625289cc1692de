/**
 * The experiment as a journal holds it: parsed once, and written with the run's first event.
 *
 * Owns the reading of it back, and of what other events have in common with it.
 */
import { z } from 'zod';
import type { Experiment, Json, JsonObject } from '../../domain/experiment.ts';

export const count = z.int().min(0);
export const ms = z.number();

export const dimension = z.enum(['duration', 'ratio', 'bytes', 'rate', 'count']);
const quantity = z.object({ value: z.number(), dimension, text: z.string() });
export const abortMode = z.enum(['immediate', 'graceful', 'communicate']);
export const group = z.enum(['business', 'system', 'dependencies']);
const json = z.json() as z.ZodType<Json>;
const jsonObject = z.record(z.string(), json) satisfies z.ZodType<JsonObject>;

export const tolerance = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('range'), min: quantity.exactOptional(), max: quantity.exactOptional() }),
  z.object({ kind: z.literal('baseline'), share: z.number() }),
]);

const breach = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('above'), limit: quantity }),
  z.object({ kind: z.literal('below'), limit: quantity }),
  z.object({ kind: z.literal('outside'), min: quantity, max: quantity }),
  z.object({ kind: z.literal('drops'), share: z.number() }),
  z.object({ kind: z.literal('rises'), share: z.number() }),
  z.object({ kind: z.literal('count'), count: z.number(), withinMs: ms }),
]);

export const stopCondition = z.object({ probe: z.string(), breach, forMs: ms, abort: abortMode });

export const stageSize = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('share'), share: z.number(), text: z.string() }),
  z.object({ kind: z.literal('count'), count, text: z.string() }),
]);

export const experiment = z.object({
  name: z.string(),
  hypothesis: z.string(),
  steadyState: z.array(z.object({ probe: z.string(), group, tolerance })),
  fault: z.string(),
  with: jsonObject,
  targets: z.object({ site: z.string(), selector: jsonObject }),
  blastRadius: z.object({
    stages: z.array(stageSize),
    holdMs: ms,
    max: count.exactOptional(),
    seed: z.string().exactOptional(),
    waitMs: ms.exactOptional(),
  }),
  stopConditions: z.array(stopCondition),
  preconditions: z
    .object({
      healthy: z.literal(true).exactOptional(),
      noIncidents: z.literal(true).exactOptional(),
      window: z.string().exactOptional(),
      windowOverride: z.literal('approval').exactOptional(),
      capacityMin: z.number().exactOptional(),
      minHealthy: stageSize.exactOptional(),
      coolDownMs: ms.exactOptional(),
    })
    .exactOptional(),
  recoverWithinMs: ms,
  sampleEveryMs: ms,
  timeToLiveMs: ms.exactOptional(),
}) satisfies z.ZodType<Experiment>;
