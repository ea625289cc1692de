/**
 * The journal's schema, for reading what came from outside this process.
 *
 * Owns the parsing of `squall/journal/v1`, type by type in step with `domain/journal.ts`: the compiler refuses an event type
 * or a field that one of them has and the other has not. Fields it does not know are dropped; must never repair a value.
 */
import { z } from 'zod';
import { JOURNAL_SCHEMA } from '../../domain/journal.ts';
import type { Experiment } from '../../domain/experiment.ts';
import type { Journal, JournalEntry, JournalEvent } from '../../domain/journal.ts';
import { choice } from './choice-schema.ts';
import { abortMode, count, dimension, experiment, group, ms } from './experiment-schema.ts';

export const series = z.object({ dimension, points: z.array(z.tuple([ms, z.number().nullable()])) });

const checkedReading = z.object({
  probe: z.string(),
  group,
  dimension: dimension.exactOptional(),
  value: z.number().nullable(),
  expected: z.string(),
  held: z.boolean(),
});

const abortCause = z.enum([
  'stop-condition',
  'no-data',
  'blind',
  'unstable',
  'person',
  'emergency-stop',
  'admission',
  'cancelled',
  'lease-lost',
  'fault-lapsed',
  'inject-failed',
  'skipped',
  'reset',
  'error',
]);

const phase = z.enum([
  'pre-flight',
  'awaiting-approval',
  'injecting',
  'holding',
  'rolling-back',
  'stuck',
  'recovering',
  'closed',
]);
const status = z.enum(['refused', 'completed', 'aborted', 'inconclusive']);

const stamp = { seq: count, atMs: ms };

const EVENTS = {
  started: z.object({
    ...stamp,
    type: z.literal('started'),
    experiment,
    documentHash: z.string(),
    seed: z.string(),
    startedBy: z.string(),
    from: z.string().exactOptional(),
    labels: z.array(z.string()).exactOptional(),
    execution: z.string().exactOptional(),
    installation: z.string(),
    versions: z.record(z.string(), z.string()),
  }),
  chosen: z.object({ ...stamp, type: z.literal('chosen'), program: z.string(), cadence: z.string(), choice }),
  'pre-flight': z.object({
    ...stamp,
    type: z.literal('pre-flight'),
    checks: z.array(z.object({ check: z.string(), passed: z.boolean(), found: z.string() })),
    candidates: count,
    excluded: z.array(z.object({ reason: z.string(), count })),
    baseline: z.record(z.string(), z.number()),
    expiry: z.enum(['renewed', 'fixed', 'none']).exactOptional(),
    plan: z.string().exactOptional(),
  }),
  admission: z.object({
    ...stamp,
    type: z.literal('admission'),
    stage: count.exactOptional(),
    guards: z.array(
      z.object({
        guard: z.string(),
        passed: z.boolean(),
        found: z.string(),
        overridable: z.literal(true).exactOptional(),
        by: z.string().exactOptional(),
        unreadable: z.literal(true).exactOptional(),
        waits: z.literal(true).exactOptional(),
      }),
    ),
  }),
  'approval-asked': z.object({
    ...stamp,
    type: z.literal('approval-asked'),
    plan: z.string(),
    people: count,
    why: z.string(),
    forMs: ms,
    stages: z
      .array(
        z.object({
          stage: count,
          size: z.string(),
          to: count,
          skipped: z.string().exactOptional(),
          added: count,
          names: z.array(z.string()),
        }),
      )
      .exactOptional(),
  }),
  approved: z.object({
    ...stamp,
    type: z.literal('approved'),
    by: z.string(),
    from: z.string().exactOptional(),
    plan: z.string(),
    reason: z.string().exactOptional(),
  }),
  rejected: z.object({
    ...stamp,
    type: z.literal('rejected'),
    by: z.string(),
    from: z.string().exactOptional(),
    plan: z.string(),
    reason: z.string(),
  }),
  note: z.object({
    ...stamp,
    type: z.literal('note'),
    by: z.string(),
    from: z.string().exactOptional(),
    text: z.string(),
  }),
  refused: z.object({ ...stamp, type: z.literal('refused'), check: z.string(), found: z.string() }),
  phase: z.object({ ...stamp, type: z.literal('phase'), phase, stage: count.exactOptional() }),
  'stage-skipped': z.object({
    ...stamp,
    type: z.literal('stage-skipped'),
    stage: count,
    size: z.string(),
    why: z.string(),
  }),
  'stage-opened': z.object({
    ...stamp,
    type: z.literal('stage-opened'),
    stage: count,
    size: z.string(),
    lease: z.string(),
    targets: z.array(z.string()),
    reached: count,
    radius: z.number(),
    ttlMs: ms,
  }),
  'stage-held': z.object({
    ...stamp,
    type: z.literal('stage-held'),
    stage: count,
    injected: count,
    problems: z.array(z.string()),
    how: z.array(z.string()).exactOptional(),
  }),
  samples: z.object({ ...stamp, type: z.literal('samples'), series: z.record(z.string(), series) }),
  edge: z.object({
    ...stamp,
    type: z.literal('edge'),
    edge: z.enum(['breach-begins', 'breach-ends', 'no-data']),
    condition: count.exactOptional(),
    probe: z.string(),
    value: z.number().nullable(),
    evidence: z.string(),
  }),
  timer: z.object({
    ...stamp,
    type: z.literal('timer'),
    timer: z.enum(['started', 'fired', 'cancelled']),
    condition: count,
    forMs: ms,
  }),
  blind: z.object({ ...stamp, type: z.literal('blind'), what: z.literal('watch'), why: z.string() }),
  abort: z.object({
    ...stamp,
    type: z.literal('abort'),
    cause: abortCause,
    mode: abortMode,
    evidence: z.string(),
    by: z.string().exactOptional(),
    from: z.string().exactOptional(),
    stage: count.exactOptional(),
  }),
  told: z.object({
    ...stamp,
    type: z.literal('told'),
    to: z.string().exactOptional(),
    delivered: z.boolean(),
    why: z.string().exactOptional(),
  }),
  reverted: z.object({
    ...stamp,
    type: z.literal('reverted'),
    stage: count,
    lease: z.string(),
    by: z.enum(['lease', 'revert-only']),
    targets: count,
    tookMs: ms,
  }),
  stuck: z.object({ ...stamp, type: z.literal('stuck'), stage: count, lease: z.string(), why: z.string() }),
  'steady-state': z.object({
    ...stamp,
    type: z.literal('steady-state'),
    when: z.enum(['before', 'during', 'after']),
    held: z.boolean(),
    readings: z.array(checkedReading),
  }),
  recovered: z.object({ ...stamp, type: z.literal('recovered'), recovered: z.boolean(), tookMs: ms }),
  closed: z.object({
    ...stamp,
    type: z.literal('closed'),
    status,
    deviated: z.boolean().nullable(),
    reason: z.string(),
  }),
  acknowledged: z.object({
    ...stamp,
    type: z.literal('acknowledged'),
    by: z.string(),
    from: z.string().exactOptional(),
    reason: z.string(),
  }),
} satisfies { readonly [T in JournalEntry['type']]: z.ZodType<EventOf<T>> };

