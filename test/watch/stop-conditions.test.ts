import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Breach, StopCondition } from '../../domain/experiment.ts';
import type { Reading } from '../../domain/probe.ts';
import type { Quantity } from '../../domain/quantity.ts';
import { describeStopCondition } from '../../domain/breach.ts';
import { initialConditions, observe } from '../../domain/stop-conditions.ts';
import type { ConditionsState, Edge, Watched } from '../../domain/stop-conditions.ts';

const START_MS = 1_763_924_544_000;
const EVERY_MS = 1000;
const SILENT = null;

const percent = (value: number): Quantity => ({ value: value / 100, dimension: 'ratio', text: `${value}%` });
const on = (breach: Breach, probe = 'error-rate'): StopCondition => ({
  probe,
  breach,
  forMs: 60_000,
  abort: 'immediate',
});
const ABOVE = on({ kind: 'above', limit: percent(5) });

function watchedBy(stopConditions: readonly StopCondition[], baseline: Record<string, number> = {}): Watched {
  return { experiment: { stopConditions, steadyState: [] }, baseline, everyMs: EVERY_MS };
}

/** Feeds one value a second to a single probe; `null` is no data. Every state passes through JSON. */
function feed(
  watched: Watched,
  values: readonly (number | null)[],
  probe = 'error-rate',
): { edges: [number, Edge][]; state: ConditionsState } {
  let state = initialConditions(watched.experiment);
  const edges: [number, Edge][] = [];
  values.forEach((value, index) => {
    const reading: Reading = value === null ? { ok: false, why: 'it was refused' } : { ok: true, value };
    const seen = observe(state, watched, { atMs: START_MS + index * EVERY_MS, readings: { [probe]: reading } });
    state = JSON.parse(JSON.stringify(seen.state)) as ConditionsState;
    edges.push(...seen.edges.map((edge): [number, Edge] => [index, edge]));
  });
  return { edges, state };
}

const short = ({ edges }: { edges: [number, Edge][] }): string[] => edges.map(([tick, { edge }]) => `${tick} ${edge}`);

describe('each kind of breach', () => {
  const table: { breach: Breach; baseline?: number; holds: number[]; breaks: number[]; says: string }[] = [
    {
      breach: { kind: 'above', limit: percent(5) },
      holds: [0.05, 0, -1],
      breaks: [0.0501, 0.072],
      says: 'error-rate 7.2% is above 5%',
    },
    {
      breach: { kind: 'below', limit: percent(99) },
      holds: [0.99, 1],
      breaks: [0.98, 0.5],
      says: 'error-rate 50% is below 99%',
    },
    {
      breach: { kind: 'outside', min: percent(1), max: percent(5) },
      holds: [0.01, 0.05],
      breaks: [0.005, 0.06],
      says: 'error-rate 6% is outside 1% to 5%',
    },
    {
      breach: { kind: 'drops', share: 0.1 },
      baseline: 100,
      holds: [90, 100, 500],
      breaks: [89.9, 80],
      says: 'error-rate 80 is more than 10% below the baseline 100',
    },
    {
      breach: { kind: 'rises', share: 0.5 },
      baseline: 100,
      holds: [150, 0],
      breaks: [151, 200],
      says: 'error-rate 200 is more than 50% above the baseline 100',
    },
    {
      breach: { kind: 'rises', share: 0.5 },
      baseline: -100,
      holds: [-50, -100],
      breaks: [-49, 0],
      says: 'error-rate 0 is more than 50% above the baseline -100',
    },
  ];
  for (const { breach, baseline, holds, breaks, says } of table) {
    test(`${breach.kind}${baseline === undefined ? '' : ` of ${baseline}`}`, () => {
      const watched = watchedBy([on(breach)], baseline === undefined ? {} : { 'error-rate': baseline });
      for (const value of holds) assert.deepEqual(feed(watched, [value]).edges, [], `${value} holds`);
      for (const value of breaks)
        assert.deepEqual(short(feed(watched, [value])), ['0 breach-begins'], `${value} breaches`);
      const [, edge] = feed(watched, [breaks.at(-1) ?? NaN]).edges[0] ?? [];
      assert.deepEqual(edge, {
        edge: 'breach-begins',
        condition: 0,
        probe: 'error-rate',
        value: breaks.at(-1),
        evidence: says,
      });
    });
  }

  test('what cannot be judged for want of a baseline breaches', () => {
    const [first] = feed(watchedBy([on({ kind: 'drops', share: 0.1 })]), [100]).edges;
    assert.equal(first?.[1].edge, 'breach-begins');
    assert.match(first[1].evidence, /no baseline was taken/);
  });
});

