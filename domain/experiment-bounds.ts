/**
 * Bounds: what an experiment may ask for, however it was made.
 *
 * Owns the numbers, which the documents' parser writes its complaints with, and the check of an experiment that came past
 * the parser: whoever talks to Temporal can start a run with any JSON. Pure.
 */
import type { Breach, Experiment, SteadyStateCheck, StageSize, StopCondition } from './experiment.ts';
import { HOLD_MAX_MS, MIN_TTL_MS, STAGES_MAX, TTL_MAX_MS } from './timing.ts';
import { formatDuration } from './units.ts';

/** The least and the most, both allowed. */
export type Bounds = readonly [min: number, max: number];

const DAY_MS = 86_400_000;

/** A name of an experiment, a probe, a site or a window. */
export const NAME = /^[a-z][a-z0-9-]{0,62}$/;

/** Durations, in milliseconds. */
export const DURATIONS_MS = {
  hold: [100, HOLD_MAX_MS],
  wait: [1_000, DAY_MS],
  for: [0, DAY_MS],
  within: [1_000, DAY_MS],
  coolDown: [1_000, 30 * DAY_MS],
  recoverWithin: [100, DAY_MS],
  sampleEvery: [100, 600_000],
  timeToLive: [MIN_TTL_MS, TTL_MAX_MS],
} as const satisfies Record<string, Bounds>;

/** How many of each, and of texts how many characters. */
export const COUNTS = {
  hypothesis: [1, 500],
  seed: [1, 100],
  stages: [1, STAGES_MAX],
  stopConditions: [1, 20],
  /** Of a stop condition's `count`. */
  rise: [1, 1e9],
  targets: [1, 1e6],
} as const satisfies Record<string, Bounds>;

/**
 * What a stage's injection may add to the time in which a breach can last, in milliseconds. Stop conditions are watched
 * meanwhile too, so a `for` a little longer than all holds can still fire where an injection is slow, and is not refused.
 */
const INJECT_MS = 10_000;

/** Each stage is held for at least so many samples, so that one of them is always taken under the fault. */
export const SAMPLES_MIN = 2;

/** The longest `for` that can fire, in milliseconds. */
export function forMaxMs(stages: number, holdMs: number): number {
  return stages * (holdMs + INJECT_MS);
}

/** Whether each stage is larger than the one of its kind before. */
export function grows(stages: readonly StageSize[]): boolean {
  return stages.every((size, i) => {
    const before = stages.slice(0, i).findLast(({ kind }) => kind === size.kind);
    if (before === undefined) return true;
    return size.kind === 'share'
      ? before.kind === 'share' && size.share > before.share
      : before.kind === 'count' && size.count > before.count;
  });
}

/** What in an experiment no document can have said, in words; undefined where all is well. Its types are those of an experiment. */
export function misformed(experiment: Experiment): string | undefined {
  const { blastRadius, preconditions = {}, steadyState, stopConditions, sampleEveryMs } = experiment;
  const { stages, holdMs } = blastRadius;
  return first(
    named('experiment', experiment.name),
    bounded('hypothesis', experiment.hypothesis.length, COUNTS.hypothesis),
    named('targets.site', experiment.targets.site),
    steadyState.length > 0 ? undefined : 'steadyState: found no check, expected at least one',
    ...steadyState.map((check, i) => oddCheck(check, `steadyState.${i}`)),
    lasts('sampleEvery', sampleEveryMs, DURATIONS_MS.sampleEvery),
    lasts('recoverWithin', experiment.recoverWithinMs, DURATIONS_MS.recoverWithin),
    lasts('timeToLive', experiment.timeToLiveMs, DURATIONS_MS.timeToLive),
    bounded('blastRadius.stages', stages.length, COUNTS.stages),
    ...stages.map((size, i) => oddSize(size, `blastRadius.stages.${i}`)),
    grows(stages) ? undefined : 'blastRadius.stages: expected each larger than the one before',
    lasts('blastRadius.hold', holdMs, [Math.max(DURATIONS_MS.hold[0], SAMPLES_MIN * sampleEveryMs), HOLD_MAX_MS]),
    lasts('blastRadius.wait', blastRadius.waitMs, DURATIONS_MS.wait),
    bounded('blastRadius.max', blastRadius.max, COUNTS.targets),
    bounded('blastRadius.seed', blastRadius.seed?.length, COUNTS.seed),
    bounded('stopConditions', stopConditions.length, COUNTS.stopConditions),
    ...stopConditions.map((condition, i) => oddCondition(condition, `stopConditions.${i}`, sampleEveryMs)),
    preconditions.window === undefined ? undefined : named('preconditions.window', preconditions.window),
    lasts('preconditions.coolDown', preconditions.coolDownMs, DURATIONS_MS.coolDown),
    shared('preconditions.capacity', preconditions.capacityMin),
    preconditions.minHealthy && oddSize(preconditions.minHealthy, 'preconditions.minHealthy'),
  );
}

