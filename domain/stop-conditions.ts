/**
 * Stop conditions: from samples to edges.
 *
 * Owns what counts as a breach's beginning and end, and as having lost sight of a probe. A pure reducer over a small JSON
 * state that travels in heartbeats; time comes with the samples. Must never decide to abort: how long a breach is borne
 * is the workflow's durable timer, and no data never ends a breach.
 */
import type { Experiment, StopCondition } from './experiment.ts';
import { judge } from './breach.ts';
import { NEW_WINDOW, addTotal, riseWithin } from './rise-window.ts';
import type { RiseWindow } from './rise-window.ts';
import type { Reading } from './probe.ts';
import type { Baseline, Dimensions, Readings } from './steady-state.ts';

/**
 * A breach ends only after this many samples in a row that do not breach, so that a value on the limit does not flap; one
 * is enough where the sustained time is so short that the timer would not wait for the second.
 */
export const CLEAR_SAMPLES = 2;

function clearSamples(forMs: number, everyMs: number): number {
  return forMs > 0 && forMs <= CLEAR_SAMPLES * everyMs ? 1 : CLEAR_SAMPLES;
}
/** How many sampling intervals a probe may be without data before that is an edge. */
export const NO_DATA_GRACE_INTERVALS = 2;

/** Something the workflow must know of. */
export interface Edge {
  readonly edge: 'breach-begins' | 'breach-ends' | 'no-data';
  /** Index into the experiment's stop conditions; absent for no data. */
  readonly condition?: number;
  readonly probe: string;
  /** The reading that made the edge, in the probe's canonical unit; null for no data. */
  readonly value: number | null;
  /** In words: `error-rate 7.2% is above 5%`. */
  readonly evidence: string;
}

/** What the reducer remembers: plain JSON, under 8 KiB with 20 conditions. */
export interface ConditionsState {
  /** One a stop condition, in the experiment's order. */
  readonly conditions: readonly ConditionState[];
  /** Probes that are without data now; a probe that answers has no entry. */
  readonly silent: Readonly<Record<string, Silence>>;
}

/** Where one stop condition is. */
export interface ConditionState {
  readonly breached: boolean;
  /** Samples in a row that did not breach, while the breach has not ended. */
  readonly clear: number;
  /** Only for `count` conditions. */
  readonly window?: RiseWindow;
}

/** How long a probe has been without data. */
export interface Silence {
  /** When the first sample without data was taken, in milliseconds since the Unix epoch. */
  readonly sinceMs: number;
  readonly samples: number;
  /** Whether its edge was reported; it is reported once a silence. */
  readonly told: boolean;
}

/** What samples are judged against. */
export interface Watched {
  readonly experiment: Pick<Experiment, 'stopConditions' | 'steadyState'>;
  readonly baseline: Baseline;
  /** The intended time between two samples, in milliseconds. */
  readonly everyMs: number;
  /** Only for the wording of evidence. */
  readonly dimensions?: Dimensions;
}

/** The samples of one tick. A watched probe that is missing from `readings` has no data. */
export interface Tick {
  /** Milliseconds since the Unix epoch, on the sampling worker's clock. */
  readonly atMs: number;
  readonly readings: Readings;
}

/** The probes that must be sampled while a fault is on, each once: those of stop conditions and of the steady state. */
export function watchedProbes(experiment: Pick<Experiment, 'stopConditions' | 'steadyState'>): string[] {
  return [...new Set([...experiment.stopConditions, ...experiment.steadyState].map(({ probe }) => probe))];
}

/** The state before any sample. */
export function initialConditions(experiment: Pick<Experiment, 'stopConditions'>): ConditionsState {
  return { conditions: experiment.stopConditions.map(newCondition), silent: {} };
}

