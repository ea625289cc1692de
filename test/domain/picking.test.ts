/** What a picker chooses, and why: a pure function of what the journals say. */
import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import fc from 'fast-check';
import { ticksUntilAllFound } from '../../bench/pickers/simulation.ts';
import { WORLDS } from '../../bench/pickers/worlds.ts';
import { PICKERS } from '../../domain/picking.ts';
import type { Candidate, Choosing, PastRun } from '../../domain/picking.ts';
import { choose } from '../../domain/picking-choice.ts';

const EVERY_MS = 60_000;
const candidate = (experiment: string, more: Partial<Candidate> = {}): Candidate => ({
  experiment,
  documentHash: 'as ever',
  target: `target of ${experiment}`,
  fault: `fault of ${experiment}`,
  ...more,
});
const POOL = ['a', 'b', 'c', 'd'].map((name) => candidate(name));

/** A run of `experiment` that began so many ticks ago, and held. */
const ran = (experiment: string, ticksAgo: number, more: Partial<PastRun> = {}): PastRun => ({
  run: `${experiment} ${ticksAgo} ago`,
  experiment,
  atMs: -ticksAgo * EVERY_MS,
  deviated: false,
  aborted: false,
  documentHash: 'as ever',
  ...more,
});
const chosen = (more: Partial<Choosing>) =>
  choose({ pick: 'evidence', seed: 'any', pool: POOL, past: [], nowMs: 0, everyMs: EVERY_MS, ...more });
const first = (more: Partial<Choosing>): string | undefined => chosen(more).ranking[0]?.experiment;
/** How often each comes first, by 200 seeds. */
const often = (more: Partial<Choosing>): Readonly<Record<string, number>> => {
  const times: Record<string, number> = {};
  for (let i = 0; i < 200; i++) {
    const name = first({ ...more, seed: `seed ${i}` }) ?? 'nobody';
    times[name] = (times[name] ?? 0) + 1;
  }
  return times;
};

const HELD = POOL.map(({ experiment }, i) => ran(experiment, 8 - i));

for (const pick of PICKERS)
  describe(pick, () => {
    it('chooses the same again, and passes over whoever has deviated until that is acknowledged', () => {
      const run = fc.record({
        experiment: fc.constantFrom('a', 'b', 'c', 'd', 'of another pool'),
        run: fc.string(),
        atMs: fc.integer({ min: -1e9, max: 0 }),
        deviated: fc.constantFrom(true, false, null),
        aborted: fc.boolean(),
        acknowledged: fc.boolean(),
        documentHash: fc.constantFrom('as ever', 'another'),
      });
      fc.assert(
        fc.property(fc.array(run), fc.string(), (past, seed) => {
          const choice = chosen({ pick, seed, past });
          assert.deepEqual(choice, chosen({ pick, seed, past }));
          const waiting = new Set(choice.passedOver.map(({ experiment }) => experiment));
          const findings = POOL.filter(({ experiment }) =>
            past.some((one) => one.experiment === experiment && one.deviated && !one.acknowledged),
          );
          assert.deepEqual(
            [...waiting],
            findings.map(({ experiment }) => experiment),
          );
          assert.deepEqual(
            choice.ranking.map(({ experiment }) => experiment).toSorted(),
            POOL.flatMap(({ experiment }) => (waiting.has(experiment) ? [] : [experiment])),
          );
          assert.equal(choice.of, choice.ranking.length);
        }),
      );
    });

    it('takes nobody where all wait, and says for what', () => {
      const past = POOL.map(({ experiment }) => ran(experiment, 3, { deviated: true }));
      const { ranking, passedOver } = chosen({ pick, past });
      assert.deepEqual(ranking, []);
      assert.deepEqual(
        passedOver.map(({ finding }) => finding),
        past.map(({ run }) => run),
      );
    });

    it('keeps a bounded part of a large pool', () => {
      const pool = Array.from({ length: 100 }, (_, i) => candidate(`experiment-${i}`));
      const { ranking, of } = chosen({ pick, pool });
      assert.deepEqual([ranking.length, of], [20, 100]);
      assert.ok(JSON.stringify(ranking).length < 4_000);
    });
  });

