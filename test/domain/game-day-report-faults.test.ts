/** The faults of a game day: who told of each, when the system was back, and what nobody was told of. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { GameDayEntry } from '../../domain/game-day-events.ts';
import { gameDayReport } from '../../domain/game-day-report.ts';
import type { GameDayReport } from '../../domain/game-day-summary.ts';
import { Day, runOf } from '../report/game-day-story.ts';
import { mixedDay, runningDay } from '../report/game-days.ts';
import type { Told } from '../report/game-days.ts';
import { MINUTE_MS } from '../report/story.ts';

function reported({ record, journals }: Told): GameDayReport {
  const report = gameDayReport(record, journals);
  assert.ok(report);
  return report;
}

const RUN = 'r-1';
/** A day with one run, whose fault is on from minute 4 to 9, and what else happened. */
function dayOf(
  more: readonly (readonly [at: number, entry: GameDayEntry])[],
  run: Omit<Parameters<typeof runOf>[1], 'on' | 'off'> = { backAfter: 0.5 },
): GameDayReport {
  const day = new Day('d')
    .begin()
    .at(3, { type: 'scenario-begun', scenario: 0, by: 'ada' })
    .at(3, { type: 'run', scenario: 0, run: RUN, experiment: 'e' });
  for (const [at, entry] of more) day.at(at, entry);
  day
    .at(12, { type: 'scenario-ended', scenario: 0, ending: 'done', why: '' })
    .at(20, { type: 'day-ended', ending: 'completed', why: '' });
  return reported({ record: day.record(), journals: [runOf(RUN, { on: 4, off: 9, ...run })] });
}
const alert = (firing: boolean | null): GameDayEntry => ({ type: 'alert', alert: 'A', firing });
const breach: GameDayEntry = {
  type: 'edge',
  edge: 'breach-begins',
  probe: 'orders',
  evidence: 'orders 3/s is below 5/s',
};

describe('detection', () => {
  const cases: readonly (readonly [string, Parameters<typeof dayOf>[0], readonly [string, number] | null])[] = [
    [
      'is by the first alert that fires',
      [
        [3, alert(false)],
        [5, alert(true)],
        [4.5, breach],
      ],
      ['alert', 60_000],
    ],
    [
      'is by the first breach where no alert fires',
      [
        [3, alert(false)],
        [4.5, breach],
      ],
      ['breach', 30_000],
    ],
    ['is by a loss of data too', [[4.5, { ...breach, edge: 'no-data' }]], ['breach', 30_000]],
    [
      'is not by an alert that fired when it was first looked for',
      [
        [3, alert(true)],
        [6, breach],
      ],
      ['breach', 120_000],
    ],
    [
      'is not by one that nobody saw silent',
      [
        [3, alert(null)],
        [5, alert(true)],
      ],
      null,
    ],
    [
      'is by one that fired anew',
      [
        [2.5, alert(true)],
        [3, alert(false)],
        [5, alert(true)],
      ],
      ['alert', 60_000],
    ],
    [
      'is not by what was before the fault',
      [
        [2, alert(false)],
        [3.5, alert(true)],
        [3.6, breach],
      ],
      null,
    ],
    [
      'is not by what was after the run',
      [
        [3, alert(false)],
        [11, alert(true)],
        [11, breach],
      ],
      null,
    ],
    ['is not by the end of a breach', [[5, { ...breach, edge: 'breach-ends' }]], null],
  ];
  for (const [name, more, expected] of cases) {
    it(name, () => {
      const { faults, detection } = dayOf(more);
      const found = faults[0]?.detected ?? null;
      assert.deepEqual(found && [found.by, found.afterMs], expected);
      assert.deepEqual([detection.of, detection.count, detection.meanMs], [1, expected ? 1 : 0, expected?.[1] ?? null]);
    });
  }

  it('is by a breach in the run’s journal, too', () => {
    const edge = {
      type: 'edge',
      edge: 'breach-begins',
      condition: 0,
      probe: 'error-rate',
      value: 1,
      evidence: 'e',
    } as const;
    const { faults } = dayOf([], { backAfter: 0.5, more: [[4.25, edge]] });
    assert.deepEqual(faults[0]?.detected, { by: 'breach', what: 'e', afterMs: 15_000 });
  });
});

describe('restoration', () => {
  it('is from the fault’s beginning and from its verified end', () => {
    const { faults, restoration } = dayOf([], { backAfter: 0.5 });
    // Verified absent 1.2 s after the release at minute 9; the run looks for the steady state from 6 s after it.
    assert.deepEqual([faults[0]?.fromBeginningMs, faults[0]?.fromEndMs], [5 * MINUTE_MS + 36_000, 30_000]);
    assert.deepEqual(restoration.fromEnd, { meanMs: 30_000, count: 1, of: 1 });
  });

  it('of what did not return has no time, and is counted', () => {
    const { faults, restoration, summary } = dayOf([], { backAfter: null });
    assert.deepEqual([faults[0]?.recovered, faults[0]?.fromEndMs, faults[0]?.fromBeginningMs], [false, null, null]);
    assert.deepEqual(restoration.fromEnd, { meanMs: null, count: 0, of: 1 });
    assert.match(summary.at(-1) ?? '', /the steady state is not known to have returned/);
  });

  it('of a fault that the system bore counts from its end alone', () => {
    const { faults, restoration } = dayOf([], { backAfter: 0.1, left: false });
    assert.equal(faults[0]?.left, false);
    assert.deepEqual([restoration.fromBeginning.of, restoration.fromEnd.count], [0, 1]);
    assert.equal(
      dayOf([[5, breach]], { backAfter: 0.1, left: false }).faults[0]?.left,
      true,
      'a breach is further out',
    );
  });
});

