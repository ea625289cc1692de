/**
 * What a store keeps: the journal of a run, or the record of a game day.
 *
 * Owns what differs between the two, so that every store reads, appends and lists both in one way. Must never know what a store is made of.
 */
import { z } from 'zod';
import { GAME_DAY_SCHEMA } from '../../domain/game-day-events.ts';
import type { DayEnding, GameDayEvent, GameDayRecord } from '../../domain/game-day-events.ts';
import { JOURNAL_SCHEMA } from '../../domain/journal.ts';
import type { Journal, JournalEvent } from '../../domain/journal.ts';
import type { AbortCause, Phase, Status } from '../../domain/run.ts';
import { gameDayEventSchema, gameDayRecordSchema } from './game-day-schema.ts';
import { journalEventSchema, journalSchema } from './schema.ts';
import type { DayHead, JournalHead } from './store.ts';
import type { LooseEvent } from './text.ts';

/** Names, schemas and wording of one kind. */
export interface Kind<Event extends Stamped, Whole, Head extends object> {
  /** In words, for what is wrong with one. */
  readonly noun: string;
  /** Its name and version. */
  readonly schema: string;
  /** Under which key the name stands beside the events. */
  readonly key: 'run' | 'day';
  readonly tables: { readonly whole: string; readonly events: string };
  readonly event: z.ZodType<Event>;
  readonly whole: z.ZodType<Whole>;
  /** Types of events that {@link Kind.about} looks at, besides the first and the last. */
  readonly telling: readonly string[];
  /** Types that may come after the end, and are not something that it does. */
  readonly afterwards: readonly string[];
  /** What a list says, from the events in order, whatever version wrote them. */
  about(events: readonly LooseEvent[]): object;
  readonly aboutSchema: z.ZodType<Omit<Head, 'problem' | 'run' | 'day'>>;
  /** What a list says of one that cannot be read. */
  unreadable(name: string, atMs: number, problem: string): Head;
  startedAtMs(head: Head): number;
}

/** As much of a kind as listing needs. */
export type Listed<Head extends object> = Omit<Kind<Stamped, unknown, Head>, 'event' | 'whole'>;

/** What every event has. */
export interface Stamped {
  readonly seq: number;
  readonly atMs: number;
  readonly type: string;
}

const NAME_MAX = 200;
/** SHA-256 in hex is as long. */
const HASH_MAX = 64;

const deployedChoice = z.object({
  choice: z.object({ ranking: z.tuple([z.object({ deployed: z.literal('since-tested') })]).rest(z.unknown()) }),
});

/** Whether it is a program's choice of what had been deployed since its last test. */
function isAfterDeployment(event: LooseEvent): boolean {
  return event.type === 'chosen' && deployedChoice.safeParse(event).success;
}

const ladder = z.object({ blastRadius: z.object({ stages: z.array(z.object({ share: z.number().optional() })) }) });

/** How far it went, as far as anybody can tell: a stage counts once it has put its fault on somebody, and was held. */
function reachOf(events: readonly LooseEvent[], experiment: unknown): Pick<JournalHead, 'askedShare' | 'reached'> {
  const held = new Set(
    events.flatMap(({ type, stage, injected }) =>
      type === 'stage-held' && typeof injected === 'number' && injected > 0 ? stage : [],
    ),
  );
  const asked = ladder.safeParse(experiment).data?.blastRadius.stages ?? [];
  const shares = asked.flatMap(({ share = 0 }, stage) => (held.has(stage) ? share : []));
  const askedShare = Math.max(0, ...shares);
  const opened = events.flatMap(({ type, stage, reached }) =>
    type === 'stage-opened' && held.has(stage) && typeof reached === 'number' ? reached : [],
  );
  const reached = Math.max(0, ...opened);
  return { ...(askedShare > 0 ? { askedShare } : {}), ...(reached > 0 ? { reached } : {}) };
}

/** Causes by which a run is ended since something went wrong, or somebody thought so. */
const STOPPING: readonly unknown[] = ['stop-condition', 'person', 'emergency-stop'] satisfies AbortCause[];

