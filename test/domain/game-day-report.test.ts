/** The report of a game day: the same record, cut anywhere, still says what it knows and no more. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { GameDayEvent } from '../../domain/game-day-events.ts';
import { gameDayReport } from '../../domain/game-day-report.ts';
import type { GameDayReport } from '../../domain/game-day-summary.ts';
import { Day } from '../report/game-day-story.ts';
import {
  abortedDay,
  calledDay,
  goodDay,
  interruptedDay,
  mixedDay,
  runningDay,
  skippedDay,
} from '../report/game-days.ts';
import type { Told } from '../report/game-days.ts';
import { MINUTE_MS, START_MS } from '../report/story.ts';

function reported({ record, journals }: Told): GameDayReport {
  const report = gameDayReport(record, journals);
  assert.ok(report);
  return report;
}

describe('the report of a game day', () => {
  it('in which not everything was met', () => {
    const report = reported(mixedDay());
    assert.deepEqual(report.summary, [
      '2 of 3 scenarios were done, and 7 of 9 criteria were met, 1 without an answer; missed: “p99 under 2 s” in cascade. Not done: stolen-credentials (out of time).',
      'Customers: orders fell short of its baseline by 2,618 in all (2.7% of what was to be expected), with 2m10s not measured; availability by in-service was 98.18%.',
      '3 of 3 faults were detected, after 56s on average (1 by an alert, 2 only by a breach); the steady state was back 13s on average after each fault’s end; 2 gaps in monitoring were found.',
    ]);
    assert.deepEqual(report.criteria, { met: 7, missed: 1, unknown: 1, of: 9 });
    assert.deepEqual([report.state, report.why], ['completed', 'the last scenario has ended']);
    assert.deepEqual(report.actions[0], {
      item: 1,
      text: 'Alert on latency-p99 above 2 s for a minute',
      owner: 'barbara',
      by: 'grace',
      atMs: START_MS + 79.2 * MINUTE_MS,
      scenario: 1,
    });
    assert.deepEqual(
      report.scenarios[2]?.steps.map(({ tookMs, by }) => [tookMs, by]),
      [
        [270_000, 'ken'],
        [null, null],
      ],
    );
  });

  it('in which everything was met', () => {
    const report = reported(goodDay());
    assert.match(report.summary[0] ?? '', /^1 of 1 scenario was done, and 4 of 4 criteria were met\.$/);
    assert.deepEqual(report.stillOn, []);
  });

  it('that was aborted says by what, when, and what was not put to the test', () => {
    const report = reported(abortedDay());
    assert.match(
      report.summary[0] ?? '',
      /^The day was aborted after 34m30s: orders drops by more than 60% for 1m\. 1 of 3 scenarios was done, and 4 of 9 criteria were met, 4 without an answer;/,
    );
    assert.deepEqual(
      report.scenarios.map(({ state }) => state),
      ['done', 'aborted', 'never-begun'],
    );
    assert.deepEqual(
      [1, 2].map((scenario) => report.scenarios[scenario]?.criteria.at(-1)?.evidence),
      ['nobody answered before the scenario was aborted', 'not put to the test: the scenario did not begin'],
    );
  });

  it('that was interrupted while a fault could not be reverted asks for a person first', () => {
    const report = reported(interruptedDay());
    assert.match(report.summary[0] ?? '', /^A person is needed: the fault of primary-stops-\S+ may still be on\.$/);
    assert.match(report.summary[1] ?? '', /^The day was interrupted after 4m: an emergency stop was called\. 0 of 3/);
    assert.equal(report.summary.length, 3);
    const [first] = report.scenarios;
    assert.deepEqual([first?.state, first?.endedAtMs], ['unfinished', report.endedAtMs]);
    assert.equal(report.criteria.unknown, 9);
  });

  it('that goes on says so, and that its fault is on is no alarm', () => {
    const report = reported(runningDay());
    assert.match(
      report.summary[0] ?? '',
      /^This game day is not over: 0 of 3 scenarios were done, and database-primary-fails is running; so far 0 of 9 criteria are met/,
    );
    assert.deepEqual([report.endedAtMs, report.stillOn], [null, []]);
    assert.equal(report.scenarios[0]?.criteria[0]?.evidence, 'not yet: the scenario is running');
    const paused = new Day('d').begin().at(3, { type: 'paused', by: 'ada', why: 'lunch' });
    assert.match(
      reported({ record: paused.record(), journals: [] }).summary[0] ?? '',
      /^This game day is not over and is paused:/,
    );
    const due = new Day('d').begin().at(3, { type: 'scenario-due', scenario: 0 });
    assert.match(
      reported({ record: due.record(), journals: [] }).summary[0] ?? '',
      /^This game day is not over and waits for its commander:/,
    );
  });

  it('that has not begun says nothing else', () => {
    const report = reported(calledDay());
    assert.deepEqual(report.summary, ['This game day has not begun.']);
    assert.deepEqual([report.availability[0]?.whole.knownMs, report.availability[0]?.whole.unknownMs], [0, 0]);
  });

  it('that was aborted before it began', () => {
    const day = new Day('d').call().at(1, { type: 'day-ended', ending: 'aborted', why: 'nobody came', by: 'ada' });
    assert.deepEqual(reported({ record: day.record(), journals: [] }).summary, [
      'The day was aborted before it began: nobody came. 0 of 3 scenarios were done, and 0 of 9 criteria were met, 9 without an answer.',
    ]);
  });

  it('in which no scenario was done', () => {
    const report = reported(skippedDay());
    assert.match(
      report.summary[0] ?? '',
      /^0 of 3 scenarios were done, and 0 of 9 criteria were met, 9 without an answer\. Not done: /,
    );
    assert.equal(report.summary.at(-1), 'No experiment was run.');
    assert.equal(report.scenarios[0]?.criteria[0]?.evidence, 'not put to the test: the scenario was skipped');
    assert.deepEqual(report.gaps, []);
  });

  it('is none of a record that does not say which day was called', () => {
    const { record } = goodDay();
    assert.equal(gameDayReport({ ...record, events: record.events.slice(1) }, []), undefined);
    assert.equal(gameDayReport({ ...record, events: [] }, []), undefined);
  });

  it('a verdict that a reset day says anew does not count, and one that nobody gave is unknown', () => {
    const told = goodDay();
    const [met] = told.record.events.filter(({ type }) => type === 'criterion');
    const anew = { ...met, verdict: 'missed', evidence: 'no', seq: 999 } as GameDayEvent;
    const events = told.record.events.flatMap((event) => (event === met ? [event, anew] : [event]));
    assert.deepEqual(reported({ ...told, record: { ...told.record, events } }).criteria, {
      met: 4,
      missed: 0,
      unknown: 0,
      of: 4,
    });
    const silent = told.record.events.filter((event) => event !== met);
    const report = reported({ ...told, record: { ...told.record, events: silent } });
    assert.deepEqual(report.criteria, { met: 3, missed: 0, unknown: 1, of: 4 });
    assert.ok(
      report.scenarios[0]?.criteria.some(
        ({ verdict, evidence }) => verdict === 'unknown' && evidence === 'nobody answered',
      ),
    );
  });

  it('without the journals of its runs says what it lacks', () => {
    const report = reported({ ...mixedDay(), journals: [] });
    assert.deepEqual([report.missing.length, report.detection.of, report.faults[0]?.beganAtMs], [3, 0, null]);
    assert.match(report.summary.at(-1) ?? '', /^No fault is known; of 3 runs the journal is not here; /);
    // The day was told of it all the same.
    assert.equal(report.faults[0]?.fromEndMs, 21_000);
  });
});

describe('every part of a record', () => {
  const ALL = { mixed: mixedDay(), aborted: abortedDay(), interrupted: interruptedDay(), skipped: skippedDay() };
  for (const [name, { record, journals }] of Object.entries(ALL)) {
    it(`${name}: cut after any event, it is over only where that was said, and does not change its argument`, () => {
      const copy = structuredClone(record);
      for (let length = 1; length <= record.events.length; length++) {
        const events = record.events.slice(0, length);
        const report = reported({ record: { ...record, events }, journals });
        const over = events.some(({ type }) => type === 'day-ended');
        assert.equal(report.endedAtMs !== null, over);
        assert.ok(
          over || !/were done|was done/.test(report.summary[0] ?? '') || /is not over/.test(report.summary[0] ?? ''),
        );
        const { met, missed, unknown, of } = report.criteria;
        assert.equal(met + missed + unknown, of);
        assert.ok(report.summary.length >= 1 && report.summary.length <= 3);
        assert.ok(report.timeline.every(({ atMs }, i) => i === 0 || atMs >= (report.timeline[i - 1]?.atMs ?? 0)));
        for (const { whole } of report.impact) assert.ok(whole.lost === null || whole.lost >= 0);
        for (const { whole } of report.availability) assert.ok(whole.share === null || whole.atLeast <= whole.share);
      }
      assert.deepEqual(record, copy);
    });
  }
});
