/**
 * The schema of an experiment document.
 *
 * Owns its keys, defaults and rules that need more than one key. Everything written with a unit is parsed here.
 */
import { z } from 'zod';
import type { Breach, StageSize, SteadyStateCheck, StopCondition, Tolerance } from '../domain/experiment.ts';
import type { Quantity } from '../domain/quantity.ts';
import { MIN_TTL_MS } from '../domain/timing.ts';
import { formatDuration, parseQuantity, parseShare } from '../domain/units.ts';
import { writtenDuration } from '../domain/written-duration.ts';

const name = (what: string): z.ZodString => {
  const expected = `expected ${what}: lower-case letters, digits and dashes`;
  return z.string(expected).regex(/^[a-z][a-z0-9-]{0,62}$/, expected);
};

const quantity = z
  .union([z.number(), z.string()])
  .transform((written, context): Quantity => {
    const parsed = parseQuantity(written);
    if (parsed) return parsed;
    context.addIssue({ code: 'custom', message: 'expected a number with its unit: 500ms, 1%, 10MB, 100/min, 42' });
    return z.NEVER;
  })
  .describe('A number with its unit: 500ms, 1%, 10MB, 100/min, 42.');

const SHARE = 'expected a share such as 10%';

const share = z
  .string(SHARE)
  .transform((written, context): number => {
    const parsed = parseShare(written);
    if (parsed !== undefined) return parsed;
    context.addIssue({ code: 'custom', message: SHARE });
    return z.NEVER;
  })
  .describe('A share such as 10%.');

const duration = (minMs: number, maxMs: number): z.ZodType<number, string> =>
  writtenDuration.refine(
    (ms) => ms >= minMs && ms <= maxMs,
    `expected a duration from ${formatDuration(minMs)} to ${formatDuration(maxMs)}`,
  );

const DAY_MS = 86_400_000;

const PAIR = 'expected [low, high] of one unit, the lower first';

const pair = z
  .tuple([quantity, quantity], PAIR)
  .refine(([low, high]) => low.dimension === high.dimension && low.value < high.value, PAIR);

const BASELINE = 'expected a share of the baseline: 10% of baseline';

