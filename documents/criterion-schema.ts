/**
 * The schema of one criterion of a game day.
 *
 * Owns the ways of saying it, and the name of one that has none of its own.
 */
import { z } from 'zod';
import { DURATIONS_MS } from '../domain/experiment-bounds.ts';
import { GAME_DAY_COUNTS } from '../domain/game-day-bounds.ts';
import type { Criterion } from '../domain/game-day.ts';
import { describeCriterion } from '../domain/game-day-words.ts';
import type { Asked } from '../domain/game-day-words.ts';
import { parseDuration } from '../domain/units.ts';
import { parseBaselineShare, toleranceOf } from './steady-state-schema.ts';
import type { WrittenTolerance } from './steady-state-schema.ts';
import { duration, line, name, pair, quantity } from './written.ts';

const WITHIN = 'expected a time from 1s to 1d such as 5m, or a share of the baseline: 10% of baseline';
const [WITHIN_MIN_MS, WITHIN_MAX_MS] = DURATIONS_MS.within;

/** A time, or nearness to the baseline. */
type Within = { readonly withinMs: number } | { readonly share: number };

const within = z
  .string(WITHIN)
  .transform((written, context): Within => {
    const withinMs = timeOf(written);
    const share = parseBaselineShare(written);
    if (withinMs !== undefined) return { withinMs };
    if (share !== undefined) return { share };
    context.addIssue({ code: 'custom', message: WITHIN });
    return z.NEVER;
  })
  .describe('A time after the beginning of the scenario (5m), or nearness to the baseline (10% of baseline).');

const WHEN = 'expected throughout, at-end, or a time from 1s to 1d: within 5m';
type When = Extract<Criterion, { kind: 'measured' }>['when'];

const when = z
  .string(WHEN)
  .transform((written, context): When => {
    if (written === 'throughout' || written === 'at-end') return written;
    const withinMs = timeOf(/^within (\S+)$/.exec(written)?.[1] ?? '');
    if (withinMs !== undefined) return { withinMs };
    context.addIssue({ code: 'custom', message: WHEN });
    return z.NEVER;
  })
  .describe(
    'Which readings: all of them (throughout, the default), the last (at-end), or from some time on (within 5m).',
  );

function timeOf(text: string): number | undefined {
  const ms = parseDuration(text);
  return ms !== undefined && ms >= WITHIN_MIN_MS && ms <= WITHIN_MAX_MS ? ms : undefined;
}

const ALERT = 'expected the name of an alert';
const JUDGED = 'expected what somebody is to judge, in words';

const shape = {
  probe: name('a probe').optional(),
  min: quantity.optional(),
  max: quantity.optional(),
  between: pair.optional(),
  within: within.optional(),
  when: when.optional(),
  recovery: duration(DURATIONS_MS.recoverWithin)
    .optional()
    .describe('From the verified end of each fault to the steady state.'),
  alert: line(GAME_DAY_COUNTS.alert, ALERT).optional().describe('An alert of this name fires, within a time.'),
  hypothesis: z.literal('holds').optional().describe('No experiment of the scenario deviated.'),
  judged: line(GAME_DAY_COUNTS.criterion, JUDGED).optional().describe('A person says so.'),
  by: z.enum(['commander', 'scribe', 'communications', 'observer']).optional().describe('Who. Default: observer.'),
  name: line(GAME_DAY_COUNTS.criterion, 'expected a name, in words').optional().describe('Default: what it asks.'),
};

/** One criterion. */
export const criterion = z.strictObject(shape).transform(({ name: named, ...written }, context): Criterion => {
  const asked = askedOf(written);
  if (typeof asked !== 'string')
    return { name: named ?? (asked.kind === 'judged' ? (written.judged ?? '') : describeCriterion(asked)), ...asked };
  context.addIssue({ code: 'custom', message: asked });
  return z.NEVER;
});

type Written = Omit<z.output<z.ZodObject<typeof shape>>, 'name'>;

/** The keys that may stand beside the one that says of which kind it is. */
const BESIDE = {
  probe: ['min', 'max', 'between', 'within', 'when'],
  recovery: [],
  alert: ['within'],
  hypothesis: [],
  judged: ['by'],
} as const satisfies Partial<Record<keyof Written, readonly (keyof Written)[]>>;
const KINDS = Object.keys(BESIDE) as (keyof typeof BESIDE)[];

/** What is asked, or what was expected. */
function askedOf(written: Written): Asked | string {
  const [kind, second] = KINDS.filter((key) => written[key] !== undefined);
  if (kind === undefined || second !== undefined) return `expected one of: ${KINDS.join(', ')}`;
  const allowed: readonly string[] = BESIDE[kind];
  const odd = Object.keys(written).find((key) => key !== kind && !allowed.includes(key));
  if (odd !== undefined)
    return `expected beside ${kind} ${allowed.length === 0 ? 'nothing but a name' : `only ${allowed.join(', ')}`}`;
  const { probe, recovery, alert, judged, by = 'observer' } = written;
  if (recovery !== undefined) return { kind: 'recovery', withinMs: recovery };
  if (judged !== undefined) return { kind: 'judged', by };
  if (probe !== undefined) return measuredOf(probe, written);
  if (alert === undefined) return { kind: 'hypothesis' };
  if (written.within === undefined || !('withinMs' in written.within)) return 'expected a time: within 2m';
  return { kind: 'alert', alert, withinMs: written.within.withinMs };
}

function measuredOf(probe: string, { min, max, between, within: near, when: at }: Written): Asked | string {
  const bounds: WrittenTolerance = { min, max, between, within: near && 'share' in near ? near.share : undefined };
  const accept = toleranceOf(bounds);
  if (accept === undefined) return 'expected one of: min and/or max, between, within 10% of baseline';
  const time = near && 'withinMs' in near ? near : undefined;
  if (time && at !== undefined) return 'expected either when, or a time in within';
  return { kind: 'measured', probe, accept, when: time ?? at ?? 'throughout' };
}