describe('gaps', () => {
  const words = (report: GameDayReport, kind: string): string[] =>
    report.gaps.filter((gap) => gap.kind === kind).map((gap) => gap.words);
  const borne = { backAfter: 0.1, left: false } as const;

  it('in monitoring: a breach in a scenario without an alert, once for each probe', () => {
    const twice = [
      [5, breach],
      [5.5, { ...breach, edge: 'breach-ends' }],
      [6, breach],
    ] as const;
    assert.deepEqual(words(dayOf([[3, alert(false)], ...twice], borne), 'monitoring'), [
      'orders 3/s is below 5/s, and no alert fired',
    ]);
    assert.deepEqual(words(dayOf([[3, alert(false)], ...twice, [11, alert(true)]], borne), 'monitoring'), []);
    assert.deepEqual(words(dayOf([[3, alert(true)], ...twice], borne), 'monitoring'), [
      'orders 3/s is below 5/s, and no alert fired',
    ]);
  });

  it('in monitoring: nobody looked is not the same as none', () => {
    for (const more of [[], [[3, alert(null)]]] as const)
      assert.deepEqual(words(dayOf([...more, [5, breach]], borne), 'monitoring'), [
        'orders 3/s is below 5/s, and nobody could tell whether an alert fired',
      ]);
  });

  it('in monitoring: between scenarios, until the next', () => {
    assert.equal(
      words(
        dayOf(
          [
            [3, alert(false)],
            [15, breach],
          ],
          borne,
        ),
        'monitoring',
      ).length,
      1,
    );
    assert.equal(
      words(
        dayOf(
          [
            [3, alert(false)],
            [15, breach],
            [16, alert(true)],
          ],
          borne,
        ),
        'monitoring',
      ).length,
      0,
    );
    assert.equal(
      words(
        dayOf(
          [
            [2.2, alert(false)],
            [2.5, breach],
            [4, alert(true)],
          ],
          borne,
        ),
        'monitoring',
      ).length,
      1,
    );
  });

  it('in monitoring: a steady state that was left, a reading that missed, and an alert that was asked for', () => {
    const missed = (criterion: number, verdict: 'missed' | 'unknown'): GameDayEntry => ({
      type: 'criterion',
      scenario: 0,
      criterion,
      verdict,
      evidence: 'so it was',
    });
    assert.deepEqual(words(dayOf([[3, alert(false)]]), 'monitoring'), [
      'orders was 9/s, expected within 10% of the baseline 21.4/s, and no alert fired',
    ]);
    assert.deepEqual(
      words(
        dayOf(
          [
            [3, alert(false)],
            [8, missed(1, 'missed')],
            [8, missed(2, 'missed')],
          ],
          borne,
        ),
        'monitoring',
      ),
      ['orders go on: so it was, and no alert fired', 'the pager rings: so it was'],
    );
    assert.deepEqual(words(dayOf([[8, missed(2, 'unknown')]], borne), 'monitoring'), [
      'the pager rings: nobody could tell: so it was',
    ]);
  });

  it('in runbooks: nothing came true, nobody judged, out of time, and what people wrote', () => {
    assert.deepEqual(words(dayOf([], borne), 'runbook'), [
      'nothing came true of what was expected: A replica is promoted within 30 s, and no order is lost.',
      'clear customer communication: nobody answered',
    ]);
    const said: GameDayEntry = { type: 'note', as: 'guest', by: 'ken', text: 'The play-book is of last year' };
    assert.ok(words(dayOf([[5, said]], borne), 'runbook').includes('ken: The play-book is of last year'));
    assert.deepEqual(words(reported(runningDay()), 'runbook'), [
      'grace: Orders fall. Nobody finds the runbook for a promotion by hand.',
    ]);
  });

  it('in automation: every step by hand, with its time', () => {
    assert.deepEqual(words(reported(mixedDay()), 'automation'), [
      'by hand: Revoke the deploy key of the shop; it took ken 4m30s',
      'by hand: Draw new database passwords; nobody said that it was done',
    ]);
  });
});

describe('the timeline', () => {
  it('has what the runs did among what the day did, and says in which scenario', () => {
    const { timeline } = reported(mixedDay());
    const lines = timeline.map(({ what, scenario }) => `${what} ${scenario}`);
    for (const line of [
      'fault on 0',
      'alert fires 0',
      'fault gone 1',
      'recovered 1',
      'paused null',
      'scenario timed-out 2',
    ])
      assert.ok(lines.includes(line), line);
    assert.ok(!lines.some((line) => line.startsWith('samples')));
  });
});
