/** What a worker says of its runs: each event counts once, whoever counted the ones before, and gauges end with their run. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Registry } from 'prom-client';
import type { JournalEvent } from '../../domain/journal.ts';
import { serveEndpoint } from '../../workers/endpoint.ts';
import { ImpactMetrics } from '../../workers/impact.ts';
import { RunMetrics } from '../../workers/metrics.ts';
import { abortedRun, heldRun, stuckRun } from '../report/journals.ts';

/** Hands the events to a worker's metrics one by one, as a run writes them. */
async function tell(metrics: RunMetrics, run: string, events: readonly JournalEvent[]): Promise<void> {
  for (const event of events) await metrics.observe(run, [event], async () => assert.fail('this worker knows the run'));
}

/** The samples of one metric as Prometheus reads them. */
async function samples(metrics: RunMetrics, name: string): Promise<string[]> {
  const text = await metrics.registry.metrics();
  return text.split('\n').filter((line) => line.startsWith(`${name}{`));
}

const upTo = (events: readonly JournalEvent[], type: JournalEvent['type']): readonly JournalEvent[] =>
  events.slice(0, events.findIndex((event) => event.type === type) + 1);

describe('metrics of runs', () => {
  it('count what happened', async () => {
    const metrics = new RunMetrics();
    for (const { run, events } of [heldRun(), abortedRun()]) await tell(metrics, run, events);
    const type = 'experiment_type="host/stutter"';
    assert.deepEqual((await samples(metrics, 'chaos_experiments_total')).toSorted(), [
      `chaos_experiments_total{${type},result="deviated"} 1`,
      `chaos_experiments_total{${type},result="held"} 1`,
    ]);
    assert.deepEqual(await samples(metrics, 'chaos_safety_aborts_total'), [
      'chaos_safety_aborts_total{abort_reason="stop-condition"} 1',
    ]);
    const reverted = [heldRun(), abortedRun()].flatMap(({ events }) =>
      events.filter((event) => event.type === 'reverted'),
    );
    const byType = Map.groupBy(reverted, (event) => event.by);
    assert.deepEqual(
      (await samples(metrics, 'chaos_rollbacks_total')).toSorted(),
      [...byType].map(([by, each]) => `chaos_rollbacks_total{rollback_type="${by}"} ${each.length}`).toSorted(),
    );
    assert.deepEqual(await samples(metrics, 'chaos_experiment_duration_seconds_count'), [
      `chaos_experiment_duration_seconds_count{${type}} 2`,
    ]);
    const counted = (await samples(metrics, 'chaos_experiment_events')).map((line) => Number(line.split(' ').at(-1)));
    const happened = heldRun().events.length + abortedRun().events.length;
    assert.equal(
      counted.reduce((sum, value) => sum + value, 0),
      happened,
    );
  });

  it('have gauges while a run is open, and none afterwards', async () => {
    const metrics = new RunMetrics();
    const { run, events } = abortedRun();
    const before = upTo(events, 'abort');
    await tell(metrics, run, before);
    const opened = before.filter((event) => event.type === 'stage-opened');
    const gauges = ['chaos_blast_radius_percentage', 'chaos_leases_held', 'chaos_reverts_unconfirmed'];
    const values = await Promise.all(gauges.map(async (name) => (await samples(metrics, name))[0]?.split(' ').at(-1)));
    assert.deepEqual(values.map(Number), [100 * (opened.at(-1)?.radius ?? NaN), opened.length, 0]);
    await tell(metrics, run, events.slice(before.length));
    for (const name of gauges) assert.deepEqual(await samples(metrics, name), [], name);
  });

  it('show a revert that is not confirmed', async () => {
    const metrics = new RunMetrics();
    const { run, events } = stuckRun();
    await tell(metrics, run, upTo(events, 'stuck'));
    assert.match((await samples(metrics, 'chaos_reverts_unconfirmed'))[0] ?? '', / 1$/);
  });

  it('show it until that very revert is confirmed, and the share that is still under fault', async () => {
    const metrics = new RunMetrics();
    const { run, events } = stuckRun();
    const opened = events.filter((event) => event.type === 'stage-opened');
    const [one, other] = opened as [(typeof opened)[0], (typeof opened)[0]];
    await tell(metrics, run, upTo(events, 'abort'));
    const last = events.at(-1)?.seq ?? 0;
    const stamp = (seq: number): { seq: number; atMs: number } => ({ seq: last + seq, atMs: one.atMs });
    const reverted = { type: 'reverted', by: 'lease', targets: 1, tookMs: 1 } as const;
    const shown = async (): Promise<number[]> =>
      Promise.all(
        ['chaos_reverts_unconfirmed', 'chaos_blast_radius_percentage'].map(async (name) =>
          Number((await samples(metrics, name))[0]?.split(' ').at(-1)),
        ),
      );
    await tell(metrics, run, [{ ...stamp(1), type: 'stuck', stage: 0, lease: one.lease, why: 'it hangs' }]);
    await tell(metrics, run, [{ ...stamp(2), ...reverted, stage: 1, lease: other.lease }]);
    assert.deepEqual(await shown(), [1, 100 * one.radius]);
    await tell(metrics, run, [{ ...stamp(3), ...reverted, stage: 0, lease: one.lease }]);
    assert.deepEqual(await shown(), [0, 0]);
  });

  it('go on with a run that another worker began, without counting it again', async () => {
    const { run, events } = abortedRun();
    const first = upTo(events, 'edge');
    const rest = events.slice(first.length);
    const metrics = new RunMetrics();
    await metrics.observe(run, rest, async () => events);
    assert.match((await samples(metrics, 'chaos_experiments_total'))[0] ?? '', /result="deviated"} 1$/);
    assert.match((await samples(metrics, 'chaos_experiment_duration_seconds_count'))[0] ?? '', / 1$/);
    const edges = rest.filter((event) => event.type === 'edge').length;
    const counted = (await samples(metrics, 'chaos_edges_total')).map((line) => Number(line.split(' ').at(-1)));
    assert.equal(
      counted.reduce((sum, value) => sum + value, 0),
      edges,
    );
  });

  it('take up a run that holds already, as after a restart, and count nothing of it twice', async () => {
    const { run, events } = abortedRun();
    const held = upTo(events, 'stage-held');
    const metrics = new RunMetrics();
    await metrics.compare(
      async () => new Set([run]),
      async () => held,
    );
    assert.match((await samples(metrics, 'chaos_leases_held'))[0] ?? '', / 1$/);
    assert.deepEqual(await samples(metrics, 'chaos_experiment_events'), []);
    await tell(metrics, run, events.slice(held.length));
    assert.match((await samples(metrics, 'chaos_experiments_total'))[0] ?? '', / 1$/);
  });

  it('forget a run that was terminated, but not one that the list of open runs has not got yet', async () => {
    const { run, events } = abortedRun();
    const metrics = new RunMetrics();
    await tell(metrics, run, upTo(events, 'stage-held'));
    const none = async (): Promise<ReadonlySet<string>> => new Set();
    await metrics.compare(none, async () => []);
    assert.equal((await samples(metrics, 'chaos_leases_held')).length, 1);
    await metrics.compare(none, async () => []);
    assert.deepEqual(await samples(metrics, 'chaos_leases_held'), []);
  });
});