describe('hysteresis', () => {
  test('a breach ends at the second sample in a row that does not breach', () => {
    assert.deepEqual(short(feed(watchedBy([ABOVE]), [0, 0.1, 0, 0.1, 0, 0, 0, 0.1])), [
      '1 breach-begins',
      '5 breach-ends',
      '7 breach-begins',
    ]);
  });

  test('no data neither ends a breach nor counts as one of the samples that end it', () => {
    assert.deepEqual(short(feed(watchedBy([ABOVE]), [0.1, 0, SILENT, 0, 0])), ['0 breach-begins', '4 breach-ends']);
  });
});

describe('no data', () => {
  test('is an edge after a grace of two intervals, once a silence', () => {
    const { edges } = feed(watchedBy([ABOVE]), [0, SILENT, SILENT, SILENT, SILENT, SILENT, 0, SILENT, SILENT, SILENT]);
    assert.deepEqual(short({ edges }), ['3 no-data', '9 no-data']);
    assert.deepEqual(edges[0]?.[1], {
      edge: 'no-data',
      probe: 'error-rate',
      value: null,
      evidence: 'error-rate has no data: it was refused',
    });
  });

  test('counts for a probe of the steady state, for one that was not sampled, and for what is not finite', () => {
    const limit = { kind: 'range', max: percent(5) } as const;
    const steadyState = [{ probe: 'latency', group: 'system', tolerance: limit } as const];
    const watched = { ...watchedBy([ABOVE]), experiment: { stopConditions: [ABOVE], steadyState } };
    let state = initialConditions(watched.experiment);
    const edges = [0, 1, 2].flatMap((tick) => {
      const seen = observe(state, watched, {
        atMs: START_MS + tick * EVERY_MS,
        readings: { 'error-rate': { ok: true, value: NaN } },
      });
      state = seen.state;
      return seen.edges.map(({ probe, edge }) => `${tick} ${probe} ${edge}`);
    });
    assert.deepEqual(edges, ['2 error-rate no-data', '2 latency no-data']);
  });

  test('the grace passes by time when ticks are skipped, and by samples when the clock is set back', () => {
    const watched = watchedBy([ABOVE]);
    const silent = { 'error-rate': { ok: false, why: 'hangs' } } as const;
    const first = observe(initialConditions(watched.experiment), watched, { atMs: START_MS, readings: silent });
    const skipped = observe(first.state, watched, { atMs: START_MS + 1990, readings: silent });
    assert.deepEqual(
      skipped.edges.map(({ edge }) => edge),
      ['no-data'],
    );
    const back = observe(first.state, watched, { atMs: START_MS - 60_000, readings: silent });
    assert.deepEqual(back.edges, []);
    const third = observe(back.state, watched, { atMs: START_MS - 59_000, readings: silent });
    assert.deepEqual(
      third.edges.map(({ edge }) => edge),
      ['no-data'],
    );
  });
});

