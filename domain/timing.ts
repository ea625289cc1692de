/**
 * Timing: every duration that safety depends on, from one formula.
 *
 * Owns time-to-live, renewal, heartbeat and blindness, and what a run can take at worst. All are durations: no clock is
 * read here, and none is compared with another machine's.
 */
import type { Experiment } from './experiment.ts';
import { reachOf } from './ladder.ts';
import type { PlannedStage } from './ladder.ts';

/** The default time-to-live in milliseconds: three renewals of 5 s and one worker restart of 15 s. */
export const DEFAULT_TTL_MS = 30_000;
/** The shortest time-to-live an experiment may ask for, in milliseconds. */
export const MIN_TTL_MS = 3_000;
/** The longest time-to-live, and the longest hold of a stage, in milliseconds. */
export const TTL_MAX_MS = 3_600_000;
export const HOLD_MAX_MS = 7 * 86_400_000;
/** The most stages of an experiment. */
export const STAGES_MAX = 20;
/** Renewals a second that one run may ask of its targets, unless its driver says fewer; with more targets they live longer instead of being asked more often. */
const RENEWALS_PER_SECOND = 200;

/** The durations of a lease, in milliseconds. */
export interface LeaseTiming {
  /** The fault ends by itself this long after its last renewal. */
  readonly ttlMs: number;
  /** Time between two renewals: a sixth of the time-to-live. */
  readonly renewEveryMs: number;
  /** How long the fault may go unwatched or unrenewed before the run gives up: half of the time-to-live. */
  readonly blindBudgetMs: number;
  /** The activity that holds, or watches, is lost when it has not been heard of for this long. */
  readonly heartbeatTimeoutMs: number;
  /** How long one attempt to inject or revert may take. Absent of leases that 0.3 or earlier has opened. */
  readonly attemptMs?: number;
  /** How much longer one to revert may take, for targets that take a while until they are as they were. Absent where they take moments. */
  readonly revertMs?: number;
}

/** What a driver says of itself, as far as timing depends on it. */
export interface Pace {
  readonly renewalsPerSecond?: number;
  readonly targetMs?: number;
  readonly revertMs?: number;
}

/** A watch that samples at least so often is missed after this time, in milliseconds. */
const UNWATCHED_MS = 5_000;

/**
 * The timing of each lease of a run that reaches `targets` targets with all its stages, whose leases are renewed side by side.
 * Time-to-live = 3 renewals + one worker restart (= 3 more renewals), so a renewal may be missed three times, and a worker may
 * be restarted, before a healthy fault lapses.
 */
export function leaseTiming(
  targets: number,
  timeToLiveMs: number = DEFAULT_TTL_MS,
  { renewalsPerSecond = RENEWALS_PER_SECOND, targetMs, revertMs }: Pace = {},
): LeaseTiming {
  const renewEveryMs = Math.max(timeToLiveMs / 6, (targets / renewalsPerSecond) * 1000);
  const ttlMs = Math.ceil(renewEveryMs * 6);
  return {
    ttlMs,
    renewEveryMs: Math.ceil(renewEveryMs),
    blindBudgetMs: Math.ceil(ttlMs / 2),
    heartbeatTimeoutMs: Math.max(1_500, Math.ceil(renewEveryMs)),
    attemptMs: attemptTimeoutMs(targets, targetMs),
    ...(revertMs === undefined ? {} : { revertMs }),
  };
}

/** The same for a watch: what is sampled seldom need not be heard of more often, nor later than who holds. */
export function watchTiming(lease: LeaseTiming, sampleEveryMs: number): LeaseTiming {
  return { ...lease, heartbeatTimeoutMs: Math.min(lease.heartbeatTimeoutMs, Math.max(UNWATCHED_MS, sampleEveryMs)) };
}

/** How long nobody may look at a game day before it ends, in milliseconds: its experiments are watched by themselves. */
const DAY_BLIND_MS = 60_000;

/** The same for the watch of a game day, which holds no fault. */
export function dayWatchTiming(sampleEveryMs: number): LeaseTiming {
  return { ...watchTiming(leaseTiming(0), sampleEveryMs), blindBudgetMs: DAY_BLIND_MS };
}

/** To look at a target once more, to revert it and to verify that takes an API server five answers, at 250 a second, in milliseconds. */
const PER_TARGET_MS = 20;

