/**
 * Criteria: whether what was asked of a scenario was found true.
 *
 * Owns the verdict on each kind but those that people judge, and its evidence in words. Pure. No data, and what hardly anybody looked at, is
 * `unknown`, which is not met; must never soften either.
 */
import type { Tolerance } from './experiment.ts';
import type { CriterionVerdict, GameDayEvent } from './game-day-events.ts';
import type { DayRun } from './game-day-state.ts';
import type { Criterion } from './game-day.ts';
import { apart } from './integral.ts';
import type { Reading, Series } from './probe.ts';
import type { Point } from './samples.ts';
import { SIGHT_MIN, sightsOf, watchedShare } from './sight.ts';
import type { Stretch } from './sight.ts';
import { accepts, describeTolerance } from './steady-state.ts';
import { PROOF_SAMPLES } from './timing.ts';
import { formatDuration, formatQuantity } from './units.ts';

/** A verdict and what it is by, in words. */
export interface Found {
  readonly verdict: CriterionVerdict;
  readonly evidence: string;
}

/** What was found, and whether later samples or alerts can change it while the scenario goes on. */
export interface Finding extends Found {
  readonly settled: boolean;
}

type Of<K extends Criterion['kind']> = Extract<Criterion, { kind: K }>;

/** A scenario's time as far as it has come. */
export interface ScenarioTime extends Stretch {
  /** Whether it was ended before its own end, or not all of it was done: what seems met then is not known. */
  readonly cut: boolean;
  /** How often its probes are read, in milliseconds. */
  readonly everyMs: number;
  /** How much later than it happened something may be heard of, in milliseconds. */
  readonly heardWithinMs: number;
}

/** Judges the readings of a probe: all of them, or those from some moment within a time on. */
export function judgeMeasured(
  { probe, accept, when }: Of<'measured'>,
  series: Series | undefined,
  baseline: number | undefined,
  time: ScenarioTime,
): Finding {
  const points = (series?.points ?? []).filter(([atMs]) => atMs >= time.fromMs && atMs <= time.toMs);
  const { everyMs } = time;
  const read = { probe, accept, baseline, points, everyMs, series: series ?? { dimension: 'count', points } } as const;
  if (!points.some(([, value]) => value !== null))
    return { ...unknown(`${probe} has no data`), settled: typeof when !== 'object' || late(when.withinMs, time) };
  return typeof when === 'object' ? within(read, when.withinMs, time) : throughout(read, time);
}

/** Judges the reading at the scenario's end. */
export function judgeAtEnd(
  { probe, accept }: Of<'measured'>,
  reading: Reading | undefined,
  baseline: number | undefined,
  cut = false,
): Found {
  if (reading?.ok !== true) return unknown(`${probe} has no data: ${reading?.why ?? 'it was not read'}`);
  const dimension = accept.kind === 'range' ? (accept.max ?? accept.min)?.dimension : undefined;
  const words = `${probe} was ${formatQuantity(reading.value, dimension ?? 'count')} at the end, expected ${describeTolerance(accept, baseline, dimension)}`;
  return accepts(accept, reading.value, baseline) ? unlessCut(words, cut) : missed(words);
}

/** Judges how long the steady state took to return, of every run of the scenario. */
export function judgeRecovery({ withinMs }: Of<'recovery'>, runs: readonly DayRun[]): Found {
  const ended = runs.filter(({ status }) => status !== null && status !== 'refused');
  if (ended.length === 0) return unknown('no fault was on, so that nothing had to recover');
  const late = ended.find(({ recoveredMs }) => recoveredMs !== undefined && recoveredMs > withinMs);
  const bound = `expected at most ${formatDuration(withinMs)}`;
  if (late) return missed(`${late.run} took ${formatDuration(late.recoveredMs ?? 0)} to recover, ${bound}`);
  const never = ended.find(({ recoveredMs }) => recoveredMs === undefined);
  if (never?.deviated) return missed(`${never.run} did not return to its steady state, ${bound}: ${never.reason}`);
  if (never) return unknown(`nobody can say whether ${never.run} recovered: ${never.reason}`);
  const longest = Math.max(...ended.map(({ recoveredMs = 0 }) => recoveredMs));
  return met(`the steady state returned after ${formatDuration(longest)}, ${bound}`);
}

/** Judges whether the experiments' hypotheses held. */
export function judgeHypothesis(runs: readonly DayRun[]): Found {
  const deviated = runs.find((run) => run.deviated === true);
  if (deviated) return missed(`${deviated.run} deviated: ${deviated.reason}`);
  const unclear = runs.find((run) => run.deviated !== false);
  if (unclear) return unknown(`${unclear.run} has no verdict: ${unclear.reason}`);
  return runs.length === 0 ? unknown('no experiment was run') : met(`${runs.map(({ run }) => run).join(', ')} held`);
}

