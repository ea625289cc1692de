/** The summary: the same journal, cut anywhere, still says what it knows and no more. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Journal } from '../../domain/journal.ts';
import { summarise } from '../../domain/summary.ts';
import { abortedRun, heldRun, hostileRun, hugeRun, refusedRun, stuckRun } from './journals.ts';
import { EXPERIMENT, Story } from './story.ts';

const ALL: Readonly<Record<string, Journal>> = {
  held: heldRun(),
  aborted: abortedRun(),
  refused: refusedRun(),
  stuck: stuckRun(),
  huge: hugeRun(),
  hostile: hostileRun(),
};

describe('the summary of a run', () => {
  it('that held', () => {
    const summary = summarise(heldRun());
    assert.deepEqual(
      [summary.status, summary.deviated, summary.open, summary.phase, summary.reached, summary.radius],
      ['completed', false, false, 'closed', 60, 0.5],
    );
    assert.equal(
      summary.verdict,
      'The system held with the fault on 60 of 120 targets (50%). Every fault was reverted and its absence verified; the steady state was back after 18s.',
    );
    assert.equal(summary.stages.length, 5);
    assert.ok(summary.stages.every(({ revert, heldAtMs }) => revert !== null && heldAtMs !== null));
    assert.deepEqual([summary.recovery?.recovered, summary.recovery?.tookMs], [true, 18_000]);
    assert.equal(summary.rollback?.toMs, summary.recovery?.fromMs);
    assert.deepEqual(
      [summary.steadyState.before?.held, summary.steadyState.during?.held, summary.steadyState.after?.held],
      [true, true, true],
    );
    assert.equal((summary.endedAtMs ?? 0) - summary.startedAtMs, 3_600_000);
  });

  it('is the same, whomever people heard of it from, and however late', () => {
    const { events, ...journal } = abortedRun();
    const abort = events.find(({ type }) => type === 'abort');
    const late = { seq: abort?.seq ?? 0, atMs: (events.at(-1)?.atMs ?? 0) + 86_400_000 };
    const told = { ...late, type: 'told', to: 'ops', delivered: true } as const;
    assert.deepEqual(summarise({ ...journal, events: [...events, told] }), summarise({ ...journal, events }));
  });

  it('that was aborted by a stop condition', () => {
    const summary = summarise(abortedRun());
    assert.deepEqual([summary.status, summary.deviated], ['aborted', true]);
    assert.equal(
      summary.verdict,
      'The system deviated with the fault on 30 of 120 targets (25%): error-rate 7.1% is above 5%, sustained for 60 s. Every fault was reverted and its absence verified; the steady state was back after 1m25s.',
    );
    assert.deepEqual(
      summary.timers.map(({ ended, fromMs, toMs }) => [ended, (toMs ?? 0) - fromMs]),
      [
        ['cancelled', 26_400],
        ['fired', 60_000],
      ],
    );
    assert.deepEqual(
      summary.edges.map(({ edge }) => edge),
      ['breach-begins', 'breach-ends', 'breach-begins'],
    );
    assert.equal(summary.aborts.at(-1)?.stage, 3);
    assert.deepEqual(
      [summary.stages[3]?.injected, summary.stages[3]?.targets.length, summary.stages[3]?.problems.length],
      [17, 18, 1],
    );
    assert.equal(summary.stages[1]?.revert?.by, 'revert-only');
    assert.equal(summary.blind.length, 1);
  });

  it('that was refused', () => {
    const summary = summarise(refusedRun());
    assert.deepEqual(
      [summary.status, summary.deviated, summary.reached, summary.stages.length],
      ['refused', null, 0, 0],
    );
    assert.equal(
      summary.verdict,
      'Refused, and nothing was touched: probes: latency-p99 does not answer: connection refused.',
    );
    assert.equal(summary.rollback, null);
  });

  it('that is stuck, until its revert is verified', () => {
    const journal = stuckRun();
    const summary = summarise(journal);
    assert.deepEqual([summary.open, summary.phase, summary.status, summary.endedAtMs], [true, 'stuck', null, null]);
    assert.equal(
      summary.verdict,
      'A person is needed, the fault may still be on: payments-0 does not answer: permission denied.',
    );
    assert.deepEqual([summary.stages[0]?.stuck !== null, summary.stages[1]?.stuck], [true, null]);
    const last = journal.events.at(-1);
    const stamp = { seq: (last?.seq ?? 0) + 1, atMs: (last?.atMs ?? 0) + 1 };
    const freed = summarise({
      ...journal,
      events: [
        ...journal.events,
        { ...stamp, type: 'reverted', stage: 0, lease: 'l', by: 'lease', targets: 1, tookMs: 1 },
        { ...stamp, seq: stamp.seq + 1, type: 'phase', phase: 'recovering' },
      ],
    });
    assert.equal(freed.stages[0]?.stuck, null);
    assert.match(freed.verdict, /^This run is not over: it was last seen recovering/);
  });

  it('that a person stopped', () => {
    const summary = summarise(
      new Story('r')
        .begin()
        .widen(1, [{ size: '1', reached: 1 }], 1)
        .at(2, { type: 'abort', cause: 'person', mode: 'graceful', evidence: 'lunch.', by: 'grace', stage: 0 })
        .at(3, { type: 'closed', status: 'aborted', deviated: null, reason: 'lunch.' })
        .journal(),
    );
    assert.equal(
      summary.verdict,
      'Stopped by grace with the fault on 1 of 120 targets (0.833%), before it could be judged: lunch. Not every revert is confirmed here.',
    );
  });
});

describe('every part of a journal', () => {
  for (const [name, journal] of Object.entries(ALL)) {
    it(`${name}: cut after any event it is open, ends no stretch it did not see end, and does not change its argument`, () => {
      const copy = structuredClone(journal);
      for (let length = 0; length <= journal.events.length; length++) {
        const events = journal.events.slice(0, length);
        const summary = summarise({ ...journal, events });
        const closed = events.some(({ type }) => type === 'closed');
        assert.equal(summary.open, !closed);
        assert.equal(summary.status === null, !closed);
        assert.ok(summary.verdict.length > 0);
        assert.ok(
          summary.phases.every(({ fromMs, toMs }, i) =>
            toMs === null ? i === summary.phases.length - 1 && !closed : toMs >= fromMs,
          ),
        );
        assert.equal(summary.reverts.length, events.filter(({ type }) => type === 'reverted').length);
      }
      assert.deepEqual(journal, copy);
    });
  }

  it('that lost its first events still has its stages', () => {
    const journal = abortedRun();
    const summary = summarise({
      ...journal,
      events: journal.events.filter(({ type }) => type === 'reverted' || type === 'closed'),
    });
    assert.deepEqual([summary.started, summary.stages.length, summary.status], [null, 4, 'aborted']);
  });

  it('has its samples merged by probe in the order of time', () => {
    const { samples } = summarise(abortedRun());
    assert.deepEqual(Object.keys(samples).sort(), EXPERIMENT.steadyState.map(({ probe }) => probe).sort());
    for (const { points } of Object.values(samples)) {
      assert.ok(points.length > 200);
      assert.ok(points.every(([atMs], i) => i === 0 || atMs >= (points[i - 1]?.[0] ?? 0)));
    }
    assert.ok(samples['db-connections']?.points.some(([, value]) => value === null));
  });
});