/** The journal of a run. */
export const JOURNALS: Kind<JournalEvent, Journal, JournalHead> = {
  noun: 'a journal',
  schema: JOURNAL_SCHEMA,
  key: 'run',
  tables: { whole: 'squall_journal', events: 'squall_event' },
  event: journalEventSchema,
  whole: journalSchema,
  telling: ['started', 'chosen', 'phase', 'stage-opened', 'stage-held', 'abort', 'closed', 'acknowledged'],
  afterwards: ['acknowledged'],
  about(events) {
    const started = events.find(({ type }) => type === 'started');
    const closed = events.findLast(({ type }) => type === 'closed');
    const phase = closed ? 'closed' : events.findLast(({ type }) => type === 'phase')?.['phase'];
    const hash = started?.['documentHash'];
    const experiment = (started?.['experiment'] as { name?: unknown } | undefined)?.name;
    return {
      experiment: typeof experiment === 'string' ? experiment.slice(0, NAME_MAX) : '',
      startedAtMs: (started ?? events[0])?.atMs ?? 0,
      // What is said of it later is not something that it does.
      lastAtMs: events.findLast(({ type }) => type !== 'acknowledged')?.atMs ?? 0,
      // Also where it was reset since: every phase that it ever had is here.
      touched: events.some(({ type, phase: had }) => type === 'phase' && had === 'injecting'),
      phase: phase ?? 'pre-flight',
      status: closed?.['status'] ?? null,
      stopped: events.some(({ type, cause }) => type === 'abort' && STOPPING.includes(cause)),
      deviated: closed?.['deviated'] ?? null,
      ...(typeof hash === 'string' ? { documentHash: hash.slice(0, HASH_MAX) } : {}),
      ...(events.some(({ type }) => type === 'acknowledged') ? { acknowledged: true } : {}),
      ...reachOf(events, started?.['experiment']),
      ...(events.some(isAfterDeployment) ? { afterDeployment: true } : {}),
    };
  },
  aboutSchema: z.object({
    experiment: z.string(),
    startedAtMs: z.number(),
    lastAtMs: z.number().optional(),
    touched: z.boolean().optional(),
    phase: z.string().transform((phase) => phase as Phase),
    status: z
      .string()
      .nullable()
      .transform((status) => status as Status | null),
    deviated: z.boolean().nullable(),
    documentHash: z.string().optional(),
    acknowledged: z.literal(true).optional(),
    stopped: z.boolean().optional(),
    askedShare: z.number().optional(),
    reached: z.number().optional(),
    afterDeployment: z.literal(true).optional(),
  }),
  unreadable: (run, startedAtMs, problem) => ({
    run,
    experiment: '',
    startedAtMs,
    phase: 'pre-flight',
    status: null,
    deviated: null,
    problem,
  }),
  startedAtMs: (head) => head.startedAtMs,
};

/** The record of a game day. */
export const DAYS: Kind<GameDayEvent, GameDayRecord, DayHead> = {
  noun: 'the record of a game day',
  schema: GAME_DAY_SCHEMA,
  key: 'day',
  tables: { whole: 'squall_day', events: 'squall_day_event' },
  event: gameDayEventSchema,
  whole: gameDayRecordSchema,
  telling: ['called', 'begun', 'day-ended'],
  afterwards: [],
  about(events) {
    const called = events.find(({ type }) => type === 'called');
    const begun = events.find(({ type }) => type === 'begun');
    const ended = events.findLast(({ type }) => type === 'day-ended');
    const name = (called?.['gameDay'] as { name?: unknown } | undefined)?.name;
    return {
      gameDay: typeof name === 'string' ? name.slice(0, NAME_MAX) : '',
      calledAtMs: (called ?? events[0])?.atMs ?? 0,
      begunAtMs: begun?.atMs ?? null,
      endedAtMs: ended?.atMs ?? null,
      ending: ended?.['ending'] ?? null,
    };
  },
  aboutSchema: z.object({
    gameDay: z.string(),
    calledAtMs: z.number(),
    begunAtMs: z.number().nullable(),
    endedAtMs: z.number().nullable(),
    ending: z
      .string()
      .nullable()
      .transform((ending) => ending as DayEnding | null),
  }),
  unreadable: (day, calledAtMs, problem) => ({
    day,
    gameDay: '',
    calledAtMs,
    begunAtMs: null,
    endedAtMs: null,
    ending: null,
    problem,
  }),
  startedAtMs: ({ calledAtMs }) => calledAtMs,
};
