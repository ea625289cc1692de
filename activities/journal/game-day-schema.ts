/**
 * The schema of a game day's record, for reading what came from outside this process.
 *
 * Owns the parsing of `squall/game-day/v1`, type by type in step with `domain/game-day-events.ts`: the compiler refuses an event type or a
 * field that one of them has and the other has not. Fields it does not know are dropped; must never repair a value.
 */
import { z } from 'zod';
import { GAME_DAY_SCHEMA } from '../../domain/game-day-events.ts';
import type { GameDayEntry, GameDayEvent, GameDayRecord } from '../../domain/game-day-events.ts';
import type { Criterion, GameDay, Role, Work } from '../../domain/game-day.ts';
import { count, experiment, ms, stopCondition, tolerance } from './experiment-schema.ts';
import { series } from './schema.ts';

const role = z.enum(['commander', 'scribe', 'communications', 'observer']) satisfies z.ZodType<Role>;

const work: z.ZodType<Work> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('experiment'), experiment, documentHash: z.string() }),
  z.object({ kind: z.enum(['sequence', 'parallel']), of: z.lazy(() => z.array(work)) }),
  z.object({ kind: z.literal('by-hand'), step: z.string() }),
]);

const name = z.string();
const criterion = z.discriminatedUnion('kind', [
  z.object({
    name,
    kind: z.literal('measured'),
    probe: z.string(),
    accept: tolerance,
    when: z.union([z.enum(['throughout', 'at-end']), z.object({ withinMs: ms })]),
  }),
  z.object({ name, kind: z.literal('recovery'), withinMs: ms }),
  z.object({ name, kind: z.literal('hypothesis') }),
  z.object({ name, kind: z.literal('alert'), alert: z.string(), withinMs: ms }),
  z.object({ name, kind: z.literal('judged'), by: role }),
]) satisfies z.ZodType<Criterion>;

const gameDay = z.object({
  name: z.string(),
  purpose: z.string(),
  planned: z.object({ atMs: ms, zone: z.string() }).exactOptional(),
  durationMs: ms,
  site: z.string(),
  roles: z.object({
    commander: z.string(),
    scribe: z.string().exactOptional(),
    communications: z.string().exactOptional(),
    observers: z.array(z.string()),
  }),
  briefing: z.string(),
  abortOn: z.array(stopCondition),
  watched: z.array(z.object({ probe: z.string(), stands: z.enum(['business', 'availability', 'system']) })),
  sampleEveryMs: ms,
  scenarios: z.array(
    z.object({
      name: z.string(),
      offsetMs: ms,
      work,
      expected: z.string(),
      criteria: z.array(criterion),
      timeoutMs: ms,
      approve: z.enum(['commander', 'auto']),
    }),
  ),
}) satisfies z.ZodType<GameDay>;

const stamp = { seq: count, atMs: ms };
const by = { by: z.string(), from: z.string().exactOptional() };
const byChance = { by: z.string().exactOptional(), from: z.string().exactOptional() };
const verdict = z.enum(['met', 'missed', 'unknown']);
const scenario = { scenario: count };

