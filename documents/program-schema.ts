/**
 * The schema of a program document.
 *
 * Owns its keys, defaults and bounds. Which experiments there are, and what their faults take, is not known here.
 */
import { z } from 'zod';
import { CALENDAR_TIME, parseCalendarTime } from '../domain/calendar-time.ts';
import type { CalendarTime } from '../domain/calendar-time.ts';
import { grows } from '../domain/experiment-bounds.ts';
import type { Bounds } from '../domain/experiment-bounds.ts';
import type { Grouping } from '../domain/grouping.ts';
import { PICKERS } from '../domain/picking.ts';
import { WAIT_UP_TO_MAX_MS } from '../domain/safety-gate.ts';
import type { RadiusRange } from '../domain/radius.ts';
import { formatDuration } from '../domain/units.ts';
import { writtenDuration } from '../domain/written-duration.ts';
import { stage } from './experiment-schema.ts';
import { name } from './written.ts';

/** Between two ticks, in milliseconds. */
const EVERY_MS: Bounds = [10_000, 30 * 86_400_000];
const DAY_MS = 86_400_000;
/** The longest mean time between two hits of a group, in milliseconds. */
const MEAN_MAX_MS = 1_000 * DAY_MS;
/** The most cadences of a program, and experiments of a pool. */
const CADENCES_MAX = 20;
const POOL_MAX = 100;
/** The most parameters that are drawn for one experiment. */
const DRAWN_MAX = 5;

const EVERY = `expected a duration from ${formatDuration(EVERY_MS[0])} to ${formatDuration(EVERY_MS[1])}`;
const every = writtenDuration
  .refine((ms) => ms % 1_000 === 0, 'expected whole seconds')
  .refine((ms) => ms >= EVERY_MS[0] && ms <= EVERY_MS[1], EVERY);

const at = z.string(`expected ${CALENDAR_TIME}`).transform((text, context): CalendarTime => {
  const parsed = parseCalendarTime(text);
  if (parsed) return parsed;
  context.addIssue({ code: 'custom', message: `expected ${CALENDAR_TIME}` });
  return z.NEVER;
});

const waitUpTo = writtenDuration.refine(
  (ms) => ms <= WAIT_UP_TO_MAX_MS,
  `expected a duration up to ${formatDuration(WAIT_UP_TO_MAX_MS)}`,
);

const RADIUS = 'expected one such as 5%, or [low, high] of one kind, the lower first';
const radius = z.union(
  [
    // First, since of two complaints that are as good the first is made.
    z
      .tuple([stage, stage], RADIUS)
      .refine((pair) => pair[0].kind === pair[1].kind && grows(pair), RADIUS)
      .transform(([from, to]): RadiusRange => ({ from, to })),
    stage.transform((size): RadiusRange => ({ from: size, to: size })),
  ],
  RADIUS,
);

const meanTime = writtenDuration.refine(
  (ms) => ms >= EVERY_MS[0] && ms <= MEAN_MAX_MS,
  `expected a duration from ${formatDuration(EVERY_MS[0])} to ${formatDuration(MEAN_MAX_MS)}`,
);
const labelled = z
  .string()
  .regex(/^[^=\s]{1,317}=[^=\s]{1,63}$/, 'expected a label and its value, such as chaos=enabled')
  .transform((text) => {
    const at = text.indexOf('=');
    return { label: text.slice(0, at), value: text.slice(at + 1) };
  });

/** What is written, and whose turn of it is drawn. */
const groups = z.union(
  [
    z
      .strictObject({ by: z.literal('kube-monkey'), day: meanTime.default(DAY_MS) })
      .transform(({ day }): Grouping => ({ by: 'kube-monkey', dayMs: day })),
    z
      .strictObject({ label: z.string().min(1).max(317), meanTimeBetween: meanTime, optIn: labelled.optional() })
      .transform(({ label, meanTimeBetween, optIn }): Grouping => ({
        by: 'label',
        label,
        meanMs: meanTimeBetween,
        ...(optIn === undefined ? {} : { optIn }),
      })),
  ],
  'expected { by: kube-monkey }, or { label: …, meanTimeBetween: … }',
);

