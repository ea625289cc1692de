/**
 * Game days as they happen, for looking at: records, and the journals of their runs.
 *
 * Owns made-up but coherent days: the same numbers every time.
 */
import type { GameDayEntry, GameDayRecord } from '../../domain/game-day-events.ts';
import type { Journal } from '../../domain/journal.ts';
import { Day, GAME_DAY, runOf } from './game-day-story.ts';
import type { Probe } from './game-day-story.ts';
import { MINUTE_MS, START_MS, Story } from './story.ts';

/** A day and its runs. */
export interface Told {
  readonly record: GameDayRecord;
  readonly journals: readonly Journal[];
}

const FAILOVER = 'primary-stops-20261123-140400-a1';
const SLOW = 'slow-payments-20261123-143300-b2';
const STRESSED = 'stressed-catalogue-20261123-143300-c3';

/** The fault of the first scenario takes two fifths of the orders for three minutes; the second slows everything down. */
function harm(minutes: number, probe: Probe): number | null {
  const failover = minutes > 4.3 && minutes < 7.2 ? 1 : 0;
  const cascade = minutes > 34 && minutes < 39 ? 1 : 0;
  if (probe === 'orders') return minutes > 70 && minutes < 72 ? null : 1 - 0.42 * failover - 0.08 * cascade;
  if (probe === 'conversion') return 1 - 0.3 * failover;
  if (probe === 'in-service') return 1 - 0.4 * failover - 0.05 * cascade;
  return 1 + 3 * failover + 7 * cascade;
}

const ended = (run: string, scenario: number, recoveredMs?: number): GameDayEntry => ({
  type: 'run-ended',
  scenario,
  run,
  status: 'completed',
  deviated: false,
  reason: 'the steady state held before and after the fault',
  ...(recoveredMs === undefined ? {} : { recoveredMs }),
});
const criterion = (
  scenario: number,
  index: number,
  verdict: 'met' | 'missed' | 'unknown',
  evidence: string,
  by?: string,
): GameDayEntry => ({
  type: 'criterion',
  scenario,
  criterion: index,
  verdict,
  evidence,
  ...(by === undefined ? {} : { by }),
});

/** The first scenario, as far as the end of its run; an alert fires after 48 s. */
function failover(day: Day): Day {
  return day
    .at(2.1, { type: 'alert', alert: 'DatabasePrimaryDown', firing: false })
    .at(2.1, { type: 'scenario-due', scenario: 0 })
    .at(3, { type: 'scenario-begun', scenario: 0, by: 'ada' })
    .at(3.1, { type: 'run', scenario: 0, run: FAILOVER, experiment: 'primary-stops' })
    .at(4.8, { type: 'alert', alert: 'DatabasePrimaryDown', firing: true })
    .at(5.1, {
      type: 'note',
      as: 'scribe',
      text: 'Orders fall. Nobody finds the runbook for a promotion by hand.',
      by: 'grace',
    });
}
const failoverRun = (): Journal => runOf(FAILOVER, { fault: 'aws/rds-failover', on: 4, off: 9, backAfter: 0.35 });

function failoverEnds(day: Day): Day {
  return day
    .at(8.4, { type: 'alert', alert: 'DatabasePrimaryDown', firing: false })
    .at(9.7, ended(FAILOVER, 0, 21_000))
    .at(9.7, criterion(0, 0, 'met', 'back after 21s'))
    .at(9.7, criterion(0, 1, 'met', 'orders 20.9/s, within 20% of the baseline 21.4/s from 1m50s on'))
    .at(4.9, criterion(0, 2, 'met', 'DatabasePrimaryDown fired after 1m48s'))
    .at(10.5, criterion(0, 3, 'met', 'the banner was up after three minutes, and said what works', 'barbara'))
    .at(11, { type: 'scenario-ended', scenario: 0, ending: 'done', why: 'all is answered' });
}