function oddCheck({ probe, tolerance }: SteadyStateCheck, where: string): string | undefined {
  if (tolerance.kind === 'baseline') return first(named(`${where}.probe`, probe), shared(where, tolerance.share));
  const open = tolerance.min === undefined && tolerance.max === undefined;
  return first(named(`${where}.probe`, probe), open ? `${where}: expected min or max` : undefined);
}

function oddSize(size: StageSize, where: string): string | undefined {
  if (size.kind === 'count') return bounded(where, size.count, COUNTS.targets);
  return size.share > 0 && size.share <= 1 ? undefined : `${where}: found ${size.share}, expected a share up to 1`;
}

/**
 * A `for` that is longer than the fault is on is left to the parser: it can fire as little as a limit that is never reached, which
 * a document may say.
 */
function oddCondition(
  { probe, breach, forMs }: StopCondition,
  where: string,
  sampleEveryMs: number,
): string | undefined {
  const single = forMs > 0 && forMs <= sampleEveryMs;
  return first(
    named(`${where}.probe`, probe),
    oddBreach(breach, where),
    lasts(`${where}.for`, forMs, DURATIONS_MS.for),
    single ? `${where}.for: found ${forMs} ms, expected 0 or more than sampleEvery` : undefined,
  );
}

function oddBreach(breach: Breach, where: string): string | undefined {
  if (breach.kind === 'drops' || breach.kind === 'rises') return shared(where, breach.share);
  if (breach.kind === 'outside')
    return breach.min.value < breach.max.value ? undefined : `${where}: min is not below max`;
  if (breach.kind !== 'count') return undefined;
  return first(
    bounded(`${where}.count`, breach.count, COUNTS.rise),
    lasts(`${where}.within`, breach.withinMs, DURATIONS_MS.within),
  );
}

function first(...found: readonly (string | undefined)[]): string | undefined {
  return found.find((words) => words !== undefined);
}

function named(where: string, name: string): string | undefined {
  return NAME.test(name) ? undefined : `${where}: found ${JSON.stringify(name.slice(0, 100))}, expected a name`;
}

function shared(where: string, share: number | undefined): string | undefined {
  return share === undefined || share >= 0 ? undefined : `${where}: found the share ${share}, expected none below 0`;
}

function bounded(where: string, found: number | undefined, [min, max]: Bounds): string | undefined {
  if (found === undefined || (Number.isInteger(found) && found >= min && found <= max)) return undefined;
  return `${where}: found ${found}, expected ${min} to ${max}`;
}

function lasts(where: string, ms: number | undefined, [min, max]: Bounds): string | undefined {
  if (ms === undefined || (ms >= min && ms <= max)) return undefined;
  return `${where}: found ${ms} ms, expected ${formatDuration(min)} to ${formatDuration(max)}`;
}