describe('evidence', () => {
  it('takes what nobody has tried first, whatever the others have found', () => {
    const past = [...HELD.slice(0, 3), ran('a', 2, { deviated: true, acknowledged: true })];
    assert.deepEqual(often({ past }), { d: 200 });
  });

  it('takes each of those of one name by chance', () => {
    const pool = [candidate('a', { fault: 'one' }), candidate('a', { fault: 'other' })];
    const firsts = Array.from({ length: 40 }, (_, i) => chosen({ pool, seed: `seed ${i}` }).ranking[0]?.pooled);
    assert.deepEqual(new Set(firsts), new Set([0, 1]));
  });

  it('does not let what is never begun starve the others', () => {
    const past = [...HELD, ...[4, 3, 2, 1].map((ago) => ran('a', ago, { deviated: null }))];
    assert.equal(often({ past })['a'], undefined);
  });

  it('takes each in its turn where nothing is known', () => {
    assert.ok((often({ past: HELD })['a'] ?? 0) > 150, JSON.stringify(often({ past: HELD })));
  });

  it('looks where something was found: at the same target, and at the same fault', () => {
    const shares = (key: 'target' | 'fault'): readonly Candidate[] => [
      ...POOL.slice(0, 2),
      candidate('c'),
      candidate('d', { [key]: POOL[0]?.[key] ?? '' }),
    ];
    const past = [ran('a', 20, { deviated: true, acknowledged: true }), ran('b', 19)];
    for (const key of ['target', 'fault'] as const) {
      const { c = 0, d = 0 } = often({ pool: shares(key), past });
      assert.equal(c + d, 200);
      assert.ok(d > 130, `${key}: ${d} of 200`);
    }
  });

  it('takes sooner what has changed', () => {
    const pool = POOL.map((one) => (one.experiment === 'c' ? { ...one, documentHash: 'another' } : one));
    assert.ok((often({ pool, past: HELD })['c'] ?? 0) > 150);
  });

  it('takes sooner what was deployed since its last test, and says so', () => {
    const deployed = (deployedAtMs: number | null) =>
      POOL.map((one) => (one.experiment === 'c' ? { ...one, deployedAtMs } : { ...one, deployedAtMs: -1e9 }));
    const tested = HELD.find(({ experiment }) => experiment === 'c')?.atMs ?? assert.fail();
    assert.ok((often({ pool: deployed(tested + 1), past: HELD })['c'] ?? 0) > 150);
    const said = (deployedAtMs: number | null) =>
      chosen({ pool: deployed(deployedAtMs), past: HELD }).ranking.find(({ experiment }) => experiment === 'c')
        ?.deployed;
    assert.deepEqual([said(tested + 1), said(tested), said(null)], ['since-tested', undefined, 'unknown']);
    // What nobody could say changes nothing.
    const ranking = (more: Partial<Choosing>) => chosen({ past: HELD, ...more }).ranking.map(({ score }) => score);
    assert.deepEqual(ranking({ pool: deployed(null) }), ranking({}));
  });

  it('learns whether what is deployed breaks', () => {
    const pool = POOL.map((one) => ({ ...one, deployedAtMs: -1 }));
    const change = (deviated: boolean) => {
      const past = [
        ...HELD,
        ...HELD.map((run) => ({ ...run, deviated, acknowledged: true, afterDeployment: true, atMs: run.atMs + 5 })),
      ];
      return chosen({ pool, past }).ranking[0]?.reasons['change'] ?? 0;
    };
    assert.ok(change(true) > 2 * change(false), `${change(true)} and ${change(false)}`);
  });

  it('leaves alone for a while what was disrupted just now', () => {
    const shared = POOL.map((one) => ({ ...one, target: one.experiment < 'c' ? 'one' : 'other' }));
    const { ranking } = chosen({ pool: shared, past: [...HELD, ran('d', 0, { deviated: null, aborted: true })] });
    const disruption = Object.fromEntries(
      ranking.map(({ experiment, reasons }) => [experiment, reasons['disruption']]),
    );
    assert.equal(disruption['a'], 0);
    assert.ok((disruption['c'] ?? 0) > 0);
  });

  it('scores by the reasons that it gives', () => {
    for (const { score = 0, reasons } of chosen({ past: HELD }).ranking) {
      const { risk = 0, value = 0, staleness = 0, change = 0, disruption = 0 } = reasons;
      const made = risk * value * staleness * change - disruption;
      assert.ok(Math.abs(score - made) <= 0.001 * Math.max(1, Math.abs(made)));
    }
  });
});

test('round-robin takes whoever waits longest, and the new ones first', () => {
  assert.equal(first({ pick: 'round-robin', past: HELD }), 'a');
  assert.equal(first({ pick: 'round-robin', past: HELD.slice(1) }), 'a');
  assert.equal(first({ pick: 'round-robin', past: [...HELD, ran('a', 0)] }), 'b');
});

test('chance takes each as often as the others, also as the second where the first may not begin', () => {
  for (const times of Object.values(often({ pick: 'random', past: HELD }))) assert.ok(times > 25 && times < 75);
  const seconds: Record<string, number> = {};
  for (let i = 0; i < 200; i++) {
    const [one, second] = chosen({ pick: 'random', seed: `seed ${i}` }).ranking;
    if (one?.experiment === 'd' && second) seconds[second.experiment] = (seconds[second.experiment] ?? 0) + 1;
  }
  for (const name of ['a', 'b', 'c']) assert.ok((seconds[name] ?? 0) > 5, JSON.stringify(seconds));
});

test('synthetic systems are the same again, and every picker finds all', () => {
  for (const { systemOf } of WORLDS) {
    assert.deepEqual(systemOf('a'), systemOf('a'));
    const system = systemOf('b');
    for (const pick of PICKERS) assert.ok(ticksUntilAllFound(system, pick) < 40 * system.suspects.length);
  }
});