/** Judges whether an alert began to fire in time, by what the record says of it. One that fired already proves nothing. */
export function judgeAlert(
  { alert, withinMs }: Of<'alert'>,
  events: readonly GameDayEvent[],
  time: ScenarioTime,
): Finding {
  const said = events.filter((event) => event.type === 'alert').filter((event) => event.alert === alert);
  const untilMs = time.fromMs + withinMs;
  const settled = late(withinMs, time);
  const before = said.findLast(({ atMs }) => atMs <= time.fromMs);
  if (before?.firing === true) return { ...unknown(`${alert} fired already when the scenario began`), settled: true };
  const meanwhile = said.filter(({ atMs }) => atMs > time.fromMs && atMs <= Math.min(time.toMs, untilMs));
  const fired = meanwhile.find(({ firing }) => firing === true);
  const bound = `expected within ${formatDuration(withinMs)}`;
  if (fired)
    return { ...met(`${alert} fired after ${formatDuration(fired.atMs - time.fromMs)}, ${bound}`), settled: true };
  const blind = [before, ...meanwhile].some((event) => event?.firing === null) || said.length === 0;
  if (blind) return { ...unknown(`no Alertmanager could say whether ${alert} fired`), settled };
  if (!settled) return { ...unknown(`${alert} had not fired by the end, ${bound}`), settled };
  return { ...missed(`${alert} did not fire, ${bound}`), settled };
}

interface Read {
  readonly probe: string;
  readonly accept: Tolerance;
  readonly baseline: number | undefined;
  /** Those of the scenario. */
  readonly points: readonly Point[];
  readonly series: Series;
  readonly everyMs: number;
}

function throughout(read: Read, time: ScenarioTime): Finding {
  const bad = read.points.find(([, value]) => value !== null && !accepted(read, value));
  if (bad) return { ...missed(said(read, bad, time)), settled: true };
  const unseen = unseenIn(read, time);
  if (unseen !== undefined) return { ...unknown(unseen), settled: true };
  const words = `${read.probe} was read ${read.points.length} times, each ${expected(read)}`;
  return { ...unlessCut(words, time.cut), settled: true };
}

function within(read: Read, withinMs: number, time: ScenarioTime): Finding {
  const { probe } = read;
  const points = read.points.filter(([, value]) => value !== null);
  const lastBad = points.findLastIndex(([, value]) => value !== null && !accepted(read, value));
  const good = points.slice(lastBad + 1);
  const [sinceMs] = good[0] ?? [];
  const bound = `within ${formatDuration(withinMs)}, ${expected(read)}`;
  const over = late(withinMs, time);
  if (sinceMs === undefined) {
    const words = said(read, points.at(-1) as Point, time);
    return over ? { ...missed(words), settled: true } : { ...unknown(`${words}; it had time yet`), settled: false };
  }
  const tookMs = Math.max(0, sinceMs - time.fromMs);
  const words = `${probe} took ${formatDuration(tookMs)}, expected it ${bound}`;
  if (tookMs > withinMs) return { ...missed(words), settled: true };
  const unseen = unseenIn(read, { fromMs: sinceMs, toMs: time.toMs });
  if (unseen !== undefined) return { ...unknown(unseen), settled: over };
  return { ...unlessCut(words, time.cut), settled: over || good.length >= PROOF_SAMPLES };
}

/** Whether nothing that happened within that time can be heard of any more. */
function late(withinMs: number, { fromMs, toMs, heardWithinMs }: ScenarioTime): boolean {
  return toMs >= fromMs + withinMs + heardWithinMs;
}

function accepted({ accept, baseline }: Read, value: number): boolean {
  return accepts(accept, value, baseline);
}

function expected({ accept, baseline, series: { dimension } }: Read): string {
  return describeTolerance(accept, baseline, dimension);
}

function said(read: Read, [atMs, value]: Point, { fromMs }: ScenarioTime): string {
  const after = formatDuration(Math.max(0, Math.round((atMs - fromMs) / 1_000) * 1_000));
  const what = value === null ? 'without data' : formatQuantity(value, read.series.dimension);
  return `${read.probe} was ${what} after ${after}, expected ${expected(read)}`;
}

/** Why so little was seen of this time that it proves nothing. A pause between two readings is no sight. */
function unseenIn({ probe, series, everyMs }: Read, stretch: Stretch): string | undefined {
  const points = apart(series.points, everyMs);
  const lastMs = points.at(-1)?.[0] ?? 0;
  const share = watchedShare([sightsOf({ [probe]: { ...series, points } }, lastMs)], stretch);
  return share >= SIGHT_MIN ? undefined : `${probe} was read for only ${Math.round(share * 100)}% of the time`;
}

function met(evidence: string): Found {
  return { verdict: 'met', evidence };
}

function unlessCut(evidence: string, cut: boolean): Found {
  return cut ? unknown(`${evidence}, but not all of the scenario was done`) : met(evidence);
}

function missed(evidence: string): Found {
  return { verdict: 'missed', evidence };
}

function unknown(evidence: string): Found {
  return { verdict: 'unknown', evidence };
}
