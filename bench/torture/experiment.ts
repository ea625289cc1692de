/** The experiment that is beaten: real processes are paused, in three stages, under a stop condition that never breaches. */
import type { Experiment } from '../../domain/experiment.ts';

/** What differs from one to the next. */
export interface Paused {
  readonly fault: string;
  /** The host group whose processes are paused. */
  readonly group: string;
  readonly seed: string;
  readonly ttlMs: number;
  /** How many processes each stage reaches. */
  readonly stages?: readonly number[];
  readonly holdMs?: number;
}

/** An experiment at the site `torture`, whose only probe is `alive`. */
export function pausing({ fault, group, seed, ttlMs, stages = [1, 3, 5], holdMs = 1_500 }: Paused): Experiment {
  const one = { value: 1, dimension: 'count', text: '1' } as const;
  return {
    name: 'torture',
    hypothesis: 'Whatever dies, the fault ends',
    steadyState: [{ probe: 'alive', group: 'system', tolerance: { kind: 'range', min: one } }],
    fault,
    with: fault === 'host/moody-stutter' ? { stop: 400, run: 100, jitter: 0 } : {},
    targets: { site: 'torture', selector: { group } },
    blastRadius: { stages: stages.map((count) => ({ kind: 'count', count, text: `${count}` })), holdMs, seed },
    stopConditions: [{ probe: 'alive', breach: { kind: 'below', limit: one }, forMs: 60_000, abort: 'immediate' }],
    recoverWithinMs: 20_000,
    sampleEveryMs: 500,
    timeToLiveMs: ttlMs,
  };
}
