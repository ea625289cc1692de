import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Experiment } from '../../domain/experiment.ts';
import type { Reading } from '../../domain/probe.ts';
import { PROOF_SAMPLES } from '../../domain/timing.ts';
import type { OpenProbe, OpenProbes } from '../../activities/probes/registry.ts';
import { awaitSteadyState, takeBaseline } from '../../activities/steady-state.ts';
import { sampleOnce, tickAfter, ticks, watch } from '../../activities/watch.ts';
import type { Tick } from '../../activities/watch.ts';

const EVERY_MS = 20;
const never = new AbortController().signal;

/** Reads each value once, and the last for ever; `null` is no data. */
function probe(name: string, read: (signal: AbortSignal) => Promise<Reading>, timeoutMs = 1000): [string, OpenProbe] {
  return [name, { name, type: 'test', probe: { read }, dimension: 'ratio', unit: 'ratio', timeoutMs, check: () => [] }];
}

function script(...values: (number | null)[]): (signal: AbortSignal) => Promise<Reading> {
  let next = 0;
  return async () => {
    const value = values[Math.min(next, values.length - 1)] ?? null;
    next += 1;
    return value === null ? { ok: false, why: 'it was refused' } : { ok: true, value };
  };
}

const limit = { value: 0.05, dimension: 'ratio', text: '5%' } as const;
const experiment: Pick<Experiment, 'stopConditions' | 'steadyState'> = {
  stopConditions: [{ probe: 'errors', breach: { kind: 'above', limit }, forMs: 1000, abort: 'immediate' }],
  steadyState: [{ probe: 'errors', group: 'system', tolerance: { kind: 'range', max: limit } }],
};

function watching(probes: OpenProbes, more: { signal?: AbortSignal; onTick?: (tick: Tick) => void } = {}) {
  return { probes, experiment, baseline: {}, everyMs: EVERY_MS, onTick: () => undefined, signal: never, ...more };
}

describe('one sample of each probe', () => {
  test('is of all at once, and no probe can spoil another', async () => {
    const { promise, resolve } = Promise.withResolvers<Reading>();
    const probes = new Map([
      probe('waits', () => promise),
      probe('answers', async () => {
        resolve({ ok: true, value: 1 });
        return { ok: true, value: 2 };
      }),
      probe('throws', () => Promise.reject(new Error('no\nleave'))),
      probe('explodes', () => {
        throw new Error('at once');
      }),
      probe('hangs', () => new Promise(() => undefined), 10),
    ]);
    assert.deepEqual(await sampleOnce(probes, [...probes.keys(), 'unknown'], never), {
      waits: { ok: true, value: 1 },
      answers: { ok: true, value: 2 },
      throws: { ok: false, why: 'no leave' },
      explodes: { ok: false, why: 'at once' },
      hangs: { ok: false, why: 'it did not answer within 10 ms' },
      unknown: { ok: false, why: 'there is no such probe at this site' },
    });
  });

  test('ends when it is no longer wanted, with a probe that does not listen', async () => {
    const wanted = new AbortController();
    const probes = new Map([probe('deaf', () => new Promise(() => undefined), 60_000)]);
    const readings = sampleOnce(probes, ['deaf'], wanted.signal);
    wanted.abort();
    assert.deepEqual(await readings, { deaf: { ok: false, why: 'it was no longer wanted' } });
    assert.deepEqual(await sampleOnce(probes, ['deaf'], wanted.signal), {
      deaf: { ok: false, why: 'it was no longer wanted' },
    });
  });
});