/**
 * How long one attempt to inject or revert a stage may take in a run that reaches `targets` targets, in milliseconds: its leases are
 * reverted side by side.
 */
function attemptTimeoutMs(targets: number, targetMs = PER_TARGET_MS): number {
  return 10_000 + Math.max(5_000, targets * targetMs);
}

/** How long one attempt to inject on a lease of `targets` targets may take, in milliseconds. */
export function attemptMsOf(timing: LeaseTiming, targets: number): number {
  return timing.attemptMs ?? attemptTimeoutMs(targets);
}

/** A run on this many targets is what a worker's stop is dimensioned for. */
const RUN_TARGETS = 5_000;
/**
 * How long a worker that is told to stop waits for reverts under way, in milliseconds: the longest attempt of a run on 5,000 targets. It
 * is over sooner where there are none; of a larger run, what it has not reverted is the next worker's.
 */
export const DRAIN_MS = attemptTimeoutMs(RUN_TARGETS);

/** The same for one to revert. */
export function revertAttemptMsOf(timing: LeaseTiming, targets: number): number {
  return attemptMsOf(timing, targets) + (timing.revertMs ?? 0);
}

/** How long the revert of `targets` targets may fail before the run is told, in milliseconds; it goes on being tried. */
export function revertPatienceMs(timing: LeaseTiming, targets: number): number {
  return Math.max(30_000, revertAttemptMsOf(timing, targets));
}

/** How long a run may be asked for its admission before pre-flight, and before each stage, in milliseconds. */
export const ADMISSION_MS = 60_000;
/** How long a site may be asked before a stage whether enough is left outside of the blast radius, in milliseconds. */
export const MIN_HEALTHY_MS = 30_000;

/**
 * How long a fault injected in `stage` can be wanted at most, in milliseconds: its own injection and hold, every later
 * stage's with its admission and its waiting for targets, the restart of a worker in each, and their graceful rollback one after the other. The target ends the fault then, whoever renews it.
 */
export function notAfterMs(
  experiment: Experiment,
  stages: readonly PlannedStage[],
  stage: number,
  pace?: Pace,
): number {
  const timing = leaseTiming(reachOf(stages), experiment.timeToLiveMs, pace);
  return stages
    .filter((planned) => planned.stage >= stage && planned.skipped === undefined)
    .reduce((sum, planned) => sum + stageMs(experiment, timing, planned), 0);
}

/** What a run can take from pre-flight to its end when every step takes as long as it may, but for people, in milliseconds. */
export function worstCaseMs(experiment: Experiment, stages: readonly PlannedStage[], pace?: Pace): number {
  const preflightMs = ADMISSION_MS + 2 * preflightTimeoutMs(experiment);
  return preflightMs + notAfterMs(experiment, stages, 0, pace) + recoveryMs(experiment, experiment.recoverWithinMs);
}

/** How long it takes at most to see whether the steady state is back within `withinMs`, and stays, in milliseconds. */
export function recoveryMs({ sampleEveryMs }: Pick<Experiment, 'sampleEveryMs'>, withinMs: number): number {
  return withinMs + PROOF_SAMPLES * sampleEveryMs;
}

/** Samples in a row that prove that the steady state is back; one good sample may be luck. */
export const PROOF_SAMPLES = 3;

/** Samples that a baseline is the median of. */
export const BASELINE_SAMPLES = 5;

/** How long pre-flight may take with its wait for candidates, in milliseconds. */
export function preflightTimeoutMs({ sampleEveryMs, blastRadius }: Experiment): number {
  return 60_000 + BASELINE_SAMPLES * sampleEveryMs + (blastRadius.waitMs ?? 0);
}

/** How long the steady state is looked at between two stages of a graceful rollback, in milliseconds: five samples. */
export function lookMs({ sampleEveryMs }: Pick<Experiment, 'sampleEveryMs'>): number {
  return 5 * sampleEveryMs;
}

function stageMs(experiment: Experiment, timing: LeaseTiming, { from, to }: PlannedStage): number {
  const [injectMs, revertMs] = [attemptMsOf(timing, to - from), revertAttemptMsOf(timing, to - from)];
  const { holdMs, waitMs = 0 } = experiment.blastRadius;
  return (
    ADMISSION_MS + MIN_HEALTHY_MS + waitMs + injectMs + holdMs + timing.blindBudgetMs + revertMs + lookMs(experiment)
  );
}
