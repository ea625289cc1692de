/** The budget's rule: never two holders of one target, never more than allowed, in order, and nobody forgotten. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  answersTo,
  answerTo,
  inTheWay,
  NO_GRANTS,
  release,
  take as takeAll,
  withdraw,
} from '../../domain/blast-radius.ts';
import type { Ask, BudgetLimits } from '../../domain/ask.ts';
import type { Budget, BudgetAnswer } from '../../domain/blast-radius.ts';
import { targetKey } from '../../domain/target-key.ts';

const MEMBERS = 10;

function ask(run: string, keys: readonly number[], more: Partial<Ask> = {}): Ask {
  return {
    run,
    execution: `${run}-1`,
    stage: 0,
    services: [{ service: 'payments', members: MEMBERS, keys: keys.map((key) => `t${key}`) }],
    limits: {},
    waits: false,
    ...more,
  };
}

function take(before: Budget, one: Ask): { budget: Budget; answer: BudgetAnswer } {
  const { budget, answers } = takeAll(before, [one]);
  return { budget, answer: answers[0] ?? assert.fail() };
}

function all(asks: readonly Ask[]): Budget {
  const atOnce = takeAll(NO_GRANTS, asks).budget;
  assert.deepEqual(
    asks.reduce((budget, one) => take(budget, one).budget, NO_GRANTS),
    atOnce,
    'together as one by one',
  );
  return atOnce;
}

const keysOf = ({ services }: Ask): readonly string[] => services.flatMap(({ keys }) => keys);

test('a target has one holder, who is named; the same run may widen, and ask again', () => {
  const budget = all([ask('a', [1, 2])]);
  assert.deepEqual(take(budget, ask('b', [2, 3])).answer, { answer: 'refused', why: '1 of its 2 targets are a’s' });
  assert.deepEqual(take(budget, ask('b', [3])).answer, { answer: 'granted' });
  const wider = take(budget, ask('a', [3, 4], { stage: 1 }));
  assert.deepEqual(wider.answer, { answer: 'granted' });
  assert.deepEqual(take(wider.budget, ask('a', [1, 2])), { budget: wider.budget, answer: { answer: 'granted' } });
});

test('each limit refuses what is more than it, and says how much that is', () => {
  const why = (limits: BudgetLimits, ...asks: Ask[]): string | undefined => {
    const last = asks.pop() ?? assert.fail();
    const { answer } = take(all(asks), { ...last, limits });
    return answer.answer === 'refused' ? answer.why : undefined;
  };
  assert.equal(why({ runs: 1 }, ask('a', [1]), ask('b', [2])), 'at most 1 at once may run here, and there are: a');
  assert.equal(why({ runs: 2 }, ask('a', [1]), ask('b', [2])), undefined);
  assert.equal(why({ serviceShare: 0.2 }, ask('a', [1]), ask('b', [2])), undefined);
  assert.equal(
    why({ serviceShare: 0.2 }, ask('a', [1]), ask('b', [2, 3])),
    '3 of the 10 of payments would be hit at once, more than 20%, with those of a',
  );
  const other = { services: [{ service: 'orders', members: 30, keys: ['o1'] }] };
  assert.equal(why({ siteShare: 0.05 }, ask('a', [1]), ask('b', [], other)), undefined);
  assert.equal(
    why({ siteShare: 0.05 }, ask('a', [1, 2]), ask('b', [], other)),
    '3 of the 40 known at this site would be hit at once, more than 5%, with those of a',
  );
  const crowd = ['a', 'b', 'c', 'd', 'e'].map((run, key) => ask(run, [key]));
  assert.equal(
    why({ runs: 5 }, ...crowd, ask('f', [9])),
    'at most 5 at once may run here, and there are: a, b, c and 2 more',
  );
  assert.equal(
    why({ serviceShare: 0.5 }, ...crowd, ask('e', [8], { stage: 1 })),
    '6 of the 10 of payments would be hit at once, more than 50%, with those of a, b, c and 1 more',
  );
  const many = { services: [{ service: '', members: 60_000, keys: Array.from({ length: 50_001 }, (_, i) => `${i}`) }] };
  assert.match(why({}, ask('a', [], many)) ?? '', /more than 50000 targets/);
});

test('whoever waits is served in order, and shown its position and holder', () => {
  const waits = { waits: true };
  const budget = all([ask('a', [1, 2]), ask('b', [2, 3], waits), ask('c', [3], waits), ask('d', [9], waits)]);
  assert.deepEqual(answerTo(budget, ask('b', [2, 3], waits)), {
    answer: 'waits',
    position: 1,
    why: '1 of its 2 targets are a’s',
  });
  assert.deepEqual(answerTo(budget, ask('c', [3], waits)), {
    answer: 'waits',
    position: 2,
    why: '1 of its 1 targets are b’s',
  });
  assert.deepEqual(answerTo(budget, ask('d', [9])), { answer: 'granted' }, 'it is in nobody’s way');
  const after = release(budget, new Set(['a-1']));
  assert.deepEqual(answerTo(after, ask('b', [2, 3])), { answer: 'granted' });
  assert.deepEqual(answerTo(after, ask('c', [3])), { answer: 'waits', position: 1, why: '1 of its 1 targets are b’s' });
  assert.equal(answerTo(release(after, new Set(['c-1'])), ask('c', [3])), undefined, 'it went away');
  const asked = [ask('c', [3], waits), ask('z', [7]), ask('a', [1, 2]), ask('b', [2, 3], waits), ask('c', [4])];
  assert.deepEqual(
    answersTo(budget, asked),
    asked.map((one) => answerTo(budget, one)),
    'many at one look as one by one',
  );
});

test('nobody waits for what could never be granted, nor two for each other', () => {
  const waits = { waits: true };
  const limits = { serviceShare: 0.2 };
  const hopeless = take(NO_GRANTS, ask('a', [1, 2, 3], { ...waits, limits }));
  assert.match(hopeless.answer.answer === 'refused' ? hopeless.answer.why : '', /3 of the 10 of payments/);
  const held = all([ask('a', [1]), ask('b', [2])]);
  const first = take(held, ask('a', [2], { ...waits, stage: 1 }));
  assert.equal(first.answer.answer, 'waits');
  const second = take(first.budget, ask('b', [1], { ...waits, stage: 1 }));
  assert.match(
    second.answer.answer === 'refused' ? second.answer.why : '',
    /another run that holds targets waits already/,
  );
  // Whoever holds is not kept waiting by those who wait for it.
  const behind = take(all([ask('a', [1]), ask('c', [1, 5], waits)]), ask('a', [5], { stage: 1 }));
  assert.deepEqual(behind.answer, { answer: 'granted' });
  const withdrawn = withdraw(all([ask('a', [1]), ask('b', [1, 2], waits), ask('c', [2], waits)]), ask('b', []));
  assert.deepEqual(answerTo(withdrawn, ask('c', [2])), { answer: 'granted' });
});

test('what another has asked in somebody’s name answers nobody, grants nothing, and is told apart', () => {
  const limits = { serviceShare: 0.2 };
  const real = ask('a', [1, 2, 3], { limits });
  const small = ask('a', [1, 2], { limits });
  const nothing = { services: [], limits: {} };
  for (const forged of [ask('a', [], nothing), ask('a', [1, 2, 3]), ask('a', [1], { limits })]) {
    const budget = all([forged]);
    assert.equal(answerTo(budget, forged)?.answer, 'granted');
    assert.equal(answerTo(budget, real), undefined);
    const refused = { answer: 'refused', why: 'another ask for this stage was granted' };
    assert.deepEqual(take(budget, real), { budget, answer: refused });
  }
  const waits = all([ask('b', [1]), ask('a', [1], { waits: true })]);
  assert.deepEqual(take(waits, small).answer, { answer: 'refused', why: 'another ask for this stage waits' });
  // Of a run that there is not: whoever looks finds it over, which must not end what its execution really holds.
  const said = 'its execution asked before as one of nobody';
  const astray = all([ask('nobody', [7], { execution: 'a-1', stage: 9 })]);
  assert.deepEqual(take(astray, small).answer, { answer: 'refused', why: said });
  assert.deepEqual([...inTheWay(astray, [small])], [['a-1', 'nobody']]);
  assert.deepEqual(take(release(astray, new Set(['a-1'])), small).answer, { answer: 'granted' });
  const late = take(all([small]), ask('nobody', [7], { execution: 'a-1', stage: 9 }));
  assert.deepEqual(late.answer, { answer: 'refused', why: said.replace('nobody', 'a') });
  // A run that tells a budget without a memory what it was granted knows no limits.
  const [granted = assert.fail()] = all([ask('a', [1, 2])]).granted;
  const remembered: Budget = { granted: [{ ...granted, remembered: true }], waiting: [] };
  assert.deepEqual(answerTo(remembered, small), { answer: 'granted' });
  assert.equal(answerTo(remembered, real), undefined);
});

test('however many members somebody claims, nobody else may hit more', () => {
  const claims = (members: number, service = 'payments'): Partial<Ask> => ({
    services: [{ service, members, keys: ['m'] }],
  });
  const shares: BudgetLimits[] = [{ serviceShare: 0.2 }, { siteShare: 0.2 }];
  const anybody = fc.record({
    service: fc.constantFrom('payments', 'orders', 'bogus'),
    members: fc.integer({ min: 0, max: 1_000_000 }),
    keys: fc.uniqueArray(
      fc.integer({ min: 0, max: 30 }).map((key) => `l${key}`),
      { maxLength: 3 },
    ),
  });
  fc.assert(
    fc.property(fc.array(anybody, { maxLength: 5 }), fc.constantFrom(...shares), (lies, limits) => {
      const liars = lies.map((lie, i) => ask(`liar-${i}`, [], { services: [lie] }));
      const { budget } = takeAll(NO_GRANTS, liars);
      assert.equal(take(budget, ask('a', [1, 2, 3], { limits })).answer.answer, 'refused');
      const mine = take(takeAll(budget, [ask('b', [5, 6])]).budget, ask('a', [1], { limits }));
      assert.equal(mine.answer.answer, 'refused');
    }),
  );
  const [service = assert.fail(), site = assert.fail()] = shares;
  for (const limits of [service, site])
    assert.equal(take(all([ask('b', [], claims(4))]), ask('a', [1], { limits })).answer.answer, 'refused');
  assert.equal(
    take(all([ask('b', [], claims(20, 'orders'))]), ask('a', [1, 2], { limits: site })).answer.answer,
    'granted',
  );
  assert.equal(
    take(all([ask('b', [], claims(4, 'orders'))]), ask('a', [1, 2], { limits: site })).answer.answer,
    'refused',
  );
});

test('for any asks and ends: one holder a target, limits kept, first come first served, nobody lost', () => {
  const limits = { runs: 4, serviceShare: 0.6 };
  const step = fc.oneof(
    fc.record({
      run: fc.integer({ min: 0, max: 12 }),
      keys: fc.uniqueArray(fc.integer({ min: 0, max: 9 }), { minLength: 1 }),
    }),
    fc.record({ ends: fc.integer({ min: 0, max: 12 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let budget = NO_GRANTS;
      let stage = 0;
      const order: Ask[] = [];
      const ended = new Set<string>();
      for (const one of steps) {
        if ('ends' in one) {
          const execution = `r${one.ends}-1`;
          budget = release(budget, new Set([execution]));
          ended.add(execution);
          continue;
        }
        stage += 1;
        const asked = ask(`r${one.run}`, one.keys, { stage, limits, waits: true });
        if (ended.has(asked.execution)) continue;
        const taken = take(budget, asked);
        budget = taken.budget;
        if (taken.answer.answer !== 'refused') order.push(asked);
        const holdersOf = new Map<string, string>();
        for (const { execution, ...rest } of budget.granted)
          for (const key of keysOf({ execution, ...rest })) {
            assert.equal(holdersOf.get(key) ?? execution, execution, 'two holders of one target');
            holdersOf.set(key, execution);
          }
        assert.ok(new Set(budget.granted.map(({ execution }) => execution)).size <= limits.runs);
        for (const asker of order) {
          if (ended.has(asker.execution)) continue;
          assert.ok(answerTo(budget, asker), `${asker.execution}/${asker.stage} is lost`);
        }
        // Whoever waits could not be granted beside those who came before it, or where it holds targets beside what is held.
        const holds = new Set(budget.granted.map(({ execution }) => execution));
        for (const [i, waiting] of budget.waiting.entries()) {
          const waited = holds.has(waiting.execution) ? [] : budget.waiting.slice(0, i);
          const earlier = { granted: [...budget.granted, ...waited], waiting: [] };
          assert.equal(take(earlier, { ...waiting, waits: false }).answer.answer, 'refused');
        }
        const both = new Set(budget.waiting.map(({ execution }) => execution).filter((one) => holds.has(one)));
        assert.ok(both.size <= 1, 'two who hold targets wait, perhaps for each other');
      }
    }),
  );
});

test('keys of targets differ', () => {
  const keys = Array.from({ length: 50_000 }, (_, i) => targetKey(`shop/payments-7d9f8b6c5-${i.toString(36)}`));
  assert.equal(new Set(keys).size, keys.length);
  assert.match(keys[0] ?? '', /^[0-9a-f]{16}$/);
});

test('whoever is not granted knows who is in its way: without them, again and again, it is granted', () => {
  const asker = fc.record({
    run: fc.integer({ min: 0, max: 8 }),
    keys: fc.uniqueArray(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 5 }),
    waits: fc.boolean(),
  });
  const limits = { runs: 4, serviceShare: 0.6 };
  fc.assert(
    fc.property(fc.array(asker, { maxLength: 30 }), asker, (before, last) => {
      const asks = before.map(({ run, keys, waits }, stage) => ask(`r${run}`, keys, { stage, limits, waits }));
      const asked = ask(`r${last.run}`, last.keys, { stage: 100, limits, waits: last.waits });
      let { budget } = takeAll(NO_GRANTS, asks);
      for (let looks = 0; take(budget, asked).answer.answer !== 'granted'; looks++) {
        const way = inTheWay(budget, [asked]);
        const others = new Set([...way.keys()].filter((execution) => execution !== asked.execution));
        if (others.size === 0) {
          // What it holds itself, with what it asks for, is more than is allowed.
          assert.match(JSON.stringify(take(budget, asked).answer), /would be hit at once/);
          return;
        }
        assert.ok(looks < 10);
        budget = release(budget, others);
      }
      assert.equal(inTheWay(budget, [asked]).size, 0);
    }),
  );
});
