/** Whole runs on a real cluster: stages, hold, rollback, and what is left when everything dies in mid-fault. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Lane } from '../../bench/torture/lane.ts';
import { pausing } from '../../bench/torture/experiment.ts';
import type { Experiment, JsonObject } from '../../domain/experiment.ts';
import type { RunResult, Story } from '../../workflows/messages.ts';
import { startRun } from '../../workers/start-run.ts';
import { until } from '../until.ts';
import { Cluster, whyNoCluster } from './cluster/cluster.ts';
import { makeNode } from './nodes.ts';
import { deploymentOf } from './pods.ts';

const TTL_MS = 6_000;

describe('runs on a real cluster', { skip: await whyNoCluster() }, () => {
  const undo = new AsyncDisposableStack();
  let cluster: Cluster;
  let lane: Lane;
  before(async () => {
    cluster = await Cluster.open();
    undo.defer(() => cluster.close());
    const folder = await mkdtemp(join(tmpdir(), 'squall-cluster-run-'));
    undo.defer(() => rm(folder, { recursive: true, force: true }));
    const section = `kubernetes: { kubeconfig: '${cluster.kubeconfig}', nodes: true }`;
    lane = new Lane(folder, 'cluster-run', { groups: [], sections: [section] });
    await lane.up();
    undo.defer(() => lane.down());
  });
  after(() => undo.disposeAsync());

  /** Names of objects that are as `path` says. */
  async function those(kind: string, path: string): Promise<string[]> {
    const found = await cluster.kubectl('get', kind, '-o', `jsonpath={range .items[?(${path})]}{.metadata.name} {end}`);
    return found.split(' ').filter((name) => name !== '');
  }
  const cordoned = async (): Promise<string[]> => those('nodes', '@.spec.unschedulable==true');

  function experiment(
    fault: string,
    parameters: JsonObject,
    selector: JsonObject,
    stages: number[],
    holdMs: number,
  ): Experiment {
    const base = pausing({ fault, group: '', seed: 'any', ttlMs: TTL_MS, stages, holdMs });
    return { ...base, with: parameters, targets: { site: 'torture', selector } };
  }
  const start = (id: string, asked: Experiment) =>
    startRun(lane.client, id, { experiment: asked, documentHash: '', startedBy: 'a test' });

  it('nodes are cordoned stage by stage, held, and uncordoned', async () => {
    await using made = new AsyncDisposableStack();
    await Promise.all(Array.from({ length: 4 }, () => makeNode(cluster, made, { pool: 'staged' })));
    const selector = { kind: 'node', labels: { pool: 'staged' } };
    const handle = await start('staged', experiment('kubernetes/node-cordon', {}, selector, [1, 3], 4_000));
    await until(async () => (await cordoned()).length === 1);
    const [first = ''] = await cordoned();
    await until(async () => (await cordoned()).length === 3);
    assert.ok((await cordoned()).includes(first), 'a stage holds on to the one before');
    const { status, deviated, reason } = (await handle.result()) as RunResult;
    assert.deepEqual([status, deviated], ['completed', false], reason);
    assert.deepEqual(await cordoned(), []);
  });

  it('a worker that is killed with its run and its lease leaves a fault, which the next worker ends', async () => {
    for (const app of ['one', 'other']) await cluster.create(deploymentOf(app, 'default', 4, { set: 'scaled' }));
    const scaled = async (): Promise<string[]> => those('deployments', '@.spec.replicas==1');
    const selector = { kind: 'deployment', namespace: 'default', labels: { set: 'scaled' } };
    const handle = await start('dying', experiment('kubernetes/scale', { to: '25%' }, selector, [2], 600_000));
    const phase = async (): Promise<string> =>
      handle.query<Story, [number]>('story', 0).then(
        ({ state }) => state.phase,
        () => '',
      );
    await until(async () => (await scaled()).length === 2 && (await phase()) === 'holding');
    await lane.kill('site');
    await lane.client.workflow.getHandle('dying/stage-1').terminate('a test');
    await handle.terminate('a test');
    assert.deepEqual(await scaled(), ['one', 'other'], 'nothing in the cluster ends it');
    await lane.start('site');
    await until(async () => (await those('deployments', '@.spec.replicas==4')).length === 2);
    assert.equal(await cluster.kubectl('get', 'deployments', '-l', 'squall/scale=held', '-o', 'name'), '');
  });
});
