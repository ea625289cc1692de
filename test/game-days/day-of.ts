/** Game days as values, for tests that need no document: short, sampled often, and begun by alice. */
import { pausing } from '../../bench/torture/experiment.ts';
import type { Experiment } from '../../domain/experiment.ts';
import type { GameDay, Scenario, Work } from '../../domain/game-day.ts';

/** A day of one scenario that touches nothing, but for what is said. */
export function gameDayOf(change: Partial<GameDay> = {}): GameDay {
  return {
    name: 'a-day',
    purpose: 'To see whether it holds',
    durationMs: 600_000,
    site: 'torture',
    roles: { commander: 'alice', scribe: 'bob', observers: ['carol'] },
    briefing: 'Nobody is harmed',
    abortOn: [],
    watched: [{ probe: 'level', stands: 'system' }],
    sampleEveryMs: 500,
    scenarios: [scenarioOf()],
    ...change,
  };
}

/** A scenario of one experiment that touches nothing, and that begins by itself. */
export function scenarioOf(change: Partial<Scenario> = {}): Scenario {
  return {
    name: 'nothing happens',
    offsetMs: 0,
    work: workOf({}),
    expected: 'It holds',
    criteria: [],
    timeoutMs: 120_000,
    approve: 'auto',
    ...change,
  };
}

/** How many experiments there are so far: each has targets of its own, so that days may be held side by side. */
let made = 0;

/** One experiment on two targets that are not there, which is held for a second. */
export function workOf(change: Partial<Experiment>): Work {
  made += 1;
  const experiment = {
    ...pausing({ fault: 'noop/noop', group: 'any', seed: 'any', ttlMs: 30_000, stages: [1], holdMs: 1_000 }),
    targets: { site: 'torture', selector: { count: 2, name: `n-${made}` } },
    ...change,
  };
  return { kind: 'experiment', experiment, documentHash: 'a hash' };
}

/** An experiment that is held for an hour, unless somebody ends it. */
export function long(): Work {
  return workOf({
    blastRadius: { stages: [{ kind: 'count', count: 1, text: '1' }], holdMs: 3_600_000, seed: 'any' },
  });
}

export function byHand(step: string): Work {
  return { kind: 'by-hand', step };
}
