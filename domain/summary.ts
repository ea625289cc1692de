/**
 * The summary: what people ask of a run, folded from its journal.
 *
 * Owns the meaning of the events taken together. Pure, and total: a journal that stops anywhere (the run is open, stuck, or
 * lost its writer) has a summary that says so. Must never say more than the events do.
 */
import type { CheckedReading, Journal, JournalEntry, JournalEvent } from './journal.ts';
import type { SeriesByProbe } from './probe.ts';
import type { Phase, Status } from './run.ts';
import { mergeSeries } from './samples.ts';
import { verdictSentence } from './verdict-sentence.ts';

/** One run. Times are milliseconds since the Unix epoch; null is "not yet", or "never" in a run that is over. */
export interface RunSummary {
  readonly run: string;
  /** Not closed: still running, stuck, or its end never reached the journal. */
  readonly open: boolean;
  readonly phase: Phase;
  /** Null while open. */
  readonly status: Status | null;
  readonly deviated: boolean | null;
  /** One or two sentences. */
  readonly verdict: string;
  /** As the run gave it when it closed. */
  readonly reason: string | null;
  /** What was started, by whom; null where the journal lacks its first event. */
  readonly started: EntryOf<'started'> | null;
  readonly startedAtMs: number;
  readonly endedAtMs: number | null;
  /** The last thing that is known of. */
  readonly lastAtMs: number;
  readonly preflight: EntryOf<'pre-flight'> | null;
  readonly refusal: EntryOf<'refused'> | null;
  readonly phases: readonly PhaseSpan[];
  /** In order of stage, with those that were skipped. */
  readonly stages: readonly StageSummary[];
  /** The most targets under fault at once, and the share of all candidates that was (ratio). */
  readonly reached: number;
  readonly radius: number;
  readonly steadyState: {
    readonly before: SteadyStateSummary | null;
    readonly during: SteadyStateSummary | null;
    readonly after: SteadyStateSummary | null;
  };
  readonly edges: readonly EventOf<'edge'>[];
  readonly timers: readonly TimerSummary[];
  readonly blind: readonly EventOf<'blind'>[];
  /** Every abort that took effect, in order. */
  readonly aborts: readonly EventOf<'abort'>[];
  /** The abort that decided how the run ended: a stop condition's, or else the first. */
  readonly decisive: EventOf<'abort'> | null;
  readonly reverts: readonly EventOf<'reverted'>[];
  readonly rollback: Span | null;
  readonly recovery: RecoverySummary | null;
  /** Every sample, by probe, in the order of time. */
  readonly samples: SeriesByProbe;
}

/** A stretch of time; `toMs` is null while it lasts. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number | null;
}

/** One phase, and for injecting and holding the stage. */
export interface PhaseSpan extends Span {
  readonly phase: Phase;
  readonly stage: number | null;
}

/** One stage, from 0. */
export interface StageSummary {
  readonly stage: number;
  /** As written: `10%` or `3`. */
  readonly size: string;
  /** Why it was skipped; null where it was opened. All that follows is then empty. */
  readonly skipped: string | null;
  readonly lease: string | null;
  /** The targets that this stage added. */
  readonly targets: readonly string[];
  readonly reached: number;
  readonly radius: number;
  readonly ttlMs: number | null;
  readonly openedAtMs: number | null;
  readonly heldAtMs: number | null;
  /** Targets that the fault was put on; null until the stage held. */
  readonly injected: number | null;
  readonly problems: readonly string[];
  readonly revertedAtMs: number | null;
  readonly revert: EntryOf<'reverted'> | null;
  /** Why its revert needs a person; null once it is reverted. */
  readonly stuck: string | null;
}

/** The steady state at one time. */
export interface SteadyStateSummary {
  readonly atMs: number;
  readonly held: boolean;
  readonly readings: readonly CheckedReading[];
}

/** How long a breach was borne. */
export interface TimerSummary extends Span {
  /** Index into the experiment's stop conditions. */
  readonly condition: number;
  readonly forMs: number;
  /** Null while it runs. */
  readonly ended: 'fired' | 'cancelled' | null;
}

/** The way back to the steady state. */
export interface RecoverySummary extends Span {
  /** Null until it is known. */
  readonly recovered: boolean | null;
  readonly tookMs: number | null;
}

/** The part of an event of one type that differs. */
export type EntryOf<T extends JournalEntry['type']> = Extract<JournalEntry, { type: T }>;
/** An event of one type. */
export type EventOf<T extends JournalEntry['type']> = Extract<JournalEvent, { type: T }>;

/** Folds a journal, whole or partial. */
export function summarise(journal: Journal): RunSummary {
  const draft: Draft = {
    phase: 'pre-flight',
    closed: null,
    started: null,
    preflight: null,
    refusal: null,
    phases: [],
    stages: new Map(),
    steadyState: { before: null, during: null, after: null },
    edges: [],
    timers: [],
    blind: [],
    aborts: [],
    reverts: [],
    recovery: null,
    samples: {},
  };
  for (const event of journal.events) fold(draft, event);
  const { closed, stages: byStage, phases, ...rest } = draft;
  const stages = [...byStage.values()].sort((a, b) => a.stage - b.stage);
  const widest = stages.reduce((max, { reached, radius }) => (reached > max.reached ? { reached, radius } : max), {
    reached: 0,
    radius: 0,
  });
  const facts = {
    ...rest,
    ...widest,
    run: journal.run,
    decisive: draft.aborts.find(({ cause }) => cause === 'stop-condition') ?? draft.aborts[0] ?? null,
    open: closed === null,
    status: closed?.status ?? null,
    deviated: closed?.deviated ?? null,
    reason: closed?.reason ?? null,
    startedAtMs: draft.started?.atMs ?? journal.events[0]?.atMs ?? 0,
    endedAtMs: closed?.atMs ?? null,
    lastAtMs: journal.events.reduce((last, { atMs }) => Math.max(last, atMs), 0),
    phases,
    stages,
    rollback: rollbackOf(phases),
  };
  return { ...facts, verdict: verdictSentence(facts) };
}