describe('metrics of impact', () => {
  const errorRate = (value: number | null): Parameters<ImpactMetrics['observe']>[2] => ({
    'error-rate': { value, dimension: 'ratio' },
  });
  const open = (): { impact: ImpactMetrics; read: (name: string) => Promise<string[]> } => {
    const registry = new Registry();
    const read = async (name: string): Promise<string[]> =>
      (await registry.metrics()).split('\n').filter((line) => line.startsWith(`${name}{`));
    return { impact: new ImpactMetrics(registry), read };
  };
  const type = '{experiment_type="host/pause"}';

  it('are the samples as they are taken, the worst of all open runs', async () => {
    const { impact, read } = open();
    impact.observe('a', 'host/pause', errorRate(0.1));
    impact.observe('b', 'host/pause', { ...errorRate(0.3), availability: { value: 0.6, dimension: 'ratio' } });
    assert.deepEqual(await read('chaos_impact_error_rate'), [`chaos_impact_error_rate${type} 0.3`]);
    assert.deepEqual(await read('chaos_impact_availability'), [`chaos_impact_availability${type} 0.6`]);
    impact.observe('b', 'host/pause', null);
    assert.deepEqual(await read('chaos_impact_error_rate'), [`chaos_impact_error_rate${type} 0.1`]);
    assert.deepEqual(await read('chaos_impact_availability'), [`chaos_impact_availability${type} 0.9`]);
  });

  it('are not there without data, nor when the run is over', async () => {
    const { impact, read } = open();
    impact.observe('a', 'host/pause', errorRate(0));
    assert.deepEqual(await read('chaos_impact_availability'), [`chaos_impact_availability${type} 1`]);
    impact.observe('a', 'host/pause', errorRate(null));
    assert.deepEqual(await read('chaos_impact_error_rate'), []);
    impact.observe('a', 'host/pause', errorRate(0.2));
    impact.observe('a', 'host/pause', null);
    assert.deepEqual([...(await read('chaos_impact_error_rate')), ...(await read('chaos_impact_availability'))], []);
  });

  it('count every sample of a latency, in seconds', async () => {
    const { impact, read } = open();
    for (const value of [20, 500, null])
      impact.observe('a', 'host/pause', { 'latency-p99': { value, dimension: 'duration' } });
    assert.deepEqual(await read('chaos_impact_latency_seconds_count'), [`chaos_impact_latency_seconds_count${type} 2`]);
    assert.deepEqual(await read('chaos_impact_latency_seconds_sum'), [`chaos_impact_latency_seconds_sum${type} 0.52`]);
  });
});

describe('the endpoint', () => {
  it('says whether the worker lives, whether it serves, and its metrics; and nothing else', async () => {
    let ready = false;
    const endpoint = await serveEndpoint(new RunMetrics().registry, () => ready, 0);
    const get = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${endpoint.port}${path}`);
    try {
      assert.equal((await get('/healthz')).status, 200);
      assert.equal((await get('/readyz')).status, 503);
      ready = true;
      assert.equal((await get('/readyz')).status, 200);
      const metrics = await get('/metrics');
      assert.match(metrics.headers.get('content-type') ?? '', /^text\/plain/);
      assert.match(await metrics.text(), /^# TYPE chaos_experiments_total counter$/m);
      assert.equal((await get('/')).status, 404);
    } finally {
      await endpoint.close();
    }
  });
});
