import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { StageSize } from '../../domain/experiment.ts';
import { planStages, shownStages, shuffle, topOf } from '../../domain/ladder.ts';
import { stageWords } from '../../report/words.ts';

const share = (percent: number): StageSize => ({ kind: 'share', share: percent / 100, text: `${percent}%` });
const count = (n: number): StageSize => ({ kind: 'count', count: n, text: `${n}` });

test('the radius is a ceiling: shares round down, and a stage that adds nobody is skipped with its reason', () => {
  const stages = planStages({ stages: [1, 5, 10, 25, 50].map(share) }, 10);
  assert.deepEqual(
    stages.map(({ from, to }) => [from, to]),
    [
      [0, 0],
      [0, 0],
      [0, 1],
      [1, 2],
      [2, 5],
    ],
  );
  assert.match(stages[0]?.skipped ?? '', /less than one target/);
  assert.equal(stages[2]?.skipped, undefined);
});

test('10 % of three is none, and a ladder that reaches nobody has no top', () => {
  assert.equal(topOf(planStages({ stages: [share(10)] }, 3)), 0);
  assert.equal(topOf(planStages({ stages: [share(50)] }, 0)), 0);
});

test('counts make a ladder for small systems, and max bounds every stage', () => {
  const stages = planStages({ stages: [count(1), share(50), count(40)], max: 4 }, 10);
  assert.deepEqual(
    stages.map(({ to }) => to),
    [1, 4, 4],
  );
  assert.match(stages[2]?.skipped ?? '', /adds nobody/);
});

test('exact shares stay exact in binary', () => {
  for (const [percent, of, expected] of [
    [7, 100, 7],
    [29, 100, 29],
    [57, 100, 57],
    [58, 100, 58],
  ] as const) {
    assert.equal(topOf(planStages({ stages: [share(percent)] }, of)), expected);
  }
});

test('stages never shrink, never exceed what was asked, and never exceed the candidates', () => {
  const sizes = fc.array(
    fc.oneof(fc.integer({ min: 1, max: 100 }).map(share), fc.integer({ min: 1, max: 50 }).map(count)),
    {
      minLength: 1,
      maxLength: 20,
    },
  );
  fc.assert(
    fc.property(
      sizes,
      fc.nat(300),
      fc.option(fc.integer({ min: 1, max: 100 }), { nil: undefined }),
      (stages, candidates, max) => {
        let reached = 0;
        for (const [i, planned] of planStages(max === undefined ? { stages } : { stages, max }, candidates).entries()) {
          const size = stages[i] as StageSize;
          const asked = size.kind === 'count' ? size.count : (size.share * candidates * 100) / 100 + 1e-6;
          assert.equal(planned.from, reached);
          assert.ok(planned.to >= reached && planned.to <= candidates && planned.to <= (max ?? candidates));
          if (planned.to > reached) assert.ok(planned.to <= asked);
          assert.equal(planned.skipped === undefined, planned.to > reached);
          reached = planned.to;
        }
      },
    ),
  );
});

test('a seed fixes the order, another seed changes it, and nobody is lost or doubled', () => {
  const candidates = Array.from({ length: 200 }, (_, i) => `target-${i}`);
  assert.deepEqual(shuffle(candidates, 'a'), shuffle(candidates, 'a'));
  assert.notDeepEqual(shuffle(candidates, 'a'), shuffle(candidates, 'b'));
  assert.deepEqual(shuffle(candidates, 'a').toSorted(), candidates.toSorted());
});

test('over many seeds every candidate comes first about equally often', () => {
  const first = new Map<string, number>();
  const trials = 4_000;
  for (let seed = 0; seed < trials; seed++) {
    const [winner = ''] = shuffle(['a', 'b', 'c', 'd'], `run-${seed}`);
    first.set(winner, (first.get(winner) ?? 0) + 1);
  }
  // Chi-square with 3 degrees of freedom: 16.3 is exceeded by chance once in a thousand; the seeds are fixed.
  const expected = trials / 4;
  const chiSquare = ['a', 'b', 'c', 'd'].reduce(
    (sum, name) => sum + ((first.get(name) ?? 0) - expected) ** 2 / expected,
    0,
  );
  assert.ok(chiSquare < 16.3, `chi-square ${chiSquare}`);
});

test('a stage is shown with its first targets, and how many more there are', () => {
  const targets = Array.from({ length: 12 }, (_, i) => `t${i}`);
  const stages = planStages({ stages: [share(1), count(2), count(12)] }, 12);
  const [none, two, all] = shownStages(stages, targets);
  assert.equal(stageWords(none ?? assert.fail()), 'skipped: 1% of 12 candidates is less than one target');
  assert.equal(stageWords(two ?? assert.fail()), '+2 = 2: t0, t1');
  assert.deepEqual(all?.names.length, 8);
  assert.equal(stageWords(all), '+10 = 12: t2, t3, t4, t5, t6, t7, t8, t9 and 2 more');
});
