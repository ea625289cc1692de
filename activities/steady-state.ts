/**
 * The steady state, read from the world.
 *
 * Owns taking a baseline before anything is touched, and waiting for the steady state to return afterwards. Whether
 * readings hold is `domain/`'s to say. Knows nothing of Temporal.
 */
import type { Experiment } from '../domain/experiment.ts';
import type { CheckedReading } from '../domain/journal.ts';
import type { Reading, SeriesByProbe } from '../domain/probe.ts';
import { baselineOf, checkSteadyState } from '../domain/steady-state.ts';
import type { Baseline, Readings } from '../domain/steady-state.ts';
import { PROOF_SAMPLES } from '../domain/timing.ts';
import type { OpenProbes } from './probes/registry.ts';
import { dimensionsOf, record, sampleOnce, tickReadings, ticks } from './watch.ts';
import type { Tick } from './watch.ts';

/** How a baseline is taken. */
export interface BaselineSampling {
  /** How many samples it is the median of. */
  readonly samples: number;
  readonly everyMs: number;
  readonly signal: AbortSignal;
}

/** A baseline, and what was read last. A probe that answered in half of the samples or fewer is not in the baseline. */
export interface TakenBaseline {
  readonly baseline: Baseline;
  readonly readings: Readings;
}

/** Samples the named probes and takes the median of each; fewer samples when the signal aborts. */
export async function takeBaseline(
  probes: OpenProbes,
  names: readonly string[],
  sampling: BaselineSampling,
): Promise<TakenBaseline> {
  const taken: Record<string, Reading>[] = [];
  for await (const _atMs of ticks(sampling.everyMs, sampling.signal)) {
    const readings = await sampleOnce(probes, names, sampling.signal, sampling.everyMs);
    if (sampling.signal.aborted) break;
    taken.push(readings);
    if (taken.length >= sampling.samples) break;
  }
  const baseline = names.flatMap((name) => {
    const median = baselineOf(taken.flatMap((readings) => readings[name] ?? []));
    return median === undefined ? [] : [[name, median] as const];
  });
  return { baseline: Object.fromEntries(baseline), readings: taken.at(-1) ?? {} };
}

/** What the steady state is checked with. */
export interface SteadyStateReading {
  readonly probes: OpenProbes;
  readonly experiment: Pick<Experiment, 'steadyState'>;
  readonly baseline: Baseline;
  readonly signal: AbortSignal;
}

/** The steady state at one time. */
export interface SteadyStateNow {
  readonly held: boolean;
  readonly readings: readonly CheckedReading[];
}

/** How the steady state is awaited. */
export interface AwaitingSteadyState extends SteadyStateReading {
  readonly everyMs: number;
  /** How long it may take to return, in milliseconds. */
  readonly withinMs: number;
  readonly onTick: (tick: Tick) => void;
}

/** Whether the steady state returned. */
export interface Recovery {
  readonly recovered: boolean;
  /** Until the first of the ticks that proved the return, or until it was given up; in milliseconds. */
  readonly tookMs: number;
  /** The last readings. */
  readonly readings: readonly CheckedReading[];
  readonly series: SeriesByProbe;
}

/**
 * Samples until every check held in {@link PROOF_SAMPLES} ticks in a row, or `withinMs` are over. What begins to hold
 * within the time is given the ticks it needs to prove it, so this takes at most `withinMs`, {@link PROOF_SAMPLES}
 * intervals and one probe's timeout.
 */
export async function awaitSteadyState(awaiting: AwaitingSteadyState): Promise<Recovery> {
  const { probes, experiment, baseline, signal, everyMs, withinMs, onTick } = awaiting;
  const startMs = performance.now();
  let series: SeriesByProbe = {};
  let samples = 0;
  let now: SteadyStateNow = { held: false, readings: [] };
  let streak = { ticks: 0, sinceMs: 0 };
  for await (const atMs of ticks(everyMs, signal)) {
    const passedMs = performance.now() - startMs;
    // The first sample is always taken, however short the time.
    if (samples > 0 && passedMs > withinMs && streak.ticks === 0) break;
    const readings = await sampleOnce(probes, namesOf(experiment), signal, everyMs);
    if (signal.aborted) break;
    samples += 1;
    now = check(probes, experiment, baseline, readings);
    series = record(series, probes, atMs, readings);
    streak = now.held
      ? { ticks: streak.ticks + 1, sinceMs: streak.ticks === 0 ? passedMs : streak.sinceMs }
      : { ticks: 0, sinceMs: 0 };
    onTick({ atMs, readings: tickReadings(probes, readings), series });
    if (streak.ticks >= PROOF_SAMPLES) {
      return { recovered: true, tookMs: Math.round(streak.sinceMs), readings: now.readings, series };
    }
  }
  return { recovered: false, tookMs: Math.round(performance.now() - startMs), readings: now.readings, series };
}

function check(
  probes: OpenProbes,
  experiment: Pick<Experiment, 'steadyState'>,
  baseline: Baseline,
  readings: Readings,
): SteadyStateNow {
  const checked = checkSteadyState(experiment.steadyState, readings, baseline, dimensionsOf(probes));
  return { held: checked.every(({ held }) => held), readings: checked };
}

function namesOf(experiment: Pick<Experiment, 'steadyState'>): string[] {
  return [...new Set(experiment.steadyState.map(({ probe }) => probe))];
}