/** The second: two runs side by side, a breach of the day's rule, and no alert. */
function cascade(day: Day): Day {
  return day
    .at(32, { type: 'scenario-due', scenario: 1 })
    .at(32, { type: 'scenario-begun', scenario: 1 })
    .at(32.1, { type: 'run', scenario: 1, run: SLOW, experiment: 'slow-payments' })
    .at(32.1, { type: 'run', scenario: 1, run: STRESSED, experiment: 'stressed-catalogue' })
    .at(34.5, { type: 'edge', edge: 'breach-begins', probe: 'latency-p99', evidence: 'latency-p99 2.5s is above 2s' })
    .at(34.5, criterion(1, 0, 'missed', 'latency-p99 2.5s after 2m30s'));
}

/** Three scenarios done: nine criteria, one missed and one that nobody answered. */
export function mixedDay(): Told {
  const day = failoverEnds(failover(new Day('autumn-game-day-20261123-140000').begin()))
    .samples(2.05, 30, harm)
    .at(15, { type: 'paused', by: 'ada', why: 'a real incident' })
    .at(21, { type: 'resumed', by: 'ada' });
  cascade(day)
    .at(39, { type: 'edge', edge: 'breach-ends', probe: 'latency-p99', evidence: 'latency-p99 0.4s is not above 2s' })
    .samples(30.05, 60, harm)
    .at(40, ended(SLOW, 1, 12_000))
    .at(40, ended(STRESSED, 1, 6_000))
    .at(40.2, criterion(1, 1, 'met', 'in-service 95% at its lowest'))
    .at(40.2, criterion(1, 2, 'met', 'neither run deviated'))
    .at(40.2, { type: 'scenario-ended', scenario: 1, ending: 'done', why: 'all is answered' })
    .at(62, { type: 'scenario-due', scenario: 2 })
    .at(63, { type: 'scenario-begun', scenario: 2, by: 'ada' })
    .at(63, { type: 'step-asked', scenario: 2, step: 'Revoke the deploy key of the shop' })
    .at(67.5, { type: 'step-done', scenario: 2, step: 'Revoke the deploy key of the shop', tookMs: 270_000, by: 'ken' })
    .at(67.5, { type: 'step-asked', scenario: 2, step: 'Draw new database passwords' })
    .at(75, { type: 'extended', by: 'ada', byMs: 300_000, scenario: 2 })
    .at(78, criterion(2, 0, 'met', 'orders 20.8/s at its lowest'))
    .at(78, { type: 'scenario-ended', scenario: 2, ending: 'timed-out', why: 'it lasted for 15m' })
    .samples(60.05, 80, harm)
    .at(78.5, {
      type: 'finding',
      scenario: 1,
      text: 'The breaker of the catalogue never opens: its threshold is above its timeout.',
      by: 'barbara',
    })
    .at(79, { type: 'finding', text: 'Passwords are drawn by hand from a page that nobody owns.', by: 'ken' })
    .at(79.2, {
      type: 'action',
      scenario: 1,
      text: 'Alert on latency-p99 above 2 s for a minute',
      owner: 'barbara',
      by: 'grace',
    })
    .at(79.4, { type: 'action', text: 'Draw database passwords by machine', owner: 'ken', by: 'grace' })
    .at(80, { type: 'day-ended', ending: 'completed', why: 'the last scenario has ended' });
  return {
    record: day.record(),
    journals: [
      failoverRun(),
      runOf(SLOW, { fault: 'kubernetes/pod-latency', on: 33.5, off: 39, backAfter: 0.2 }),
      runOf(STRESSED, { fault: 'kubernetes/pod-stress', on: 33.5, off: 39, backAfter: 0.1, left: false }),
    ],
  };
}

/** One scenario, done, and everything met. */
export function goodDay(): Told {
  const [first] = GAME_DAY.scenarios;
  const day = failoverEnds(failover(new Day('good-day').begin({ ...GAME_DAY, scenarios: first ? [first] : [] })))
    .samples(2.05, 12, harm)
    .at(12, { type: 'day-ended', ending: 'completed', why: 'the last scenario has ended' });
  return { record: day.record(), journals: [failoverRun()] };
}