/** A summary in the making. */
interface Draft {
  phase: Phase;
  closed: EventOf<'closed'> | null;
  started: EventOf<'started'> | null;
  preflight: EventOf<'pre-flight'> | null;
  refusal: EventOf<'refused'> | null;
  phases: Mutable<PhaseSpan>[];
  stages: Map<number, Mutable<StageSummary>>;
  steadyState: Mutable<RunSummary['steadyState']>;
  edges: EventOf<'edge'>[];
  timers: Mutable<TimerSummary>[];
  blind: EventOf<'blind'>[];
  aborts: EventOf<'abort'>[];
  reverts: EventOf<'reverted'>[];
  recovery: RecoverySummary | null;
  samples: SeriesByProbe;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Takes one event in. Exhaustive: a new type of event does not compile until it has a meaning here. */
function fold(draft: Draft, event: JournalEvent): undefined {
  switch (event.type) {
    case 'started':
      draft.started ??= event;
      return;
    case 'pre-flight':
      draft.preflight = event;
      return;
    case 'refused':
      draft.refusal = event;
      return;
    case 'phase':
      return enterPhase(draft, event.phase, event.atMs, event.stage ?? null);
    case 'stage-skipped':
      draft.stages.set(event.stage, { ...emptyStage(event), skipped: event.why });
      return;
    case 'stage-opened':
      draft.stages.set(event.stage, { ...emptyStage(event), ...pickStage(event), openedAtMs: event.atMs });
      return;
    case 'stage-held':
      return update(draft, event.stage, { heldAtMs: event.atMs, injected: event.injected, problems: event.problems });
    case 'samples':
      draft.samples = mergeSeries(draft.samples, event.series);
      return;
    case 'edge':
      draft.edges.push(event);
      return;
    case 'timer':
      return foldTimer(draft, event);
    case 'blind':
      draft.blind.push(event);
      return;
    case 'abort':
      draft.aborts.push(event);
      return;
    case 'reverted':
      draft.reverts.push(event);
      return update(draft, event.stage, { revertedAtMs: event.atMs, revert: event, stuck: null });
    case 'stuck':
      return update(draft, event.stage, { stuck: event.why });
    case 'steady-state':
      draft.steadyState[event.when] = { atMs: event.atMs, held: event.held, readings: event.readings };
      return;
    case 'recovered':
      return foldRecovered(draft, event);
    case 'closed':
      draft.closed = event;
      return enterPhase(draft, 'closed', event.atMs, null);
  }
}

function enterPhase(draft: Draft, phase: Phase, atMs: number, stage: number | null): undefined {
  const last = draft.phases.at(-1);
  if (last?.phase === phase && last.stage === stage) return;
  if (last) last.toMs = atMs;
  draft.phase = phase;
  if (phase === 'closed') return;
  draft.phases.push({ phase, stage, fromMs: atMs, toMs: null });
  if (phase === 'recovering') draft.recovery ??= { fromMs: atMs, toMs: null, recovered: null, tookMs: null };
}

function foldTimer(draft: Draft, { timer, condition, forMs, atMs }: EventOf<'timer'>): undefined {
  if (timer === 'started') {
    draft.timers.push({ condition, forMs, fromMs: atMs, toMs: null, ended: null });
    return;
  }
  const running = draft.timers.findLast((one) => one.condition === condition && one.ended === null);
  if (!running) return;
  running.toMs = atMs;
  running.ended = timer;
}

function foldRecovered(draft: Draft, { recovered, tookMs, atMs }: EventOf<'recovered'>): undefined {
  const fromMs = draft.recovery?.fromMs ?? atMs - tookMs;
  draft.recovery = { fromMs, toMs: atMs, recovered, tookMs };
}

function emptyStage({ stage, size }: { readonly stage: number; readonly size: string }): Mutable<StageSummary> {
  return {
    stage,
    size,
    skipped: null,
    lease: null,
    targets: [],
    reached: 0,
    radius: 0,
    ttlMs: null,
    openedAtMs: null,
    heldAtMs: null,
    injected: null,
    problems: [],
    revertedAtMs: null,
    revert: null,
    stuck: null,
  };
}

function pickStage({ lease, targets, reached, radius, ttlMs }: EventOf<'stage-opened'>): Partial<StageSummary> {
  return { lease, targets, reached, radius, ttlMs };
}

/** A stage whose opening never reached the journal still happened. */
function update(draft: Draft, stage: number, change: Partial<StageSummary>): undefined {
  draft.stages.set(stage, { ...(draft.stages.get(stage) ?? emptyStage({ stage, size: '?' })), ...change });
}

/** From the first phase of undoing to the first after it. */
function rollbackOf(phases: readonly PhaseSpan[]): Span | null {
  const undoing = phases.filter(({ phase }) => phase === 'rolling-back' || phase === 'stuck');
  const first = undoing[0];
  return first ? { fromMs: first.fromMs, toMs: undoing.at(-1)?.toMs ?? null } : null;
}
