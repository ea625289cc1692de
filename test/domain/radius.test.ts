/** How far a tick goes: never beyond the cadence, nor the experiment, and by the past alone. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { pausing } from '../../bench/torture/experiment.ts';
import type { BlastRadius, StageSize } from '../../domain/experiment.ts';
import { grows } from '../../domain/experiment-bounds.ts';
import { planStages, topOf } from '../../domain/ladder.ts';
import type { Candidate, PastRun } from '../../domain/picking.ts';
import { choose } from '../../domain/picking-choice.ts';
import { candidatesOf, taken } from '../../domain/program.ts';
import type { Cadence } from '../../domain/program.ts';
import { cutTo, stepOf, stepsOf } from '../../domain/radius.ts';
import type { RadiusRange } from '../../domain/radius.ts';
import { percent } from '../../domain/units.ts';

const share = (ratio: number): StageSize => ({ kind: 'share', share: ratio, text: percent(ratio) });
const count = (number: number): StageSize => ({ kind: 'count', count: number, text: `${number}` });
const amountOf = (size: StageSize): number => (size.kind === 'share' ? size.share : size.count);

const shares = fc.integer({ min: 1, max: 1_000 }).map((thousandths) => share(thousandths / 1_000));
const counts = fc.integer({ min: 1, max: 200 }).map(count);
const byAmount = (a: StageSize, b: StageSize): number => amountOf(a) - amountOf(b);
const distinct = (sizes: readonly StageSize[]): StageSize[] =>
  sizes.toSorted(byAmount).filter((size, i, all) => i === 0 || amountOf(size) > amountOf(all[i - 1] ?? size));
const of = (sizes: fc.Arbitrary<StageSize>, most: number) => fc.array(sizes, { maxLength: most }).map(distinct);
/** Shares, numbers, or both, of which there is at least one stage. */
const ladders = fc
  .tuple(of(counts, 8), of(shares, 8), shares, fc.option(fc.integer({ min: 1, max: 300 }), { nil: undefined }))
  .map(([some, more, otherwise, max]): BlastRadius => {
    const stages = some.length + more.length === 0 ? [otherwise] : [...some, ...more];
    return { stages, holdMs: 1_000, ...(max === undefined ? {} : { max }) };
  });
const ranges = fc.oneof(fc.tuple(shares, shares), fc.tuple(counts, counts)).map((pair): RadiusRange => {
  const [from = pair[0], to = pair[1]] = pair.toSorted(byAmount);
  return { from, to };
});
const pasts = fc.array(
  fc.record({
    run: fc.string(),
    experiment: fc.constantFrom('it', 'other'),
    atMs: fc.integer(),
    deviated: fc.constantFrom(true, false, null),
    aborted: fc.boolean(),
    documentHash: fc.constantFrom('as ever', 'another'),
    askedShare: fc.double({ min: 0, max: 1, noNaN: true }),
    reached: fc.integer({ min: 0, max: 300 }),
  }),
);
const candidate = (radii: readonly StageSize[]): Candidate => ({
  experiment: 'it',
  documentHash: 'as ever',
  target: 'any',
  fault: 'any',
  radii,
});
const reach = (radius: BlastRadius, candidates: number): number => topOf(planStages(radius, candidates));

describe('the steps of a radius', () => {
  it('rise from the least to the most of the cadence, and no farther than the experiment goes', () => {
    fc.assert(
      fc.property(ranges, ladders, (range, ladder) => {
        const steps = stepsOf(range, ladder);
        const own = ladder.stages.filter(({ kind }) => kind === range.to.kind).map(amountOf);
        const most = Math.min(amountOf(range.to), ...(own.length === 0 ? [] : [Math.max(...own)]));
        assert.equal(amountOf(steps.at(-1) ?? assert.fail()), most);
        assert.equal(amountOf(steps[0] ?? assert.fail()), Math.min(amountOf(range.from), most));
        assert.ok(steps.length <= 20 && grows(steps));
        for (const step of steps) assert.equal(step.kind, range.from.kind);
      }),
    );
  });

  it('are as people would write them', () => {
    const texts = (range: RadiusRange) => stepsOf(range, { stages: [share(0.5)] }).map(({ text }) => text);
    assert.deepEqual(texts({ from: share(0.01), to: share(0.05) }), ['1%', '2%', '4%', '5%']);
    assert.deepEqual(texts({ from: share(0.1), to: share(0.1) }), ['10%']);
    assert.deepEqual(texts({ from: count(1), to: count(10) }), ['1', '2', '4', '8', '10']);
  });
});

describe('a ladder that is cut', () => {
  it('never reaches more than it would, nor more than the radius, however many candidates there are', () => {
    fc.assert(
      fc.property(ranges, ladders, pasts, fc.integer({ min: 0, max: 2_000 }), (range, ladder, past, candidates) => {
        const { size } = stepOf(candidate(stepsOf(range, ladder)), past) ?? assert.fail();
        const cut = cutTo(ladder, size);
        const most = range.to.kind === 'share' ? Math.floor(range.to.share * candidates + 1e-9) : range.to.count;
        assert.ok(reach(cut, candidates) <= reach(ladder, candidates));
        assert.ok(reach(cut, candidates) <= most);
        assert.ok(cut.stages.length > 0 && cut.stages.length <= ladder.stages.length && grows(cut.stages));
        assert.ok((cut.max ?? Infinity) <= (ladder.max ?? Infinity));
        assert.equal(cut.holdMs, ladder.holdMs);
      }),
      { numRuns: 500 },
    );
  });

  it('goes there in its own stages', () => {
    const ladder: BlastRadius = { stages: [share(0.01), share(0.05), share(0.25)], holdMs: 1 };
    const cut = (size: StageSize, of = ladder) => cutTo(of, size).stages.map(({ text }) => text);
    assert.deepEqual(cut(share(0.01)), ['1%']);
    assert.deepEqual(cut(share(0.02)), ['1%', '2%']);
    assert.deepEqual(cut(share(0.05)), ['1%', '5%']);
    assert.deepEqual(cut(share(0.5)), ['1%', '5%', '25%']);
    assert.deepEqual(cutTo(ladder, count(3)), { ...ladder, max: 3 });
    assert.deepEqual(cutTo({ stages: [count(1), count(4)], holdMs: 1 }, share(0.1)), {
      stages: [share(0.1)],
      holdMs: 1,
      max: 4,
    });
  });
});

