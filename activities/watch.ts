/**
 * Watching: samples on a schedule, until something happens.
 *
 * Owns the sampling loop and its clockwork; what a sample means is `domain/`'s. Knows nothing of Temporal: who watches
 * hands in a signal and takes each tick's state to a heartbeat. A late tick is skipped, never queued.
 */
import type { Experiment } from '../domain/experiment.ts';
import type { Reading, Series, SeriesByProbe } from '../domain/probe.ts';
import type { Dimension } from '../domain/quantity.ts';
import { append, boundSeries } from '../domain/samples.ts';
import { lastOf } from '../domain/sight.ts';
import type { Baseline, Dimensions, Readings } from '../domain/steady-state.ts';
import { initialConditions, observe, watchedProbes } from '../domain/stop-conditions.ts';
import type { ConditionsState, Edge } from '../domain/stop-conditions.ts';
import { pause } from './pause.ts';
import { noData, reasonOf } from './probes/reading.ts';
import type { OpenProbe, OpenProbes } from './probes/registry.ts';

/** A probe has answered by the next sample, or is without data in this one; of samples closer than this, by then, in milliseconds. */
const SAMPLE_MIN_MS = 2_000;
/** How much longer than its own timeout a probe is waited for, in milliseconds; then it has broken its protocol. */
const PROBE_GRACE_MS = 250;

/** What whoever samples says of itself after each tick: plain JSON, small enough for a heartbeat. */
export interface Tick {
  /** Milliseconds since the Unix epoch. */
  readonly atMs: number;
  readonly readings: Readonly<Record<string, TickReading>>;
  /** Bounded; everything since the sampling began. */
  readonly series: SeriesByProbe;
  /** Where a watch is: hand this to the next one. Absent where nothing is watched for. */
  readonly resume?: ConditionsState;
}

/** One reading of a tick, in the canonical unit of its dimension; null for no data. */
export interface TickReading {
  readonly value: number | null;
  readonly dimension: Dimension;
}

/** What a watch needs. */
export interface Watching {
  readonly probes: OpenProbes;
  readonly experiment: Pick<Experiment, 'stopConditions' | 'steadyState'>;
  readonly baseline: Baseline;
  /** Time between two samples, in milliseconds. */
  readonly everyMs: number;
  /** Sampled too, and watched for nothing. */
  readonly also?: readonly string[];
  /** How long samples are kept, in milliseconds; absent: all are, downsampled. */
  readonly keepMs?: number;
  /** Where an earlier watch of the same experiment ended; absent at the first. */
  readonly resume?: ConditionsState;
  /** Told of every tick's readings, with an edge or without. */
  readonly onReadings?: (readings: Tick['readings']) => void;
  /** Told of every tick that has no edge: an edge is told by the result alone, so that a lost result loses no edge. */
  readonly onTick: (tick: Tick) => void;
  /** Ends the watch. */
  readonly signal: AbortSignal;
}

/** How a watch ended. `stopped`: by its signal, without an edge. */
export interface WatchResult {
  readonly stopped: boolean;
  readonly edges: readonly Edge[];
  readonly state: ConditionsState;
  readonly series: SeriesByProbe;
  /** From the last sample of `series` to the end of the watch, in milliseconds; 0 where there is none. */
  readonly sinceSampleMs: number;
}

/** Samples at once and then every `everyMs`, until a tick has edges or the signal aborts. */
export async function watch(watching: Watching): Promise<WatchResult> {
  const { probes, experiment, baseline, everyMs, also = [], keepMs = Infinity, onReadings, onTick, signal } = watching;
  const names = [...new Set([...watchedProbes(experiment), ...also])];
  const watched = { experiment, baseline, everyMs, dimensions: dimensionsOf(probes) };
  let state = watching.resume ?? initialConditions(experiment);
  let series: SeriesByProbe = {};
  let sampledAtMs: number | undefined;
  const sinceSampleMs = (): number => (sampledAtMs === undefined ? 0 : Math.round(performance.now() - sampledAtMs));
  for await (const atMs of ticks(everyMs, signal)) {
    const beganAtMs = performance.now();
    const readings = await sampleOnce(probes, names, signal, everyMs);
    // What was being read when the signal came is no evidence of anything.
    if (signal.aborted) break;
    const observed = observe(state, watched, { atMs, readings });
    state = observed.state;
    series = lastOf(record(series, probes, atMs, readings), keepMs);
    sampledAtMs = beganAtMs;
    const taken = tickReadings(probes, readings);
    onReadings?.(taken);
    const { edges } = observed;
    if (edges.length > 0) return { stopped: false, edges, state, series, sinceSampleMs: sinceSampleMs() };
    onTick({ atMs, readings: taken, series, resume: state });
  }
  return { stopped: true, edges: [], state, series, sinceSampleMs: sinceSampleMs() };
}