/** One event of a journal. */
export const journalEventSchema = z.discriminatedUnion('type', [
  EVENTS.started,
  EVENTS.chosen,
  EVENTS['pre-flight'],
  EVENTS.admission,
  EVENTS['approval-asked'],
  EVENTS.approved,
  EVENTS.rejected,
  EVENTS.note,
  EVENTS.refused,
  EVENTS.phase,
  EVENTS['stage-skipped'],
  EVENTS['stage-opened'],
  EVENTS['stage-held'],
  EVENTS.samples,
  EVENTS.edge,
  EVENTS.timer,
  EVENTS.blind,
  EVENTS.abort,
  EVENTS.told,
  EVENTS.reverted,
  EVENTS.stuck,
  EVENTS['steady-state'],
  EVENTS.recovered,
  EVENTS.closed,
  EVENTS.acknowledged,
]) satisfies z.ZodType<JournalEvent>;

/** A whole journal. */
export const journalSchema = z.object({
  schema: z.literal(JOURNAL_SCHEMA),
  run: z.string().min(1),
  events: z.array(journalEventSchema),
}) satisfies z.ZodType<Journal>;

type EventOf<T extends JournalEntry['type']> = Extract<JournalEvent, { type: T }>;
type Parsed<T extends JournalEntry['type']> = Extract<z.infer<typeof journalEventSchema>, { type: T }>;
type SameKeys<A, B> = [keyof A, keyof B] extends [keyof B, keyof A] ? true : never;

/**
 * Does not compile where a type of event, or a field of one, exists on one side only.
 *
 * @public
 */
export const IN_STEP: { readonly [T in JournalEntry['type']]: SameKeys<EventOf<T>, Parsed<T>> } & {
  readonly experiment: SameKeys<Experiment, z.infer<typeof experiment>>;
} = {
  started: true,
  chosen: true,
  'pre-flight': true,
  admission: true,
  'approval-asked': true,
  approved: true,
  rejected: true,
  note: true,
  refused: true,
  phase: true,
  'stage-skipped': true,
  'stage-opened': true,
  'stage-held': true,
  samples: true,
  edge: true,
  timer: true,
  blind: true,
  abort: true,
  told: true,
  reverted: true,
  stuck: true,
  'steady-state': true,
  recovered: true,
  closed: true,
  acknowledged: true,
  experiment: true,
};
