import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { NEW_RUN, transition, verdict } from '../../domain/run.ts';
import type { Abort, RunEvent, RunState } from '../../domain/run.ts';

const abort = (cause: Abort['cause'], mode: Abort['mode'] = 'immediate'): RunEvent => ({
  type: 'abort',
  abort: { cause, mode, evidence: cause },
});
const after = (...events: RunEvent[]): RunState => events.reduce(transition, NEW_RUN);
const widened: RunEvent[] = [{ type: 'stage-opens', stage: 0 }, { type: 'stage-holds' }];
const ended: RunEvent[] = [{ type: 'rolls-back' }, { type: 'reverted' }];
const recovery = (recovered: boolean): RunEvent[] => [{ type: 'recovery-over', recovered }, { type: 'closes' }];

test('a run that held and recovered is completed and did not deviate', () => {
  const run = after(...widened, ...ended, ...recovery(true));
  assert.equal(run.phase, 'closed');
  assert.deepEqual(verdict(run), {
    status: 'completed',
    deviated: false,
    reason: 'the steady state held before and after the fault',
  });
});

test('the endings, by cause and recovery', () => {
  const cases: [Abort['cause'] | 'none', boolean, string, boolean | null][] = [
    ['none', false, 'completed', true],
    ['stop-condition', true, 'aborted', true],
    ['person', true, 'aborted', null],
    ['person', false, 'aborted', true],
    ['cancelled', true, 'aborted', null],
    ['emergency-stop', true, 'aborted', null],
    ['skipped', true, 'aborted', null],
    ['admission', false, 'aborted', true],
    ['no-data', true, 'inconclusive', null],
    ['blind', true, 'inconclusive', null],
    ['unstable', true, 'inconclusive', null],
    ['lease-lost', true, 'inconclusive', null],
    ['fault-lapsed', true, 'inconclusive', null],
    ['reset', false, 'inconclusive', true],
  ];
  for (const [cause, recovered, status, deviated] of cases) {
    const aborts = cause === 'none' ? [] : [abort(cause)];
    const judged = verdict(after(...widened, ...aborts, ...ended, ...recovery(recovered)));
    assert.deepEqual([judged.status, judged.deviated], [status, deviated], cause);
  }
});

test('a refusal touches nothing and closes', () => {
  const run = after(
    { type: 'refused', check: 'free', found: 'held by another' },
    { type: 'stage-opens', stage: 0 },
    { type: 'closes' },
  );
  assert.equal(run.phase, 'closed');
  assert.equal(run.stage, -1);
  assert.equal(verdict(run).status, 'refused');
});

test('a stop or a guard before the first stage is a refusal', () => {
  for (const cause of ['emergency-stop', 'admission'] as const) {
    const run = after(abort(cause), { type: 'closes' });
    assert.deepEqual([verdict(run).status, run.phase], ['refused', 'closed']);
  }
  assert.equal(verdict(after(abort('person'), { type: 'closes' })).status, 'aborted');
});

test('the first abort wins, and an immediate one hurries a graceful one even while it rolls back', () => {
  const graceful = after(...widened, abort('lease-lost', 'graceful'), abort('person', 'graceful'));
  assert.equal(graceful.abort?.cause, 'lease-lost');
  const hurried = transition(transition(graceful, { type: 'rolls-back' }), abort('cancelled'));
  assert.deepEqual([hurried.abort?.mode, hurried.abort?.cause], ['immediate', 'lease-lost']);
  assert.equal(transition(hurried, abort('person')), hurried);
});

test('a deviation is neither forgotten for a later abort nor missed in a graceful rollback', () => {
  const rolling = (cause: Abort['cause']): RunState =>
    transition(after(...widened, abort(cause, 'graceful')), { type: 'rolls-back' });
  for (const later of ['person', 'fault-lapsed', 'lease-lost', 'blind', 'no-data'] as const) {
    assert.equal(verdict(transition(rolling('stop-condition'), abort(later))).deviated, true, later);
  }
  for (const mode of ['graceful', 'immediate'] as const) {
    const found = transition(rolling('person'), abort('stop-condition', mode));
    assert.deepEqual([found.abort?.mode, verdict(found).deviated], [mode, true]);
  }
});

