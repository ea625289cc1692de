/** Criteria: no data is never met, what is hardly seen is unknown, and each kind says why. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { judgeAlert, judgeAtEnd, judgeHypothesis, judgeMeasured, judgeRecovery } from '../../domain/criteria.ts';
import type { ScenarioTime } from '../../domain/criteria.ts';
import type { GameDayEvent } from '../../domain/game-day-events.ts';
import type { DayRun } from '../../domain/game-day-state.ts';
import type { Criterion } from '../../domain/game-day.ts';
import type { Series } from '../../domain/probe.ts';

type Measured = Extract<Criterion, { kind: 'measured' }>;
const five = { value: 5, dimension: 'count', text: '5' } as const;
const measured = (when: Measured['when']): Measured => ({
  name: 'any',
  kind: 'measured',
  probe: 'level',
  accept: { kind: 'range', max: five },
  when,
});
/** One reading a second from the first on; null for no data. */
const read = (...values: (number | null)[]): Series => ({
  dimension: 'count',
  points: values.map((value, second) => [second * 1_000, value]),
});
const time = (toMs: number, cut = false): ScenarioTime => ({ fromMs: 0, toMs, cut, everyMs: 1_000, heardWithinMs: 0 });
const found = (when: Measured['when'], series: Series | undefined, over: ScenarioTime): [string, boolean] => {
  const { verdict, settled } = judgeMeasured(measured(when), series, undefined, over);
  return [verdict, settled];
};

describe('measured', () => {
  test('throughout: every reading, seen for half of the time, to the end', () => {
    assert.deepEqual(found('throughout', read(1, 2, 5), time(2_000)), ['met', true]);
    assert.deepEqual(found('throughout', read(1, 6, 5), time(2_000)), ['missed', true]);
    assert.deepEqual(found('throughout', read(1, null, 5), time(2_000)), ['unknown', true]);
    assert.deepEqual(found('throughout', read(1, 1), time(10_000)), ['unknown', true]);
    assert.deepEqual(found('throughout', read(null, null), time(1_000)), ['unknown', true]);
    assert.deepEqual(found('throughout', undefined, time(1_000)), ['unknown', true]);
    assert.deepEqual(found('throughout', read(1, 2, 5), time(2_000, true)), ['unknown', true]);
    assert.deepEqual(found('throughout', read(9, 2, 5), time(2_000, true)), ['missed', true]);
    // What was before or after is none of it.
    assert.deepEqual(found('throughout', read(9, 1, 1, 9), { ...time(2_000), fromMs: 1_000 }), ['met', true]);
    // Nobody looked in between, though nobody says so.
    const paused: Series = { dimension: 'count', points: [0, 1, 2, 3, 58, 59, 60].map((s) => [s * 1_000, 1]) };
    assert.deepEqual(found('throughout', paused, time(60_000)), ['unknown', true]);
  });

  test('within a time: from some reading on, which no later one undoes', () => {
    const soon = { withinMs: 3_000 };
    assert.deepEqual(found(soon, read(9, 9, 1), time(2_000)), ['met', false], 'one good reading may be luck');
    assert.deepEqual(found(soon, read(9, 9, 1, 1, 1), time(4_000)), ['met', true]);
    assert.deepEqual(found(soon, read(1, 1, 1), time(2_000)), ['met', true]);
    assert.deepEqual(found(soon, read(9, 9), time(1_000)), ['unknown', false]);
    assert.deepEqual(found(soon, read(9, 9, 9, 9), time(3_000)), ['missed', true]);
    assert.deepEqual(found(soon, read(1, 1, 1, 1, 9, 1), time(5_000)), ['missed', true], 'it was not kept to');
    assert.deepEqual(found(soon, read(9, 1, null), time(3_000)), ['unknown', true], 'no data proves nothing');
    assert.deepEqual(found(soon, read(9, 1, 1, 1, null, 1, 1), time(6_000)), ['met', true]);
    assert.deepEqual(found(soon, read(1, 1, 1), time(2_000, true)), ['unknown', true], 'not all was done');
    const heard = { ...time(3_000), heardWithinMs: 2_000 };
    assert.deepEqual(found(soon, read(9, 9, 9), heard), ['unknown', false], 'a good reading may be under way');
    assert.deepEqual(found(soon, read(9, 9, 9, 9, 9, 9), { ...heard, toMs: 5_000 }), ['missed', true]);
    assert.deepEqual(found(soon, read(), time(1_000)), ['unknown', false]);
    assert.deepEqual(found(soon, read(), time(3_000)), ['unknown', true]);
    assert.deepEqual(found(soon, read(9, 1, 1), time(60_000)), ['unknown', true], 'nobody looked since');
  });

  test('at the end: the reading there', () => {
    assert.equal(judgeAtEnd(measured('at-end'), { ok: true, value: 5 }, undefined).verdict, 'met');
    assert.equal(judgeAtEnd(measured('at-end'), { ok: true, value: 6 }, undefined).verdict, 'missed');
    assert.equal(judgeAtEnd(measured('at-end'), { ok: false, why: 'it hangs' }, undefined).verdict, 'unknown');
    assert.equal(judgeAtEnd(measured('at-end'), undefined, undefined).verdict, 'unknown');
    assert.equal(judgeAtEnd(measured('at-end'), { ok: true, value: 5 }, undefined, true).verdict, 'unknown');
    assert.equal(judgeAtEnd(measured('at-end'), { ok: true, value: 6 }, undefined, true).verdict, 'missed');
    const near: Measured = { ...measured('at-end'), accept: { kind: 'baseline', share: 0.1 } };
    assert.equal(judgeAtEnd(near, { ok: true, value: 6 }, 6).verdict, 'met');
    assert.equal(judgeAtEnd(near, { ok: true, value: 6 }, undefined).verdict, 'missed', 'no baseline was taken');
  });

  test('no series without a value meets anything', () => {
    const empty = fc.array(fc.constant(null)).map((values) => read(...values));
    const when = fc.constantFrom<Measured['when']>('throughout', { withinMs: 1_000 }, { withinMs: 60_000 });
    fc.assert(
      fc.property(empty, when, fc.nat(100_000), (series, asked, toMs) => {
        assert.notEqual(judgeMeasured(measured(asked), series, 1, time(toMs)).verdict, 'met');
      }),
    );
  });
});

