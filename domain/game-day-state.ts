/**
 * A game day as far as it has come.
 *
 * Owns the meaning of its events taken together, one after the other: where it is, what is open, who did what about each scenario. Pure and
 * total; the workflow, status and the room go by the same. Must never say more than the events do.
 */
import type { By, CriterionVerdict, DayEnding, GameDayEvent, ScenarioEnding } from './game-day-events.ts';
import type { GameDay } from './game-day.ts';

/** Where a day is. `paused`: what runs goes on, and no other scenario begins. */
export type DayPhase = 'called' | 'running' | 'waiting-for-approval' | 'paused' | 'ended';
/** Where a scenario is. `due`: its time has come, and whoever must approve it has not. */
export type ScenarioPhase = 'ahead' | 'due' | 'running' | 'ended';

/** One run of a scenario; what is null is not known yet. */
export interface DayRun {
  readonly run: string;
  readonly experiment: string;
  readonly status: string | null;
  readonly deviated: boolean | null;
  readonly reason: string;
  /** From the fault's verified end to the steady state, in milliseconds; absent where it did not return, or no fault was on. */
  readonly recoveredMs?: number;
}

/** One step that people were asked to take; `tookMs` is absent while it is open. */
export interface DayStep {
  readonly step: string;
  readonly askedAtMs: number;
  readonly tookMs?: number;
  readonly by?: string;
}

/** What was found of a criterion. */
export interface JudgedCriterion {
  readonly verdict: CriterionVerdict;
  readonly evidence: string;
  readonly atMs: number;
  readonly by?: string;
}

/** One scenario as far as it has come. Times are milliseconds since the Unix epoch. */
export interface ScenarioState {
  readonly phase: ScenarioPhase;
  readonly dueAtMs?: number;
  readonly begunAtMs?: number;
  readonly endedAtMs?: number;
  /** How much longer than its timeout it may take, in milliseconds. */
  readonly extendedMs: number;
  readonly runs: readonly DayRun[];
  readonly steps: readonly DayStep[];
  /** In the document's order; null where nothing was found yet. */
  readonly criteria: readonly (JudgedCriterion | null)[];
  /** Absent where the day was over before anybody said. */
  readonly ending?: ScenarioEnding;
  readonly why?: string;
}

/** A day as far as it has come. Times are milliseconds since the Unix epoch. */
export interface DayState {
  readonly phase: DayPhase;
  readonly gameDay: GameDay;
  readonly calledAtMs: number;
  readonly begunAtMs?: number;
  readonly endedAtMs?: number;
  /** How much longer than its duration it may take, in milliseconds. */
  readonly extendedMs: number;
  /** The first scenario that has not ended; absent once all have. */
  readonly current?: number;
  readonly scenarios: readonly ScenarioState[];
  readonly paused?: By & { readonly why: string };
  readonly baseline: Readonly<Record<string, number>>;
  /** When one of the rules was breached, and is not known not to be: by probe, in the words of the edge. */
  readonly breaches: Readonly<Record<string, string>>;
  readonly ending?: DayEnding;
  readonly why?: string;
}

/** What these events, in order, come to; undefined where they do not say which day was called. */
export function dayStateOf(events: readonly GameDayEvent[]): DayState | undefined {
  return events.reduce<DayState | undefined>(dayAfter, undefined);
}

/** The day after one event more. What a reset day says anew of its beginning changes nothing. */
export function dayAfter(state: DayState | undefined, event: GameDayEvent): DayState | undefined {
  if (state === undefined) return event.type === 'called' ? calledDay(event.gameDay, event.atMs) : undefined;
  const changed = changedBy(state, event);
  if (changed === state) return state;
  const current = changed.scenarios.findIndex(({ phase }) => phase !== 'ended');
  const { current: _, ...rest } = changed;
  const next = current < 0 ? rest : { ...rest, current };
  return { ...next, phase: phaseOf(next) };
}

/** When the day's time is over, in milliseconds since the Unix epoch; undefined before it has begun. */
export function dayEndsAtMs({ begunAtMs, gameDay, extendedMs }: DayState): number | undefined {
  return begunAtMs === undefined ? undefined : begunAtMs + gameDay.durationMs + extendedMs;
}

/** When the time of this scenario is over, in milliseconds since the Unix epoch; undefined before it has begun. */
export function scenarioEndsAtMs({ gameDay, scenarios }: DayState, index: number): number | undefined {
  const { begunAtMs, extendedMs = 0 } = scenarios[index] ?? {};
  const timeoutMs = gameDay.scenarios[index]?.timeoutMs;
  return begunAtMs === undefined || timeoutMs === undefined ? undefined : begunAtMs + timeoutMs + extendedMs;
}

function calledDay(gameDay: GameDay, calledAtMs: number): DayState {
  const ahead = gameDay.scenarios.map(({ criteria }): ScenarioState => ({
    phase: 'ahead',
    extendedMs: 0,
    runs: [],
    steps: [],
    criteria: criteria.map(() => null),
  }));
  const first = ahead.length === 0 ? {} : { current: 0 };
  return {
    phase: 'called',
    gameDay,
    calledAtMs,
    extendedMs: 0,
    ...first,
    scenarios: ahead,
    baseline: {},
    breaches: {},
  };
}