describe('a probe that is slow blinds no other', { concurrency: true }, () => {
  /** Would be waited for, for a minute: nobody here has so long. */
  const slow = (heard: AbortSignal[] = []): [string, OpenProbe] =>
    probe(
      'slow',
      (signal) => {
        heard.push(signal);
        return new Promise(() => undefined);
      },
      60_000,
    );

  test('it has until the next sample, and is told when it is too late', async () => {
    const heard: AbortSignal[] = [];
    const probes = new Map([slow(heard), probe('errors', script(0.01))]);
    assert.deepEqual(await sampleOnce(probes, ['slow', 'errors'], never, 2_500), {
      slow: { ok: false, why: 'it did not answer within 2500 ms' },
      errors: { ok: true, value: 0.01 },
    });
    assert.deepEqual(
      heard.map(({ aborted }) => aborted),
      [true],
    );
  });

  test('however close the samples are, it has two seconds', async () => {
    const probes = new Map([slow(), probe('errors', script(0.01))]);
    const { slow: found, errors } = await sampleOnce(probes, ['slow', 'errors'], never, EVERY_MS);
    assert.deepEqual(found, { ok: false, why: 'it did not answer within 2000 ms' });
    assert.deepEqual(errors, { ok: true, value: 0.01 });
  });

  const both = {
    ...experiment,
    steadyState: [
      ...experiment.steadyState,
      { probe: 'slow', group: 'dependencies', tolerance: { kind: 'range', max: limit } },
    ],
  } as const;

  // Without the bound each sample would take a minute.
  test('a breach of another is seen', { timeout: 50_000 }, async () => {
    const probes = new Map([slow(), probe('errors', script(0.1))]);
    const { edges, series } = await watch({ ...watching(probes), experiment: both });
    assert.deepEqual(
      edges.map(({ edge, probe: of }) => [edge, of]),
      [['breach-begins', 'errors']],
    );
    assert.deepEqual(
      series['slow']?.points.map(([, value]) => value),
      [null],
    );
  });

  test('a baseline of the others is taken', { timeout: 50_000 }, async () => {
    const probes = new Map([slow(), probe('errors', script(0.03))]);
    const sampling = { samples: 2, everyMs: EVERY_MS, signal: never };
    const { baseline, readings } = await takeBaseline(probes, ['slow', 'errors'], sampling);
    assert.deepEqual(baseline, { errors: 0.03 });
    assert.equal(readings['slow']?.ok, false);
  });

  test('the steady state is not called returned, and the others’ readings are told', { timeout: 50_000 }, async () => {
    const probes = new Map([slow(), probe('errors', script(0.01))]);
    const { recovered, readings } = await awaitSteadyState({ ...watching(probes), experiment: both, withinMs: 3_000 });
    assert.equal(recovered, false);
    assert.deepEqual(
      readings.map(({ probe: of, value, held }) => [of, value, held]),
      [
        ['errors', 0.01, true],
        ['slow', null, false],
      ],
    );
  });
});

describe('ticks', () => {
  const steps = [
    { name: 'the next when it is time', tick: 1, passedMs: 50, next: 2 },
    { name: 'the next within its interval', tick: 1, passedMs: 99, next: 2 },
    { name: 'those that were missed are not made up for', tick: 1, passedMs: 170, next: 4 },
    { name: 'a timer that fired early does not make two of one', tick: 6, passedMs: 299, next: 7 },
  ];
  for (const { name, tick, passedMs, next } of steps)
    test(`are on a grid: ${name}`, () => assert.equal(tickAfter(tick, passedMs, 50), next));

  test('end with their signal', async () => {
    const wanted = new AbortController();
    let seen = 0;
    for await (const _ of ticks(60_000, wanted.signal)) {
      seen += 1;
      setTimeout(() => wanted.abort(), 10);
    }
    assert.equal(seen, 1);
  });
});