const run = (change: Partial<DayRun> = {}): DayRun => ({
  run: 'a',
  experiment: 'a',
  status: 'completed',
  deviated: false,
  reason: 'it held',
  ...change,
});

test('recovery and hypothesis are those of all runs', () => {
  const soon = { name: 'any', kind: 'recovery', withinMs: 1_000 } as const;
  const recovery = (...runs: DayRun[]): string => judgeRecovery(soon, runs).verdict;
  assert.equal(recovery(), 'unknown');
  assert.equal(recovery(run({ status: 'refused' })), 'unknown');
  assert.equal(recovery(run({ recoveredMs: 1_000 }), run({ status: 'aborted', recoveredMs: 0 })), 'met');
  assert.equal(recovery(run({ recoveredMs: 1_000 }), run({ recoveredMs: 1_001 })), 'missed');
  assert.equal(recovery(run({ deviated: true })), 'missed');
  assert.equal(recovery(run({ status: 'inconclusive', deviated: null })), 'unknown');
  const hypothesis = (...runs: DayRun[]): string => judgeHypothesis(runs).verdict;
  assert.equal(hypothesis(), 'unknown');
  assert.equal(hypothesis(run(), run()), 'met');
  assert.equal(hypothesis(run({ deviated: null }), run({ deviated: true })), 'missed');
  assert.equal(hypothesis(run(), run({ deviated: null })), 'unknown');
});

test('an alert must begin to fire in time, and somebody must have been able to say so', () => {
  const asked = { name: 'any', kind: 'alert', alert: 'Down', withinMs: 5_000 } as const;
  const said = (...looks: [number, boolean | null][]): GameDayEvent[] =>
    looks.map(([atMs, firing]) => ({ seq: 0, atMs, type: 'alert', alert: 'Down', firing }));
  const verdict = (events: GameDayEvent[], toMs: number): [string, boolean] => {
    const { verdict: one, settled } = judgeAlert(asked, events, time(toMs));
    return [one, settled];
  };
  assert.deepEqual(verdict(said([-1_000, false], [3_000, true]), 3_000), ['met', true]);
  assert.deepEqual(verdict(said([-1_000, false], [3_000, true], [4_000, false]), 9_000), ['met', true]);
  assert.deepEqual(verdict(said([-1_000, false], [6_000, true]), 9_000), ['missed', true]);
  assert.deepEqual(verdict(said([-1_000, false]), 5_000), ['missed', true]);
  assert.deepEqual(verdict(said([-1_000, false]), 4_000), ['unknown', false]);
  assert.deepEqual(verdict(said([-1_000, true]), 1_000), ['unknown', true]);
  assert.deepEqual(verdict(said([-1_000, null]), 5_000), ['unknown', true]);
  assert.deepEqual(verdict(said([-1_000, false], [2_000, null]), 5_000), ['unknown', true]);
  assert.deepEqual(verdict([], 5_000), ['unknown', true]);
  const { settled } = judgeAlert(asked, said([-1_000, false]), { ...time(5_000), heardWithinMs: 3_000 });
  assert.equal(settled, false, 'it may have fired, and is not written down yet');
});