describe('count within a window', () => {
  const ten = on({ kind: 'count', count: 10, withinMs: 60_000 }, 'complaints');
  const feedTotal = (values: readonly (number | null)[]): string[] =>
    short(feed(watchedBy([ten]), values, 'complaints'));

  test('the total of before does not count, its rise does, and old rises leave the window', () => {
    assert.deepEqual(feedTotal([500, 504, 509, 510]), ['3 breach-begins']);
    const quiet = (total: number): number[] => Array.from({ length: 120 }, () => total);
    assert.deepEqual(feedTotal([500, 509, ...quiet(509), 511]), []);
    const [begins, ends] = feedTotal([500, 510, ...quiet(510)]);
    assert.equal(begins, '1 breach-begins');
    const endedAt = Number(ends?.split(' ')[0]);
    assert.ok(
      endedAt >= 60 && endedAt <= 1 + 60 + 5 + 2,
      `ended at ${endedAt} s: the window and at most one slot more`,
    );
  });

  test('a reset counts from zero, and a gap loses nothing', () => {
    assert.deepEqual(feedTotal([500, 505, 0, 4]), []);
    assert.deepEqual(feedTotal([500, 505, 0, 5]), ['3 breach-begins']);
    assert.deepEqual(feedTotal([500, SILENT, 510]), ['2 breach-begins']);
  });

  test('a rise of at least the count within the window always breaches', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 2, maxLength: 150 }), (rises) => {
        let total = 7;
        const totals = rises.map((rise) => (total += rise));
        const first = totals.findIndex((now, index) => now - (totals[Math.max(0, index - 60)] ?? now) >= 10);
        const begun = feed(watchedBy([ten]), totals, 'complaints').edges.find(
          ([, { edge }]) => edge === 'breach-begins',
        )?.[0];
        if (first !== -1) assert.ok(begun !== undefined && begun <= first, `begun ${begun}, due ${first}`);
      }),
    );
  });
});

describe('for any samples', () => {
  const value = fc.oneof(fc.double({ min: 0, max: 0.1, noNaN: true }), fc.constant(SILENT));

  test('begins and ends alternate, starting with a beginning, and the state says which', () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 200 }), (values) => {
        const { edges, state } = feed(watchedBy([ABOVE]), values);
        const order = edges.map(([, { edge }]) => edge).filter((edge) => edge !== 'no-data');
        order.forEach((edge, index) => assert.equal(edge, index % 2 === 0 ? 'breach-begins' : 'breach-ends'));
        assert.equal(state.conditions.filter(({ breached }) => breached).length, order.length % 2);
      }),
    );
  });

  test('the state stays under 8 KiB with 20 conditions, and a value that flaps each second makes one edge', () => {
    const conditions = Array.from({ length: 20 }, (_, index) =>
      on({ kind: 'count', count: 1_000_000, withinMs: 60_000 }, `a-rather-long-name-of-a-running-total-${index}`),
    );
    const watched = watchedBy(conditions);
    const totals = fc.array(fc.oneof(fc.double({ min: 0, max: 1e15, noNaN: true }), fc.constant(SILENT)), {
      minLength: 150,
      maxLength: 200,
    });
    fc.assert(
      fc.property(totals, (values) => {
        let state = initialConditions(watched.experiment);
        values.forEach((total, tick) => {
          const reading: Reading = total === null ? { ok: false, why: 'x'.repeat(5000) } : { ok: true, value: total };
          const readings = Object.fromEntries(conditions.map(({ probe }) => [probe, reading]));
          state = observe(state, watched, { atMs: START_MS + tick * EVERY_MS, readings }).state;
          assert.ok(JSON.stringify(state).length < 8192);
        });
      }),
      { numRuns: 20 },
    );
    const flapping = Array.from({ length: 300 }, (_, index) => (index % 2 === 0 ? 0.1 : 0));
    assert.deepEqual(short(feed(watchedBy([ABOVE]), flapping)), ['0 breach-begins']);
  });
});

test('a condition reads as a sentence', () => {
  assert.equal(describeStopCondition(ABOVE), 'error-rate above 5% for 1m');
  assert.equal(
    describeStopCondition({ ...on({ kind: 'count', count: 10, withinMs: 600_000 }, 'complaints'), forMs: 0 }),
    'complaints rises by 10 within 10m',
  );
  assert.equal(
    describeStopCondition(on({ kind: 'drops', share: 0.1 }, 'orders')),
    'orders drops by more than 10% for 1m',
  );
});
