/**
 * The schema of an experiment document.
 *
 * Owns its keys, defaults and rules that need more than one key. Everything written with a unit is parsed here.
 */
import { z } from 'zod';
import type { Breach, Preconditions, StageSize, StopCondition } from '../domain/experiment.ts';
import type { Quantity } from '../domain/quantity.ts';
import { HOLD_MAX_MS, MIN_TTL_MS, STAGES_MAX, TTL_MAX_MS } from '../domain/timing.ts';
import { formatDuration, parseShare } from '../domain/units.ts';
import { writtenDuration } from '../domain/written-duration.ts';
import { steadyState } from './steady-state-schema.ts';
import { name, pair, quantity, share } from './written.ts';

const duration = (minMs: number, maxMs: number): z.ZodType<number, string> =>
  writtenDuration.refine(
    (ms) => ms >= minMs && ms <= maxMs,
    `expected a duration from ${formatDuration(minMs)} to ${formatDuration(maxMs)}`,
  );

const DAY_MS = 86_400_000;

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

const DEFAULT_STAGES = ['1%', '5%', '10%', '25%', '50%'];

const blastRadius = z.strictObject({
  stages: z
    .array(stage)
    .min(1)
    .max(STAGES_MAX)
    .refine(grows, 'expected each stage larger than the one before')
    .prefault(DEFAULT_STAGES),
  hold: duration(100, HOLD_MAX_MS).describe('How long each stage is held.'),
  max: z.int().min(1).max(1e6).optional().describe('The most targets at once, whatever the stages say.'),
  wait: duration(1_000, DAY_MS)
    .optional()
    .describe('How long a stage waits for targets that another run holds. Default: it is refused.'),
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
      coolDown: duration(1_000, 30 * DAY_MS).optional(),
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
      preconditions: preconditions
        .optional()
        .describe('What must be true before it begins and before each stage, besides what is asked of every run.'),
      recoverWithin: duration(100, DAY_MS)
        .default(120_000)
        .describe('How long the steady state may take to return. Default: 2m.'),
      sampleEvery: duration(100, 600_000).default(1_000).describe('How often each probe is sampled. Default: 1s.'),
      timeToLive: duration(MIN_TTL_MS, TTL_MAX_MS)
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