/**
 * Reads the named probes at once, each within its own timeout, and within `everyMs` where another sample follows: one that is
 * slow must not blind the others. A probe that throws, hangs or is unknown has no data.
 */
export async function sampleOnce(
  probes: OpenProbes,
  names: readonly string[],
  signal: AbortSignal,
  everyMs = Infinity,
): Promise<Record<string, Reading>> {
  const read = names.map(async (name): Promise<[string, Reading]> => {
    const known = probes.get(name);
    return [
      name,
      known === undefined ? noData('there is no such probe at this site') : await readBounded(known, signal, everyMs),
    ];
  });
  return Object.fromEntries(await Promise.all(read));
}

/**
 * The times of samples, in milliseconds since the Unix epoch: now, and then on a grid of `everyMs` that is kept on the
 * monotonic clock, so that neither a slow consumer nor a set wall clock moves it. Ends when `signal` aborts.
 */
export async function* ticks(everyMs: number, signal: AbortSignal): AsyncGenerator<number, void, undefined> {
  const startMs = performance.now();
  let tick = 0;
  while (!signal.aborted) {
    yield Date.now();
    tick = tickAfter(tick, performance.now() - startMs, everyMs);
    await pause(startMs + tick * everyMs - performance.now(), signal);
  }
}

/** The number of the tick after `tick` when `passedMs` have passed since tick 0. A timer may fire a little early. */
export function tickAfter(tick: number, passedMs: number, everyMs: number): number {
  return Math.max(tick, Math.floor(passedMs / everyMs)) + 1;
}

/** The series with one more sample of each probe, bounded. */
export function record(series: SeriesByProbe, probes: OpenProbes, atMs: number, readings: Readings): SeriesByProbe {
  const next: Record<string, Series> = { ...series };
  for (const [name, reading] of Object.entries(readings)) {
    next[name] = append(next[name], probes.get(name)?.dimension ?? 'count', { atMs, reading });
  }
  return boundSeries(next);
}

/** Readings as a tick carries them. */
export function tickReadings(probes: OpenProbes, readings: Readings): Tick['readings'] {
  const entries = Object.entries(readings).map(([name, reading]): [string, TickReading] => [
    name,
    { value: reading.ok ? reading.value : null, dimension: probes.get(name)?.dimension ?? 'count' },
  ]);
  return Object.fromEntries(entries);
}

/** What each probe measures, by name. */
export function dimensionsOf(probes: OpenProbes): Dimensions {
  return Object.fromEntries([...probes].map(([name, { dimension }]) => [name, dimension]));
}

async function readBounded({ probe, timeoutMs }: OpenProbe, signal: AbortSignal, everyMs: number): Promise<Reading> {
  const withinMs = Math.min(timeoutMs + PROBE_GRACE_MS, Math.max(everyMs, SAMPLE_MIN_MS));
  const late = new AbortController();
  const ends = AbortSignal.any([signal, late.signal]);
  const { promise: over, resolve } = Promise.withResolvers<Reading>();
  const timer = setTimeout(() => late.abort(), withinMs);
  const end = (): void =>
    resolve(
      noData(
        signal.aborted ? 'it was no longer wanted' : `it did not answer within ${Math.min(timeoutMs, withinMs)} ms`,
      ),
    );
  ends.addEventListener('abort', end, { once: true });
  if (ends.aborted) end();
  try {
    return await Promise.race([probe.read(ends), over]);
  } catch (error) {
    return noData(reasonOf(error));
  } finally {
    clearTimeout(timer);
    ends.removeEventListener('abort', end);
  }
}