function phaseOf({ ending, begunAtMs, paused, current, scenarios, gameDay }: Omit<DayState, 'phase'>): DayPhase {
  if (ending !== undefined) return 'ended';
  if (begunAtMs === undefined) return 'called';
  if (paused !== undefined) return 'paused';
  if (current === undefined) return 'running';
  const waits = scenarios[current]?.phase === 'due' && gameDay.scenarios[current]?.approve === 'commander';
  return waits ? 'waiting-for-approval' : 'running';
}

function changedBy(state: DayState, event: GameDayEvent): DayState {
  switch (event.type) {
    case 'begun':
      return state.begunAtMs === undefined ? { ...state, begunAtMs: event.atMs } : state;
    case 'baseline':
      return { ...state, baseline: event.readings };
    case 'paused':
      return { ...state, paused: { by: event.by, why: event.why } };
    case 'resumed': {
      const { paused: _, ...rest } = state;
      return rest;
    }
    case 'extended':
      return event.scenario === undefined
        ? { ...state, extendedMs: state.extendedMs + event.byMs }
        : inScenario(state, event.scenario, ({ extendedMs }) => ({ extendedMs: extendedMs + event.byMs }));
    case 'edge':
      return { ...state, breaches: breachesAfter(state.breaches, event) };
    case 'day-ended':
      return {
        ...state,
        endedAtMs: event.atMs,
        ending: event.ending,
        why: event.why,
        scenarios: state.scenarios.map(overWith),
      };
    case 'scenario-due':
    case 'scenario-begun':
    case 'scenario-ended':
    case 'run':
    case 'run-ended':
    case 'step-asked':
    case 'step-done':
    case 'criterion':
      return inScenario(state, event.scenario, (scenario) => scenarioAfter(scenario, event));
    case 'called':
    case 'note':
    case 'finding':
    case 'action':
    case 'alert':
    case 'alerts':
    case 'samples':
      return state;
  }
}

type OfScenario = Extract<
  GameDayEvent,
  {
    type:
      | 'scenario-due'
      | 'scenario-begun'
      | 'scenario-ended'
      | 'run'
      | 'run-ended'
      | 'step-asked'
      | 'step-done'
      | 'criterion';
  }
>;

function scenarioAfter(scenario: ScenarioState, event: OfScenario): Partial<ScenarioState> {
  const { runs, steps } = scenario;
  switch (event.type) {
    case 'scenario-due':
      return scenario.phase === 'ahead' ? { phase: 'due', dueAtMs: event.atMs } : {};
    case 'scenario-begun':
      return { phase: 'running', begunAtMs: event.atMs };
    case 'scenario-ended':
      // A reset day may say so again.
      if (scenario.phase === 'ended') return {};
      return { phase: 'ended', endedAtMs: event.atMs, ending: event.ending, why: event.why };
    case 'run': {
      const { run, experiment } = event;
      return { runs: [...runs, { run, experiment, status: null, deviated: null, reason: '' }] };
    }
    case 'run-ended': {
      const { status, deviated, reason, recoveredMs } = event;
      const ended = { status, deviated, reason, ...(recoveredMs === undefined ? {} : { recoveredMs }) };
      return { runs: runs.map((one) => (one.run === event.run ? { ...one, ...ended } : one)) };
    }
    case 'step-asked':
      return { steps: [...steps, { step: event.step, askedAtMs: event.atMs }] };
    case 'step-done': {
      const open = steps.findIndex(({ step, tookMs }) => step === event.step && tookMs === undefined);
      const { tookMs, by } = event;
      return { steps: steps.map((one, index) => (index === open ? { ...one, tookMs, by } : one)) };
    }
    case 'criterion': {
      const { verdict, evidence, atMs, by } = event;
      if (scenario.criteria[event.criterion]) return {};
      const judged = { verdict, evidence, atMs, ...(by === undefined ? {} : { by }) };
      return { criteria: scenario.criteria.map((one, index) => (index === event.criterion ? judged : one)) };
    }
  }
}

/** What a day that ends leaves open is over with it, and nobody says how. */
function overWith(scenario: ScenarioState): ScenarioState {
  return scenario.phase === 'ended' ? scenario : { ...scenario, phase: 'ended' };
}

function inScenario(
  state: DayState,
  index: number,
  change: (scenario: ScenarioState) => Partial<ScenarioState>,
): DayState {
  const scenarios = state.scenarios.map((one, i) => (i === index ? { ...one, ...change(one) } : one));
  return { ...state, scenarios };
}

function breachesAfter(
  breaches: DayState['breaches'],
  { edge, probe, evidence }: Extract<GameDayEvent, { type: 'edge' }>,
): DayState['breaches'] {
  const others = Object.fromEntries(Object.entries(breaches).filter(([name]) => name !== probe));
  return edge === 'breach-ends' ? others : { ...others, [probe]: evidence };
}