const BOUNDS = 'expected [low, high], as the parameter is written';
const bound = z.union([z.string(), z.number()], BOUNDS);

/** Parameters, each with its bounds as they are written. */
export type WrittenDraw = Readonly<Record<string, readonly [string | number, string | number]>>;

const pooled = z.union([
  name('the name of an experiment of this file').transform((experiment): { experiment: string; draw: WrittenDraw } => ({
    experiment,
    draw: {},
  })),
  z.strictObject({
    experiment: name('the name of an experiment of this file'),
    draw: z
      .record(z.string(), z.tuple([bound, bound], BOUNDS))
      .refine((drawn) => Object.keys(drawn).length <= DRAWN_MAX, `expected at most ${DRAWN_MAX} parameters`)
      .describe('Parameters of its fault that are drawn anew each time, with their bounds: { delay: [50ms, 500ms] }.'),
  }),
]);

const written = z.strictObject({
  cadence: name('a name').describe('The name of the cadence, unique in its program.'),
  every: every.optional().describe('From one tick to the next.'),
  at: at.optional().describe('Instead of `every`, by a calendar: last Friday of month 14:00 America/Los_Angeles.'),
  pick: z
    .enum(PICKERS)
    .default('evidence')
    .describe('How a tick chooses from the pool: what teaches most (evidence), by chance, or each in its turn.'),
  radius: radius
    .optional()
    .describe(
      'How far ticks go: 10%, or [1%, 5%], which what holds widens and what fails narrows. Default: as far as each experiment says.',
    ),
  waitUpTo: waitUpTo
    .optional()
    .describe('How long a tick waits until it is safe, and never until the next one. Default: 30m; 0s does not wait.'),
  groups: groups
    .optional()
    .describe(
      'Targets fall into groups, each of which is hit on its own, seldom: { by: kube-monkey, day: 8h }, or { label: app, meanTimeBetween: 16h, optIn: chaos=enabled }.',
    ),
  dryRun: z.boolean().default(false).describe('Ticks say what they would do, and touch nothing.'),
  pool: z.array(pooled).min(1).max(POOL_MAX).optional().describe('The experiments of which each tick runs one.'),
  gameDay: name('the name of the game day of this file')
    .optional()
    .describe('Instead of `pool`: the game day of this file, which each tick calls, and whose commander begins it.'),
});

/** When its ticks come is one or the other. */
const cadence = written.superRefine((one, context) => {
  if (one.every === undefined && one.at === undefined)
    context.addIssue({ code: 'custom', path: ['every'], message: `${EVERY}, or \`at\` a time of a calendar` });
  if (one.every !== undefined && one.at !== undefined)
    context.addIssue({ code: 'custom', path: ['at'], message: 'expected either `every` or `at`' });
  if (one.pool === undefined && one.gameDay === undefined)
    context.addIssue({ code: 'custom', path: ['pool'], message: 'expected a pool, or a `gameDay`' });
  if (one.pool !== undefined && one.gameDay !== undefined)
    context.addIssue({ code: 'custom', path: ['gameDay'], message: 'expected either `pool` or `gameDay`' });
  if (one.gameDay !== undefined && one.groups !== undefined)
    context.addIssue({ code: 'custom', path: ['groups'], message: 'expected none beside a `gameDay`' });
  if (one.gameDay !== undefined && one.radius !== undefined)
    context.addIssue({
      code: 'custom',
      path: ['radius'],
      message: 'expected none beside a `gameDay`, whose experiments say how far they go',
    });
});

export const programSchema = z.strictObject({
  program: name('a name').describe('The name of the program.'),
  cadences: z
    .array(cadence)
    .min(1)
    .max(CADENCES_MAX)
    .refine(
      (list) => new Set(list.map((one) => one.cadence)).size === list.length,
      'expected each cadence by another name',
    ),
});
