/**
 * The schema of an experiment document.
 *
 * Owns its keys, defaults and rules that need more than one key. Everything written with a unit is parsed here.
 */
import { z } from 'zod';
import type { Breach, Preconditions, StageSize, StopCondition } from '../domain/experiment.ts';
import type { Quantity } from '../domain/quantity.ts';
import { COUNTS, DURATIONS_MS, forMaxMs, grows, SAMPLES_MIN } from '../domain/experiment-bounds.ts';
import { formatDuration, parseShare } from '../domain/units.ts';
import { steadyState } from './steady-state-schema.ts';
import { duration, name, pair, quantity, share } from './written.ts';

/** A probe and a threshold. */
export const stopCondition = z
  .strictObject({
    probe: name('a probe'),
    above: quantity.optional(),
    below: quantity.optional(),
    outside: pair.optional(),
    dropsBy: share.optional(),
    risesBy: share.optional(),
    count: z.int().min(COUNTS.rise[0]).max(COUNTS.rise[1]).optional(),
    within: duration(DURATIONS_MS.within).optional(),
    for: duration(DURATIONS_MS.for).default(0),
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

/** A share of the candidates, or a number of them. */
export const stage = z
  .union([z.number(), z.string()])
  .transform((written, context): StageSize => {
    const [min, max] = COUNTS.targets;
    if (typeof written === 'number' && Number.isInteger(written) && written >= min && written <= max)
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

const DEFAULT_STAGES = ['1%', '5%', '10%', '25%', '50%'];

const blastRadius = z.strictObject({
  stages: z
    .array(stage)
    .min(COUNTS.stages[0])
    .max(COUNTS.stages[1])
    .refine(grows, 'expected each stage larger than the one before')
    .prefault(DEFAULT_STAGES),
  hold: duration(DURATIONS_MS.hold).describe('How long each stage is held.'),
  max: z
    .int()
    .min(COUNTS.targets[0])
    .max(COUNTS.targets[1])
    .optional()
    .describe('The most targets at once, whatever the stages say.'),
  wait: duration(DURATIONS_MS.wait)
    .optional()
    .describe('How long a stage waits for targets that another run holds. Default: it is refused.'),
  seed: z
    .string()
    .min(COUNTS.seed[0])
    .max(COUNTS.seed[1])
    .optional()
    .describe('Makes the choice of targets repeatable.'),
});

const precondition = z.union([
  z
    .strictObject({
      window: name('a window').optional(),
      overrideWith: z.enum(['approval']).optional().describe('Outside of the window somebody else may still allow it.'),
      capacity: share.optional(),
      minHealthy: stage
        .optional()
        .describe(
          'What must be left outside of the blast radius, before it begins and before each stage: 60%, or a number.',
        ),
      coolDown: duration(DURATIONS_MS.coolDown).optional(),
    })
    .refine(
      ({ overrideWith, ...one }) => Object.keys(one).length === 1 && (overrideWith === undefined || 'window' in one),
      'expected one of: window (perhaps with overrideWith), capacity, minHealthy, coolDown',
    ),
  z.enum(['healthy', 'no-incidents']),
]);

const preconditions = z
  .array(precondition)
  .max(10)
  .transform((list, context): Preconditions => {
    const asked = list.map(preconditionOf);
    const keys = asked.flatMap((one) => Object.keys(one));
    if (new Set(keys).size < keys.length)
      context.addIssue({ code: 'custom', message: 'expected each precondition once' });
    return Object.assign({}, ...asked) as Preconditions;
  });

function preconditionOf(written: z.output<typeof precondition>): Preconditions {
  if (written === 'healthy') return { healthy: true };
  if (written === 'no-incidents') return { noIncidents: true };
  const { window, overrideWith, capacity, minHealthy, coolDown } = written;
  return {
    ...(window === undefined ? {} : { window }),
    ...(overrideWith === undefined ? {} : { windowOverride: overrideWith }),
    ...(capacity === undefined ? {} : { capacityMin: capacity }),
    ...(minHealthy === undefined ? {} : { minHealthy }),
    ...(coolDown === undefined ? {} : { coolDownMs: coolDown }),
  };
}

/** The schema, for the fault kinds that there are. */
export function experimentSchema(kinds: readonly string[]) {
  return z
    .strictObject({
      experiment: name('a name').describe('The name of the experiment.'),
      hypothesis: z
        .string()
        .min(COUNTS.hypothesis[0], 'expected a sentence')
        .max(COUNTS.hypothesis[1])
        .describe('One sentence: what should stay true while the fault is on.'),
      steadyState: steadyState.describe('What holds before, and must hold again after.'),
      fault: z.enum(kinds as [string, ...string[]]).describe('The kind of fault.'),
      with: z.record(z.string(), z.unknown()).default({}).describe("The fault's parameters."),
      targets: z
        .looseObject({ site: name('a site').describe('Where the targets are.') })
        .describe('What the fault is done to.'),
      blastRadius,
      stopConditions: z
        .array(stopCondition)
        .min(COUNTS.stopConditions[0])
        .max(COUNTS.stopConditions[1])
        .describe('What ends the run early.'),
      preconditions: preconditions
        .optional()
        .describe('What must be true before it begins and before each stage, besides what is asked of every run.'),
      recoverWithin: duration(DURATIONS_MS.recoverWithin)
        .default(120_000)
        .describe('How long the steady state may take to return. Default: 2m.'),
      sampleEvery: duration(DURATIONS_MS.sampleEvery)
        .default(1_000)
        .describe('How often each probe is sampled. Default: 1s.'),
      timeToLive: duration(DURATIONS_MS.timeToLive)
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
      const atMostMs = known ? forMaxMs(stages.length, hold) : Infinity;
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