describe('watching', () => {
  test('goes on until a breach begins, and goes on from there until it ends', async () => {
    const probes = new Map([probe('errors', script(0, 0.01, 0.072, 0.08, 0, 0, 0))]);
    const ticked: Tick[] = [];
    const first = await watch(watching(probes, { onTick: (tick) => ticked.push(tick) }));
    assert.equal(first.stopped, false);
    assert.deepEqual(first.edges, [
      { edge: 'breach-begins', condition: 0, probe: 'errors', value: 0.072, evidence: 'errors 7.2% is above 5%' },
    ]);
    assert.deepEqual(
      first.series['errors']?.points.map(([, value]) => value),
      [0, 0.01, 0.072],
    );
    assert.deepEqual(
      ticked.map(({ readings }) => readings),
      [{ errors: { value: 0, dimension: 'ratio' } }, { errors: { value: 0.01, dimension: 'ratio' } }],
    );
    const resume = JSON.parse(JSON.stringify(first.state)) as typeof first.state;
    const second = await watch({ ...watching(probes), resume });
    assert.deepEqual(
      second.edges.map(({ edge }) => edge),
      ['breach-ends'],
    );
    assert.deepEqual(
      second.series['errors']?.points.map(([, value]) => value),
      [0.08, 0, 0],
    );
  });

  test('that is lost before its result is told goes on from a tick without the edge, and finds it again', async () => {
    const breaching = new Map([probe('errors', script(0, 0.1, 0.1))]);
    let last: Tick | undefined;
    await watch(watching(breaching, { onTick: (tick) => (last = tick) }));
    const again = await watch({ ...watching(breaching), ...(last?.resume ? { resume: last.resume } : {}) });
    assert.deepEqual(
      again.edges.map(({ edge }) => edge),
      ['breach-begins'],
    );
  });

  test('ends with no data after the grace', async () => {
    const { edges, series } = await watch(watching(new Map([probe('errors', script(0, null))])));
    assert.deepEqual(
      edges.map(({ edge, evidence }) => [edge, evidence]),
      [['no-data', 'errors has no data: it was refused']],
    );
    assert.equal(series['errors']?.points.at(-1)?.[1], null);
  });

  test('ends when it is stopped, and what was being read then is no evidence', async () => {
    const wanted = new AbortController();
    const stuck = probe(
      'errors',
      (signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve({ ok: true, value: 1 }))),
    );
    setTimeout(() => wanted.abort(), 30);
    const result = await watch(watching(new Map([stuck]), { signal: wanted.signal }));
    const nothing = { stopped: true, edges: [], series: {}, sinceSampleMs: 0, state: undefined };
    assert.deepEqual({ ...result, state: undefined }, nothing);
  });

  test('says how long ago its last sample was, since nobody looked from then on', async () => {
    const wanted = new AbortController();
    const onTick = (): void => void setTimeout(() => wanted.abort(), 60);
    const { sinceSampleMs } = await watch({
      ...watching(new Map([probe('errors', script(0))]), { signal: wanted.signal, onTick }),
      everyMs: 600_000,
    });
    assert.ok(sinceSampleMs >= 55 && sinceSampleMs < 600_000, `${sinceSampleMs}`);
  });
});

describe('the steady state', () => {
  test('a baseline is the median, and a probe that mostly fails has none', async () => {
    const probes = new Map([probe('errors', script(5, 1, 100, 2, 3)), probe('flaky', script(null, 1, null, 1, null))]);
    const { baseline, readings } = await takeBaseline(probes, ['errors', 'flaky'], {
      samples: 5,
      everyMs: 5,
      signal: never,
    });
    assert.deepEqual(baseline, { errors: 3 });
    assert.deepEqual(readings, { errors: { ok: true, value: 3 }, flaky: { ok: false, why: 'it was refused' } });
  });

  test('has returned when it held several times in a row, and one good sample is not enough', async () => {
    const probes = new Map([probe('errors', script(0.2, 0, 0.2, null, 0, 0, 0, 0.2))]);
    const ticked: Tick[] = [];
    const recovery = await awaitSteadyState({
      ...watching(probes),
      withinMs: 60_000,
      onTick: (tick) => ticked.push(tick),
    });
    assert.equal(recovery.recovered, true);
    assert.equal(PROOF_SAMPLES, 3);
    assert.deepEqual(
      recovery.series['errors']?.points.map(([, value]) => value),
      [0.2, 0, 0.2, null, 0, 0, 0],
    );
    assert.equal(ticked.length, 7);
    assert.deepEqual(
      recovery.readings.map(({ held }) => held),
      [true],
    );
  });

  test('has not returned when the time is over, or when nobody waits any more', async () => {
    const broken = new Map([probe('errors', script(0.2))]);
    const late = await awaitSteadyState({ ...watching(broken), withinMs: 50 });
    assert.equal(late.recovered, false);
    assert.deepEqual(
      late.readings.map(({ held, value }) => [held, value]),
      [[false, 0.2]],
    );
    const wanted = new AbortController();
    setTimeout(() => wanted.abort(), 30);
    assert.equal(
      (await awaitSteadyState({ ...watching(broken, { signal: wanted.signal }), withinMs: 60_000 })).recovered,
      false,
    );
  });

  test('that returned at the last moment may still prove it', async () => {
    const probes = new Map([probe('errors', script(0))]);
    const recovery = await awaitSteadyState({ ...watching(probes), withinMs: 0 });
    assert.equal(recovery.recovered, true);
    assert.equal(recovery.series['errors']?.points.length, PROOF_SAMPLES);
  });
});
