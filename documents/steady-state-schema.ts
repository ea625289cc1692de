/**
 * The schema of a steady state: probes, and what readings of them are accepted.
 *
 * Owns the ways of saying it: `min`, `max`, `between`, `within`.
 */
import { z } from 'zod';
import type { SteadyStateCheck, Tolerance } from '../domain/experiment.ts';
import type { Quantity } from '../domain/quantity.ts';
import { parseShare } from '../domain/units.ts';
import { name, pair, quantity } from './written.ts';

/** A share of the baseline (`10% of baseline`), as a ratio; undefined of anything else. */
export function parseBaselineShare(text: string): number | undefined {
  return parseShare(/^(\S+) of baseline$/.exec(text)?.[1] ?? '');
}

const BASELINE = 'expected a share of the baseline: 10% of baseline';

const baselineShare = z
  .string(BASELINE)
  .transform((written, context): number => {
    const parsed = parseBaselineShare(written);
    if (parsed !== undefined) return parsed;
    context.addIssue({ code: 'custom', message: BASELINE });
    return z.NEVER;
  })
  .describe('Nearness to the baseline taken in pre-flight: 10% of baseline.');

const group = z.enum(['business', 'system', 'dependencies']);

const checkShape = {
  probe: name('a probe'),
  min: quantity.optional(),
  max: quantity.optional(),
  between: pair.optional(),
  within: baselineShare.optional(),
};

/** What readings are accepted, as it is written. */
export interface WrittenTolerance {
  readonly min?: Quantity | undefined;
  readonly max?: Quantity | undefined;
  readonly between?: [Quantity, Quantity] | undefined;
  readonly within?: number | undefined;
}

/** The one way in which it is written; undefined of none, and of several. */
export function toleranceOf({ min, max, between, within }: WrittenTolerance): Tolerance | undefined {
  const ways = [min ?? max, between, within].filter((way) => way !== undefined).length;
  if (ways !== 1) return undefined;
  if (within !== undefined) return { kind: 'baseline', share: within };
  if (between) return { kind: 'range', min: between[0], max: between[1] };
  return { kind: 'range', ...(min ? { min } : {}), ...(max ? { max } : {}) };
}

function toCheck(
  written: WrittenTolerance & { readonly probe: string },
  of: SteadyStateCheck['group'],
  context: z.core.$RefinementCtx,
): SteadyStateCheck {
  const tolerance = toleranceOf(written);
  if (tolerance) return { probe: written.probe, group: of, tolerance };
  context.addIssue({ code: 'custom', message: 'expected one of: min and/or max, between, within' });
  return z.NEVER;
}

/** One check. */
export const check = z
  .strictObject({ ...checkShape, group: group.default('system') })
  .transform((written, context) => toCheck(written, written.group, context));
const grouped = (of: SteadyStateCheck['group']) =>
  z.array(z.strictObject(checkShape).transform((written, context) => toCheck(written, of, context))).default([]);

/** A steady state: a list of checks, or three groups of them. */
export const steadyState = z
  .union([
    z.array(check),
    z
      .strictObject({
        business: grouped('business'),
        system: grouped('system'),
        dependencies: grouped('dependencies'),
      })
      .transform((groups) => [...groups.business, ...groups.system, ...groups.dependencies]),
  ])
  .refine((checks) => checks.length > 0, 'expected at least one check');