const baselineShare = z
  .string(BASELINE)
  .transform((written, context): number => {
    const parsed = parseShare(/^(\S+) of baseline$/.exec(written)?.[1] ?? '');
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

interface WrittenCheck {
  readonly probe: string;
  readonly min?: Quantity | undefined;
  readonly max?: Quantity | undefined;
  readonly between?: [Quantity, Quantity] | undefined;
  readonly within?: number | undefined;
}

function toleranceOf({ min, max, between, within }: WrittenCheck): Tolerance | undefined {
  const ways = [min ?? max, between, within].filter((way) => way !== undefined).length;
  if (ways !== 1) return undefined;
  if (within !== undefined) return { kind: 'baseline', share: within };
  if (between) return { kind: 'range', min: between[0], max: between[1] };
  return { kind: 'range', ...(min ? { min } : {}), ...(max ? { max } : {}) };
}

function toCheck(
  written: WrittenCheck,
  of: SteadyStateCheck['group'],
  context: z.core.$RefinementCtx,
): SteadyStateCheck {
  const tolerance = toleranceOf(written);
  if (tolerance) return { probe: written.probe, group: of, tolerance };
  context.addIssue({ code: 'custom', message: 'expected one of: min and/or max, between, within' });
  return z.NEVER;
}

const check = z
  .strictObject({ ...checkShape, group: group.default('system') })
  .transform((written, context) => toCheck(written, written.group, context));
const grouped = (of: SteadyStateCheck['group']) =>
  z.array(z.strictObject(checkShape).transform((written, context) => toCheck(written, of, context))).default([]);

const steadyState = z
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

const stopCondition = z
  .strictObject({
    probe: name('a probe'),
    above: quantity.optional(),
    below: quantity.optional(),
    outside: pair.optional(),
    dropsBy: share.optional(),
    risesBy: share.optional(),
    count: z.int().min(1).max(1e9).optional(),
    within: duration(1_000, DAY_MS).optional(),
    for: duration(0, DAY_MS).default(0),
    abort: z.enum(['immediate', 'graceful', 'communicate']).default('immediate'),
  })
  .transform((written, context): StopCondition => {
    const { probe, for: forMs, abort } = written;
    const breach = breachOf(written);
    if (breach) return { probe, breach, forMs, abort };
    context.addIssue({
      code: 'custom',
      message: 'expected one of: above, below, outside, dropsBy, risesBy, count with within',
    });
    return z.NEVER;
  });

interface WrittenBreach {
  readonly above?: Quantity | undefined;
  readonly below?: Quantity | undefined;
  readonly outside?: [Quantity, Quantity] | undefined;
  readonly dropsBy?: number | undefined;
  readonly risesBy?: number | undefined;
  readonly count?: number | undefined;
  readonly within?: number | undefined;
}

function breachOf({ above, below, outside, dropsBy, risesBy, count, within }: WrittenBreach): Breach | undefined {
  const ways: Breach[] = [];
  if (above) ways.push({ kind: 'above', limit: above });
  if (below) ways.push({ kind: 'below', limit: below });
  if (outside) ways.push({ kind: 'outside', min: outside[0], max: outside[1] });
  if (dropsBy !== undefined) ways.push({ kind: 'drops', share: dropsBy });
  if (risesBy !== undefined) ways.push({ kind: 'rises', share: risesBy });
  if (count !== undefined && within !== undefined) ways.push({ kind: 'count', count, withinMs: within });
  if ((count === undefined) !== (within === undefined)) return undefined;
  return ways.length === 1 ? ways[0] : undefined;
}

const stage = z
  .union([z.number(), z.string()])
  .transform((written, context): StageSize => {
    if (typeof written === 'number' && Number.isInteger(written) && written >= 1 && written <= 1e6)
      return { kind: 'count', count: written, text: `${written}` };
    const parsed = typeof written === 'string' ? parseShare(written) : undefined;
    if (parsed !== undefined && parsed > 0 && parsed <= 1)
      return { kind: 'share', share: parsed, text: String(written) };
    context.addIssue({
      code: 'custom',
      message: 'expected a share from 0% to 100% such as 10%, or a whole number of targets',
    });
    return z.NEVER;
  })
  .describe('A share of the candidates (10%) or a number of them (3).');

/** The most stages of an experiment. */
export const STAGES_MAX = 20;
const DEFAULT_STAGES = ['1%', '5%', '10%', '25%', '50%'];

const blastRadius = z.strictObject({
  stages: z
    .array(stage)
    .min(1)
    .max(STAGES_MAX)
    .refine(grows, 'expected each stage larger than the one before')
    .prefault(DEFAULT_STAGES),
  hold: duration(100, 7 * DAY_MS).describe('How long each stage is held.'),
  max: z.int().min(1).max(1e6).optional().describe('The most targets at once, whatever the stages say.'),
  seed: z.string().min(1).max(100).optional().describe('Makes the choice of targets repeatable.'),
});

function grows(stages: readonly StageSize[]): boolean {
  return stages.every((size, i) => {
    const before = stages.slice(0, i).findLast(({ kind }) => kind === size.kind);
    if (before === undefined) return true;
    return size.kind === 'share'
      ? before.kind === 'share' && size.share > before.share
      : before.kind === 'count' && size.count > before.count;
  });
}

/**
 * What a stage's injection may add to the time in which a breach can last, in milliseconds. Stop conditions are watched
 * meanwhile too, so a `for` a little longer than all holds can still fire where an injection is slow, and is not refused.
 */
const INJECT_MS = 10_000;

/** Each stage is held for at least so many samples, so that one of them is always taken under the fault. */
const SAMPLES_MIN = 2;

/** The schema, for the fault kinds that there are. */
export function experimentSchema(kinds: readonly string[]) {
  return z
    .strictObject({
      experiment: name('a name').describe('The name of the experiment.'),
      hypothesis: z
        .string()
        .min(1, 'expected a sentence')
        .max(500)
        .describe('One sentence: what should stay true while the fault is on.'),
      steadyState: steadyState.describe('What holds before, and must hold again after.'),
      fault: z.enum(kinds as [string, ...string[]]).describe('The kind of fault.'),
      with: z.record(z.string(), z.unknown()).default({}).describe("The fault's parameters."),
      targets: z
        .looseObject({ site: name('a site').describe('Where the targets are.') })
        .describe('What the fault is done to.'),
      blastRadius,
      stopConditions: z.array(stopCondition).min(1).max(20).describe('What ends the run early.'),
      recoverWithin: duration(100, DAY_MS)
        .default(120_000)
        .describe('How long the steady state may take to return. Default: 2m.'),
      sampleEvery: duration(100, 600_000).default(1_000).describe('How often each probe is sampled. Default: 1s.'),
      timeToLive: duration(MIN_TTL_MS, 3_600_000)
        .optional()
        .describe(
          'How long a fault lives without a renewal; longer where a stage adds more than 1,000 targets to 30s. Default: 30s.',
        ),
    })
    .superRefine(({ sampleEvery, stopConditions, blastRadius }, context) => {
      const { stages, hold } = blastRadius;
      // Of stages that are wrong in themselves nothing is known.
      const known = context.issues.every(({ path }) => path?.[0] !== 'blastRadius');
      if (known && hold < SAMPLES_MIN * sampleEvery) {
        const message = `expected at least ${formatDuration(SAMPLES_MIN * sampleEvery)}, ${SAMPLES_MIN} times sampleEvery: what nobody looks at proves nothing`;
        context.addIssue({ code: 'custom', path: ['blastRadius', 'hold'], message });
      }
      const atMostMs = known ? stages.length * (hold + INJECT_MS) : Infinity;
      for (const [i, { forMs }] of stopConditions.entries()) {
        const path = ['stopConditions', i, 'for'];
        // What is wrong in itself has been complained of already, and is no number here.
        if (forMs > 0 && forMs <= sampleEvery) {
          const message = `expected 0s, or longer than sampleEvery (${formatDuration(sampleEvery)}): one sample cannot show that a breach lasts`;
          context.addIssue({ code: 'custom', path, message });
        } else if (forMs > atMostMs) {
          const message = `expected at most ${formatDuration(atMostMs)}, about as long as the fault is on: longer could hardly fire`;
          context.addIssue({ code: 'custom', path, message });
        }
      }
    });
}

/** An experiment as its document says it, units parsed. */
export type WrittenExperiment = z.output<ReturnType<typeof experimentSchema>>;