/** The state after one tick, and its edges: silences first, then the conditions in their order. */
export function observe(
  state: ConditionsState,
  watched: Watched,
  tick: Tick,
): { readonly state: ConditionsState; readonly edges: readonly Edge[] } {
  const silences = observeSilences(state.silent, watched, tick);
  const edges: Edge[] = [...silences.edges];
  const conditions = watched.experiment.stopConditions.map((condition, index) => {
    const before = state.conditions[index] ?? newCondition(condition);
    const next = observeCondition(before, condition, watched, tick);
    if (next.breached !== before.breached) edges.push(conditionEdge(next, index, condition.probe));
    return next.state;
  });
  return { state: { conditions, silent: silences.silent }, edges };
}

interface Observed {
  readonly state: ConditionState;
  readonly breached: boolean;
  readonly value: number | null;
  readonly words: string;
}

function newCondition({ breach }: StopCondition): ConditionState {
  return { breached: false, clear: 0, ...(breach.kind === 'count' ? { window: NEW_WINDOW } : {}) };
}

function observeCondition(before: ConditionState, condition: StopCondition, watched: Watched, tick: Tick): Observed {
  const { probe, breach, forMs } = condition;
  const reading = readingOf(tick.readings, probe);
  if (!reading.ok) {
    // Nothing was seen, so nothing can have ended: samples in a row must all have been seen.
    return { state: { ...before, clear: 0 }, breached: before.breached, value: null, words: '' };
  }
  const window =
    breach.kind === 'count'
      ? addTotal(before.window ?? NEW_WINDOW, reading.value, tick.atMs, breach.withinMs)
      : undefined;
  const { breaches, words } = judge(condition, reading.value, {
    baseline: Object.hasOwn(watched.baseline, probe) ? watched.baseline[probe] : undefined,
    dimension: watched.dimensions?.[probe],
    rise: window === undefined ? 0 : riseWithin(window),
  });
  const clear = before.breached && !breaches ? before.clear + 1 : 0;
  const breached = breaches || (before.breached && clear < clearSamples(forMs, watched.everyMs));
  const state = { breached, clear: breached ? clear : 0, ...(window === undefined ? {} : { window }) };
  return { state, breached, value: reading.value, words };
}

function conditionEdge(next: Observed, condition: number, probe: string): Edge {
  const edge = next.breached ? 'breach-begins' : 'breach-ends';
  return { edge, condition, probe, value: next.value, evidence: next.words };
}

function observeSilences(
  before: ConditionsState['silent'],
  { experiment, everyMs }: Watched,
  { atMs, readings }: Tick,
): { readonly silent: ConditionsState['silent']; readonly edges: readonly Edge[] } {
  const silent: Record<string, Silence> = {};
  const edges: Edge[] = [];
  for (const probe of watchedProbes(experiment)) {
    const reading = readingOf(readings, probe);
    if (reading.ok) continue;
    const past = Object.hasOwn(before, probe) ? before[probe] : undefined;
    const silence = {
      sinceMs: past?.sinceMs ?? atMs,
      samples: Math.min(999, (past?.samples ?? 0) + 1),
      told: past?.told ?? false,
    };
    const over = graceIsOver(silence, atMs, everyMs);
    if (over && !silence.told) {
      edges.push({
        edge: 'no-data',
        probe,
        value: null,
        evidence: `${probe} has no data: ${reading.why.slice(0, WHY_MAX)}`,
      });
    }
    silent[probe] = { ...silence, told: silence.told || over };
  }
  return { silent, edges };
}

/** The most of a reason that goes into evidence, in characters: it is written into history. */
const WHY_MAX = 200;

/**
 * By time, rounded to whole intervals so that a timer's jitter does not cost another one; and by samples, so that a wall
 * clock that was set back does not stretch the grace.
 */
function graceIsOver({ sinceMs, samples }: Silence, atMs: number, everyMs: number): boolean {
  return samples > NO_DATA_GRACE_INTERVALS || Math.round((atMs - sinceMs) / everyMs) >= NO_DATA_GRACE_INTERVALS;
}

function readingOf(readings: Readings, probe: string): Reading {
  const reading = Object.hasOwn(readings, probe) ? readings[probe] : undefined;
  if (reading === undefined) return { ok: false, why: 'it was not sampled' };
  return !reading.ok || Number.isFinite(reading.value) ? reading : { ok: false, why: `it read ${reading.value}` };
}