describe('the step that an experiment has come to', () => {
  const RADII = [share(0.01), share(0.02), share(0.04), share(0.05)];
  const ran = (more: Partial<PastRun> = {}): PastRun => ({
    run: 'it-1',
    experiment: 'it',
    atMs: 0,
    deviated: false,
    aborted: false,
    documentHash: 'as ever',
    askedShare: 1,
    reached: 1_000,
    ...more,
  });
  const step = (...past: readonly PastRun[]) => stepOf(candidate(RADII), past)?.step;

  it('is one wider after a run that held at it, one narrower after one that failed, and never outside', () => {
    fc.assert(
      fc.property(ranges, ladders, pasts, (range, ladder, past) => {
        const radii = stepsOf(range, ladder);
        const at = (more: readonly PastRun[]): number => stepOf(candidate(radii), more)?.step ?? assert.fail();
        const before = at(past);
        assert.ok(before >= 1 && before <= radii.length);
        assert.equal(at([...past, ran()]), Math.min(radii.length, before + 1));
        for (const failure of [
          { deviated: true },
          { deviated: null, aborted: true },
          { deviated: true, aborted: true },
        ])
          assert.equal(at([...past, ran(failure)]), Math.max(1, before - 1));
        assert.deepEqual(
          stepOf(candidate(radii), past),
          stepOf(
            candidate(radii),
            past.filter(({ experiment }) => experiment === 'it'),
          ),
        );
      }),
    );
  });

  it('is the least where nobody has tried it, and says who led where it is', () => {
    assert.deepEqual(stepOf(candidate(RADII), []), { size: RADII[0], step: 1, of: 4 });
    const past = [ran({ run: 'first', askedShare: 0.01 }), ran({ run: 'second', askedShare: 0.02 })];
    const second = { run: 'second', held: true };
    assert.deepEqual(stepOf(candidate(RADII), past), { size: RADII[2], step: 3, of: 4, since: second });
    const third = { run: 'third', held: false };
    assert.deepEqual(stepOf(candidate(RADII), [...past, ran({ run: 'third', deviated: true })]), {
      size: RADII[1],
      step: 2,
      of: 4,
      since: third,
    });
  });

  it('is not moved by what says nothing of it', () => {
    const at2 = [ran({ askedShare: 0.01 })];
    assert.equal(step(...at2), 2);
    for (const nothing of [
      { deviated: null },
      { documentHash: 'another' },
      { askedShare: 0.01 },
      { experiment: 'other' },
    ])
      assert.equal(step(...at2, ran(nothing)), 2, JSON.stringify(nothing));
    const { askedShare: _unknown, reached: _too, ...old } = ran();
    assert.equal(step(...at2, old), 2, 'a journal of before does not say how far it went');
    const { documentHash: _hash, ...older } = ran();
    assert.equal(step(...at2, older), 2);
  });

  it('goes by how many were under fault where a cadence counts them', () => {
    const counted = (reached: number) =>
      stepOf(candidate([count(1), count(2), count(4)]), [ran({ reached: 1 }), ran({ reached })])?.step;
    assert.equal(counted(1), 2);
    assert.equal(counted(2), 3);
  });
});

describe('a tick', () => {
  const experiment = pausing({ fault: 'noop/noop', group: 'any', seed: 'any', ttlMs: 5_000 });
  const wide = {
    ...experiment,
    name: 'it',
    blastRadius: { ...experiment.blastRadius, stages: [share(0.1), share(0.5)] },
  };
  const cadence: Pick<Cadence, 'pool' | 'radius'> = {
    pool: [{ experiment: wide, documentHash: 'as ever', draw: {} }],
    radius: { from: share(0.1), to: share(0.4) },
  };
  const choosing = (past: readonly PastRun[]) =>
    choose({ pick: 'evidence', seed: 'any', pool: candidatesOf(cadence), past, nowMs: 0, everyMs: 1_000 });

  it('does as much of its experiment as the choice says, and of an old choice the least', () => {
    const past = [ran({ askedShare: 0.1 })];
    const choice = choosing(past);
    const stages = (of: typeof choice) => taken(cadence, of)?.experiment.blastRadius.stages.map(({ text }) => text);
    assert.deepEqual(stages(choice), ['10%', '20%']);
    assert.equal(choice.ranking[0]?.radius?.since?.run, past[0]?.run);
    const old = { ...choice, ranking: choice.ranking.map(({ radius: _radius, ...ranked }) => ranked) };
    assert.deepEqual(stages(old), ['10%']);
    const { radius: _none, ...unlimited } = cadence;
    assert.deepEqual(taken(unlimited, choice)?.experiment.blastRadius, wide.blastRadius);
  });

  function ran(more: Partial<PastRun>): PastRun {
    return {
      run: 'it-1',
      experiment: 'it',
      atMs: 0,
      deviated: false,
      aborted: false,
      documentHash: 'as ever',
      ...more,
    };
  }
});
