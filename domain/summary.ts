/**
 * Summarising: a journal folded into what people ask of its run.
 *
 * Owns the meaning of the events taken together. Pure, and total: a journal that stops anywhere (the run is open, stuck, or
 * lost its writer) has a summary that says so. Must never say more than the events do.
 */
import type { Journal, JournalEvent } from './journal.ts';
import type { SeriesByProbe } from './probe.ts';
import type { Phase } from './run.ts';
import type {
  EventOf,
  PhaseSpan,
  RecoverySummary,
  RunSummary,
  Span,
  StageSummary,
  TimerSummary,
} from './run-summary.ts';
import { mergeAll } from './samples.ts';
import { verdictSentence } from './verdict-sentence.ts';

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
    samples: [],
  };
  for (const event of journal.events) fold(draft, event);
  const { closed, stages: byStage, phases, samples, ...rest } = draft;
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
    // Whom people heard it from, and when, is not the run's.
    lastAtMs: journal.events.reduce(
      (last, { type, atMs }) => (type === 'told' || type === 'acknowledged' ? last : Math.max(last, atMs)),
      0,
    ),
    phases,
    stages,
    samples: mergeAll(samples),
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
  samples: SeriesByProbe[];
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
      return update(draft, event.stage, {
        heldAtMs: event.atMs,
        injected: event.injected,
        problems: event.problems,
        how: event.how ?? [],
      });
    case 'samples':
      draft.samples.push(event.series);
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
    case 'told':
    case 'chosen':
    case 'acknowledged':
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
    how: [],
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