test('a steady state that was left under the fault is no deviation, and is said', () => {
  const run = after(
    ...widened,
    { type: 'rolls-back' },
    { type: 'reverted' },
    { type: 'steady-state-left', how: 'latency was 2s, expected at most 1s' },
    { type: 'recovery-over', recovered: true },
  );
  const { status, deviated, reason } = verdict(run);
  assert.deepEqual([status, deviated], ['completed', false]);
  assert.match(reason, /while it was on, latency was 2s, expected at most 1s/);
});

test('after the last stage it is too late to be aborted, and not too late to lose the verdict', () => {
  const late = (cause: Abort['cause']) =>
    verdict(after(...widened, { type: 'rolls-back' }, abort(cause), { type: 'reverted' }, ...recovery(true)));
  for (const cause of ['person', 'cancelled', 'stop-condition'] as const) assert.equal(late(cause).status, 'completed');
  for (const cause of ['lease-lost', 'blind', 'error', 'reset'] as const)
    assert.deepEqual(late(cause), { status: 'inconclusive', deviated: null, reason: cause });
  const seenTooLate = after(...widened, ...ended, abort('blind'), ...recovery(false));
  assert.deepEqual([verdict(seenTooLate).status, verdict(seenTooLate).deviated], ['inconclusive', true]);
});

test('a run of which nobody knows whether the steady state returned has not held', () => {
  assert.deepEqual(verdict(after(...widened, ...ended, { type: 'closes' })), {
    status: 'inconclusive',
    deviated: null,
    reason: 'nobody looked whether the steady state returned',
  });
});

test('stuck is left only by a verified revert', () => {
  const stuck = after(...widened, { type: 'rolls-back' }, { type: 'revert-stuck' });
  for (const event of [
    { type: 'closes' },
    { type: 'stage-opens', stage: 1 },
    { type: 'rolls-back' },
    abort('person'),
  ] as RunEvent[]) {
    assert.equal(transition(stuck, event).phase, 'stuck');
  }
  assert.equal(transition(stuck, { type: 'reverted' }).phase, 'recovering');
});

const anyEvent: fc.Arbitrary<RunEvent> = fc.oneof(
  fc.constantFrom<RunEvent>(
    { type: 'stage-holds' },
    { type: 'rolls-back' },
    { type: 'revert-stuck' },
    { type: 'reverted' },
    { type: 'closes' },
  ),
  fc.nat(5).map((stage): RunEvent => ({ type: 'stage-opens', stage })),
  fc.constantFrom('immediate', 'graceful').map((mode) => abort('person', mode as Abort['mode'])),
  fc.boolean().map((recovered): RunEvent => ({ type: 'recovery-over', recovered })),
  fc.constant<RunEvent>({ type: 'refused', check: 'c', found: 'f' }),
);

test('in any order of events: no widening after an abort or a rollback, no close before the revert, closed is final', () => {
  fc.assert(
    fc.property(fc.array(anyEvent, { maxLength: 30 }), (events) => {
      let run = NEW_RUN;
      let opened = false;
      let reverted = false;
      for (const event of events) {
        const next = transition(run, event);
        if (next.stage > run.stage) {
          assert.equal(run.abort, undefined);
          assert.ok(run.phase === 'pre-flight' || run.phase === 'holding');
          opened = true;
        }
        if (event.type === 'reverted' && next.phase === 'recovering') reverted = true;
        if (next.phase === 'closed' && opened) assert.ok(reverted);
        if (run.phase === 'closed') assert.equal(next, run);
        run = next;
      }
    }),
  );
});