/** Aborted by its own rule in the second scenario. */
export function abortedDay(): Told {
  const day = cascade(failoverEnds(failover(new Day('aborted-day').begin())))
    .samples(2.05, 36, harm)
    .at(35, {
      type: 'edge',
      edge: 'breach-begins',
      probe: 'orders',
      evidence: 'orders 8.1/s is more than 60% below the baseline 21.4/s',
    })
    .at(36, { type: 'scenario-ended', scenario: 1, ending: 'aborted', why: 'the day was aborted' })
    .at(36, ended(SLOW, 1))
    .at(36, ended(STRESSED, 1))
    .at(36.5, { type: 'day-ended', ending: 'aborted', why: 'orders drops by more than 60% for 1m' });
  return {
    record: day.record(),
    journals: [
      failoverRun(),
      runOf(SLOW, { on: 33.5, off: 35.9, backAfter: 0.2 }),
      runOf(STRESSED, { on: 33.5, off: 35.9, backAfter: 0.1 }),
    ],
  };
}

/** Cancelled while a revert does not succeed: the run is stuck, and nobody said how the scenario ended. */
export function interruptedDay(): Told {
  const day = failover(new Day('interrupted-day').begin())
    .samples(2.05, 6, harm)
    .at(6, { type: 'day-ended', ending: 'interrupted', why: 'an emergency stop was called' });
  const stuck = new Story(FAILOVER)
    .widen(4, [{ size: '2', reached: 2 }], 1)
    .at(6, { type: 'phase', phase: 'rolling-back' })
    .at(6.5, { type: 'stuck', stage: 0, lease: `${FAILOVER}/stage-0`, why: 'permission denied' })
    .at(6.5, { type: 'phase', phase: 'stuck' })
    .journal();
  return { record: day.record(), journals: [stuck] };
}

/** In the middle of its first scenario. */
export function runningDay(): Told {
  const { events, ...journal } = failoverRun();
  const until = START_MS + 6 * MINUTE_MS;
  return {
    record: failover(new Day('running-day').begin()).samples(2.05, 6, harm).record(),
    journals: [{ ...journal, events: events.filter(({ atMs }) => atMs <= until) }],
  };
}

/** Called, and not begun. */
export function calledDay(): Told {
  return { record: new Day('called-day').call().record(), journals: [] };
}

/** Everything was skipped. */
export function skippedDay(): Told {
  const day = new Day('skipped-day').begin().samples(2.05, 5, () => 1);
  for (const scenario of [0, 1, 2])
    day.at(3 + scenario, {
      type: 'scenario-ended',
      scenario,
      ending: 'skipped',
      why: 'there is a real incident',
      by: 'ada',
    });
  return {
    record: day.at(6, { type: 'day-ended', ending: 'completed', why: 'the last scenario has ended' }).record(),
    journals: [],
  };
}

/** The same day with every text that comes from outside replaced. */
export function hostileDay(hostile: string): Told {
  const { record, journals } = mixedDay();
  return { record: poisoned(record, hostile), journals: journals.map((journal) => poisoned(journal, hostile)) };
}

/** Words that mean something to us, and so are never somebody's own. */
const OURS = new Set([
  'schema',
  'type',
  'kind',
  'dimension',
  'verdict',
  'ending',
  'edge',
  'stands',
  'group',
  'phase',
  'status',
  'mode',
  'when',
  'as',
  'cause',
  'approve',
]);

/** Every text of a value replaced, and every name of a probe. */
export function poisoned<T>(value: T, hostile: string, key = ''): T {
  if (typeof value === 'string') return (OURS.has(key) ? value : `${value} ${hostile}`) as T;
  if (Array.isArray(value))
    return value.map((one) => poisoned(one as unknown, hostile, key === 'readings' ? '' : key)) as T;
  if (typeof value !== 'object' || value === null) return value;
  const named = key === 'series' || key === 'readings';
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [
      named && isNaN(Number(name)) ? `${name} ${hostile}` : name,
      poisoned(one as unknown, hostile, name),
    ]),
  ) as T;
}
