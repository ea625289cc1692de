/** Whole runs on a cluster whose API server is not well: they go on, refuse, or end without a verdict, and leave nothing. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import type { WorkflowHandle } from '@temporalio/client';
import { pausing } from '../../bench/torture/experiment.ts';
import { Lane } from '../../bench/torture/lane.ts';
import { startRun } from '../../workers/start-run.ts';
import type { RunResult, Story } from '../../workflows/messages.ts';
import { until } from '../until.ts';
import { Cluster, whyNoCluster } from './cluster/cluster.ts';
import { IllServer } from './ill-server.ts';
import { makeNode } from './nodes.ts';

/** Renewed every two seconds, and missed for half of it before a run gives up. */
const TTL_MS = 12_000;
const skip = process.env['KUBECONFIG']
  ? 'KUBECONFIG names a cluster whose wire is not to be touched'
  : await whyNoCluster();

describe('an API server that is not well', { skip }, () => {
  const undo = new AsyncDisposableStack();
  let made = new AsyncDisposableStack();
  let cluster: Cluster;
  let lane: Lane;
  let server: IllServer;
  before(async () => {
    cluster = await Cluster.open();
    undo.defer(() => cluster.close());
    const folder = await mkdtemp(join(tmpdir(), 'squall-ill-'));
    undo.defer(() => rm(folder, { recursive: true, force: true }));
    const kubeconfig = join(folder, 'config');
    server = await IllServer.before(cluster.kubeconfig, kubeconfig);
    undo.defer(() => server.close());
    const sections = [`kubernetes: { kubeconfig: '${kubeconfig}', nodes: true }`];
    lane = new Lane(folder, 'ill-server', { groups: [], sections });
    await lane.up();
    undo.defer(() => lane.down());
  });
  after(() => undo.disposeAsync());
  beforeEach(async () => {
    made = new AsyncDisposableStack();
    await Promise.all(Array.from({ length: 3 }, () => makeNode(cluster, made, { pool: 'ill' })));
  });
  afterEach(async () => {
    server.illness = {};
    await made.disposeAsync();
  });

  const cordoned = async (): Promise<number> => {
    const found = await cluster.kubectl(
      'get',
      'nodes',
      '-o',
      'jsonpath={.items[?(@.spec.unschedulable==true)].metadata.name}',
    );
    return found.split(' ').filter(Boolean).length;
  };
  const held = async (): Promise<string> => cluster.kubectl('get', 'nodes', '-l', 'squall/cordon=held', '-o', 'name');
  async function start(id: string, holdMs: number, ttlMs = TTL_MS): Promise<WorkflowHandle> {
    const base = pausing({ fault: 'kubernetes/node-cordon', group: '', seed: id, ttlMs, stages: [2], holdMs });
    const selector = { kind: 'node', labels: { pool: 'ill' } };
    const experiment = { ...base, with: {}, targets: { site: 'torture', selector } };
    return startRun(lane.client, id, { experiment, documentHash: '', startedBy: 'a test' });
  }
  const isHolding = async (handle: WorkflowHandle): Promise<boolean> =>
    handle.query<Story, [number]>('story', 0).then(
      ({ state }) => state.phase === 'holding',
      () => false,
    );

  for (const [how, illness] of [
    ['each answer a fifth of a second late', { lateMs: 200 }],
    ['one answer in five an error', { refused: { status: 500, oneIn: 5 } }],
    ['one answer in five that it was asked too much', { refused: { status: 429, oneIn: 5 } }],
  ] as const)
    it(`a run goes on with ${how}`, async () => {
      server.illness = illness;
      // Whoever goes on has time for it: this machine is not to be ill as well.
      const handle = await start(`on-${how.replaceAll(' ', '-')}`, 20_000, 30_000);
      const { status, reason } = (await handle.result()) as RunResult;
      const { events } = await handle.query<Story, [number]>('story', 0);
      const on = events.flatMap((event) => (event.type === 'stage-held' ? [event.injected] : []));
      assert.deepEqual(on, [2], reason);
      // Whoever looks a last time waits no longer than for a server that is well.
      assert.ok(status === 'completed' || /nobody can say whether the fault was on to the end/.test(reason), reason);
      assert.deepEqual([await cordoned(), await held()], [0, '']);
    });

  for (const [how, illness] of [
    ['that it is asked too much', { refused: { status: 429, oneIn: 1 } }],
    ['nothing in a time-to-live', { lateMs: TTL_MS + 3_000 }],
  ] as const)
    it(`a run ends without a verdict when it hears ${how} in mid-fault, and the fault when the server is well`, async () => {
      const handle = await start(`ends-${how.replaceAll(' ', '-')}`, 600_000);
      await until(async () => (await cordoned()) === 2 && (await isHolding(handle)));
      server.illness = illness;
      await until(async () => !(await isHolding(handle)));
      assert.equal(await cordoned(), 2, 'nobody could end it');
      server.illness = {};
      const { status, reason } = (await handle.result()) as RunResult;
      assert.equal(status, 'inconclusive', reason);
      assert.deepEqual([await cordoned(), await held()], [0, '']);
    });

  it('a run is refused that cannot read whom it would harm, and touches nothing', async () => {
    server.illness = { refused: { status: 429, oneIn: 1 } };
    const handle = await start('refused', 5_000);
    const { status, reason } = (await handle.result()) as RunResult;
    assert.equal(status, 'refused', reason);
    assert.deepEqual([await cordoned(), await held()], [0, '']);
  });
});