const EVENTS = {
  called: z.object({
    ...stamp,
    type: z.literal('called'),
    gameDay,
    documentHash: z.string(),
    installation: z.string(),
    ...by,
  }),
  begun: z.object({ ...stamp, type: z.literal('begun'), ...by }),
  baseline: z.object({ ...stamp, type: z.literal('baseline'), readings: z.record(z.string(), z.number()) }),
  'scenario-due': z.object({ ...stamp, type: z.literal('scenario-due'), ...scenario }),
  'scenario-begun': z.object({ ...stamp, type: z.literal('scenario-begun'), ...scenario, ...byChance }),
  run: z.object({ ...stamp, type: z.literal('run'), ...scenario, run: z.string(), experiment: z.string() }),
  'run-ended': z.object({
    ...stamp,
    type: z.literal('run-ended'),
    ...scenario,
    run: z.string(),
    status: z.string(),
    deviated: z.boolean().nullable(),
    reason: z.string(),
    recoveredMs: ms.exactOptional(),
  }),
  'step-asked': z.object({ ...stamp, type: z.literal('step-asked'), ...scenario, step: z.string() }),
  'step-done': z.object({ ...stamp, type: z.literal('step-done'), ...scenario, step: z.string(), tookMs: ms, ...by }),
  criterion: z.object({
    ...stamp,
    type: z.literal('criterion'),
    ...scenario,
    criterion: count,
    verdict,
    evidence: z.string(),
    ...byChance,
  }),
  'scenario-ended': z.object({
    ...stamp,
    type: z.literal('scenario-ended'),
    ...scenario,
    ending: z.enum(['done', 'skipped', 'timed-out', 'aborted']),
    why: z.string(),
    ...byChance,
  }),
  paused: z.object({ ...stamp, type: z.literal('paused'), why: z.string(), ...by }),
  resumed: z.object({ ...stamp, type: z.literal('resumed'), ...by }),
  extended: z.object({ ...stamp, type: z.literal('extended'), byMs: ms, scenario: count.exactOptional(), ...by }),
  note: z.object({
    ...stamp,
    type: z.literal('note'),
    as: z.enum([...role.options, 'guest']),
    text: z.string(),
    ...by,
  }),
  finding: z.object({
    ...stamp,
    type: z.literal('finding'),
    text: z.string(),
    scenario: count.exactOptional(),
    ...by,
  }),
  action: z.object({
    ...stamp,
    type: z.literal('action'),
    text: z.string(),
    owner: z.string(),
    scenario: count.exactOptional(),
    ...by,
  }),
  edge: z.object({
    ...stamp,
    type: z.literal('edge'),
    edge: z.enum(['breach-begins', 'breach-ends', 'no-data']),
    probe: z.string(),
    evidence: z.string(),
  }),
  alert: z.object({ ...stamp, type: z.literal('alert'), alert: z.string(), firing: z.boolean().nullable() }),
  alerts: z.object({ ...stamp, type: z.literal('alerts'), readable: z.boolean() }),
  samples: z.object({ ...stamp, type: z.literal('samples'), series: z.record(z.string(), series) }),
  'day-ended': z.object({
    ...stamp,
    type: z.literal('day-ended'),
    ending: z.enum(['completed', 'aborted', 'interrupted']),
    why: z.string(),
    ...byChance,
  }),
};

/** One event of a day's record. */
export const gameDayEventSchema = z.discriminatedUnion('type', [
  EVENTS.called,
  EVENTS.begun,
  EVENTS.baseline,
  EVENTS['scenario-due'],
  EVENTS['scenario-begun'],
  EVENTS.run,
  EVENTS['run-ended'],
  EVENTS['step-asked'],
  EVENTS['step-done'],
  EVENTS.criterion,
  EVENTS['scenario-ended'],
  EVENTS.paused,
  EVENTS.resumed,
  EVENTS.extended,
  EVENTS.note,
  EVENTS.finding,
  EVENTS.action,
  EVENTS.edge,
  EVENTS.alert,
  EVENTS.alerts,
  EVENTS.samples,
  EVENTS['day-ended'],
]) satisfies z.ZodType<GameDayEvent>;

/** A whole record. */
export const gameDayRecordSchema = z.object({
  schema: z.literal(GAME_DAY_SCHEMA),
  day: z.string().min(1),
  events: z.array(gameDayEventSchema),
}) satisfies z.ZodType<GameDayRecord>;

type EventOf<T extends GameDayEntry['type']> = Extract<GameDayEvent, { type: T }>;
type Parsed<T extends GameDayEntry['type']> = Extract<z.infer<typeof gameDayEventSchema>, { type: T }>;
type SameKeys<A, B> = [keyof A, keyof B] extends [keyof B, keyof A] ? true : never;

/**
 * Does not compile where a type of event, or a field of one, exists on one side only.
 *
 * @public
 */
export const IN_STEP: { readonly [T in GameDayEntry['type']]: SameKeys<EventOf<T>, Parsed<T>> } & {
  readonly gameDay: SameKeys<GameDay, z.infer<typeof gameDay>>;
} = {
  called: true,
  begun: true,
  baseline: true,
  'scenario-due': true,
  'scenario-begun': true,
  run: true,
  'run-ended': true,
  'step-asked': true,
  'step-done': true,
  criterion: true,
  'scenario-ended': true,
  paused: true,
  resumed: true,
  extended: true,
  note: true,
  finding: true,
  action: true,
  edge: true,
  alert: true,
  alerts: true,
  samples: true,
  'day-ended': true,
  gameDay: true,
};
