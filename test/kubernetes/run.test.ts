/** Whole runs on a real cluster: stages, hold, rollback, and what is left when everything dies in mid-fault. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { Lane } from '../../bench/torture/lane.ts';
import { Wire } from '../../bench/torture/wire.ts';
import { pausing } from '../../bench/torture/experiment.ts';
import type { Experiment, JsonObject } from '../../domain/experiment.ts';
import type { RunResult, Story } from '../../workflows/messages.ts';
import { squall } from '../cli/squall.ts';
import { startRun } from '../../workers/start-run.ts';
import { until } from '../until.ts';
import { Cluster, whyNoCluster } from './cluster/cluster.ts';
import { makeNode } from './nodes.ts';
import { deploymentOf, podsOf, settle } from './pods.ts';

const TTL_MS = 20_000;

describe('runs on a real cluster', { skip: await whyNoCluster() }, () => {
  const undo = new AsyncDisposableStack();
  let cluster: Cluster;
  let lane: Lane;
  let kubeconfig: string;
  /** Between the site worker and the API server, where that is our own. */
  let wire: Wire | undefined;
  before(async () => {
    cluster = await Cluster.open();
    undo.defer(() => cluster.close());
    const folder = await mkdtemp(join(tmpdir(), 'squall-cluster-run-'));
    undo.defer(() => rm(folder, { recursive: true, force: true }));
    kubeconfig = cluster.kubeconfig;
    if (!process.env['KUBECONFIG']) {
      const config = await readFile(cluster.kubeconfig, 'utf8');
      const [server, port] = /https:\/\/127\.0\.0\.1:(\d+)/.exec(config) ?? [];
      wire = await Wire.to(Number(port));
      undo.defer(() => wire?.close());
      kubeconfig = join(folder, 'config');
      await writeFile(kubeconfig, config.replace(server ?? '', `https://${wire.address}`), { mode: 0o600 });
    }
    const section = `kubernetes: { kubeconfig: '${kubeconfig}', nodes: true }`;
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

  const isHolding = async (handle: WorkflowHandle): Promise<boolean> =>
    handle.query<Story, [number]>('story', 0).then(
      ({ state }) => state.phase === 'holding',
      () => false,
    );

  it('nodes are cordoned stage by stage, held, and uncordoned', async () => {
    await using made = new AsyncDisposableStack();
    await Promise.all(Array.from({ length: 4 }, () => makeNode(cluster, made, { pool: 'staged' })));
    const selector = { kind: 'node', labels: { pool: 'staged' } };
    const shown = 'jsonpath={.metadata.name} {.spec.unschedulable}{"\\n"}';
    const seen = cluster.follow('get', 'nodes', '-l', 'pool=staged', '--watch', '-o', shown);
    made.defer(seen.end);
    await until(() => seen.lines.length >= 4);
    const handle = await start('staged', experiment('kubernetes/node-cordon', {}, selector, [1, 3], 6_000));
    const { status, deviated, reason } = (await handle.result()) as RunResult;
    assert.deepEqual([status, deviated], ['completed', false], reason);
    assert.deepEqual(await cordoned(), []);
    // Whatever happened, in its order: one, two more beside it, and none.
    await until(() => heldAfterEach(seen.lines).at(-1) === 0);
    const steps = heldAfterEach(seen.lines).filter((held, i, all) => held !== all[i - 1]);
    assert.deepEqual(steps, [0, 1, 2, 3, 2, 1, 0]);
  });

  it('workers that are killed with a run and its lease leave a fault, which the next worker ends', async () => {
    for (const app of ['one', 'other']) await cluster.create(deploymentOf(app, 'default', 4, { set: 'scaled' }));
    const scaled = async (): Promise<string[]> => those('deployments', '@.spec.replicas==1');
    const selector = { kind: 'deployment', namespace: 'default', labels: { set: 'scaled' } };
    const handle = await start('dying', experiment('kubernetes/scale', { to: '25%' }, selector, [2], 600_000));
    await until(async () => (await scaled()).length === 2 && (await isHolding(handle)));
    // The control worker sweeps too.
    await Promise.all([lane.kill('control'), lane.kill('site')]);
    await lane.client.workflow.getHandle('dying/stage-1').terminate('a test');
    await handle.terminate('a test');
    await sleep(TTL_MS);
    assert.deepEqual(await scaled(), ['one', 'other'], 'nothing in the cluster ends it, although its time is over');
    await lane.start('site');
    await until(async () => (await those('deployments', '@.spec.replicas==4')).length === 2);
    await until(
      async () => (await cluster.kubectl('get', 'deployments', '-l', 'squall/scale=held', '-o', 'name')) === '',
    );
    await lane.start('control');
  });

  it('who is marked as critical under the first stage is left alone by the second, which has the other', async () => {
    await using made = new AsyncDisposableStack();
    const apps = ['marked-1', 'marked-2', 'marked-3'];
    for (const app of apps) await cluster.create(deploymentOf(app, 'default', 4, { set: 'marked' }));
    made.defer(async () => void (await cluster.kubectl('delete', 'deployments', '-l', 'set=marked')));
    const scaled = async (): Promise<string[]> => those('deployments', '@.spec.replicas==1');
    const shown = 'jsonpath={.metadata.name} {.spec.replicas}{"\\n"}';
    const seen = cluster.follow('get', 'deployments', '-l', 'set=marked', '--watch', '-o', shown);
    made.defer(seen.end);
    await until(() => seen.lines.length >= apps.length);
    const selector = { kind: 'deployment', namespace: 'default', labels: { set: 'marked' } };
    const handle = await start('marked', experiment('kubernetes/scale', { to: '25%' }, selector, [1, 3], 15_000));
    await until(async () => (await scaled()).length === 1 && (await isHolding(handle)));
    const first = await scaled();
    const [critical = '', other = ''] = apps.filter((app) => !first.includes(app));
    await cluster.kubectl('label', 'deployment', critical, 'critical=true');
    await until(async () => (await scaled()).length === 2);
    assert.deepEqual(await scaled(), [...first, other].toSorted());
    const { status, deviated, reason } = (await handle.result()) as RunResult;
    assert.deepEqual([status, deviated], ['completed', false], reason);
    assert.ok(seen.lines.includes(`${other} 1`), seen.lines.join(', '));
    assert.ok(!seen.lines.includes(`${critical} 1`), seen.lines.join(', '));
    const { events } = await handle.query<Story, [number]>('story', 0);
    const held = events.flatMap((event) => (event.type === 'stage-held' ? [event] : []));
    assert.deepEqual(
      held.map(({ injected }) => injected),
      [1, 1],
    );
    assert.match(
      held[1]?.problems.join() ?? '',
      /^1 targets were skipped, among them .*: skipped \(protected by the label critical=true\)$/,
    );
  });

  it('a pod that its budget has come to protect meanwhile is skipped, and the run goes on with the others', async () => {
    await using made = new AsyncDisposableStack();
    const namespace = 'skipped';
    await cluster.kubectl('create', 'namespace', namespace);
    made.defer(async () => void (await cluster.kubectl('delete', 'namespace', namespace, '--wait=false')));
    const apps = ['one', 'other'];
    for (const app of apps) await cluster.create(deploymentOf(app, namespace, 2));
    const running = async (): Promise<string[]> => {
      await settle(cluster, namespace);
      const pods = await podsOf(cluster, namespace);
      return pods.flatMap(({ metadata, status }) =>
        status?.['phase'] === 'Running' && metadata['deletionTimestamp'] === undefined ? [metadata.uid ?? ''] : [],
      );
    };
    await until(async () => (await running()).length === 4);
    const before = await running();
    const parameters = { overBudget: 'skip' };
    const handle = await start('skipped', experiment('kubernetes/pod-kill', parameters, { namespace }, [1, 2], 20_000));
    await until(async () => isHolding(handle));
    for (const app of apps)
      await cluster.create({
        apiVersion: 'policy/v1',
        kind: 'PodDisruptionBudget',
        metadata: { name: app, namespace },
        spec: { minAvailable: '100%', selector: { matchLabels: { app } } },
      });
    const ended = { now: false };
    const result = handle.result().finally(() => (ended.now = true)) as Promise<RunResult>;
    // Whoever plays the kubelet goes on.
    await until(async () => (await running()).length === 4 && ended.now);
    const { status, deviated, reason } = await result;
    assert.deepEqual([status, deviated], ['completed', false], reason);
    const after = await running();
    assert.equal(before.filter((uid) => after.includes(uid)).length, 3, 'one of them was killed');
    const { events } = await handle.query<Story, [number]>('story', 0);
    const held = events.flatMap((event) => (event.type === 'stage-held' ? [event] : []));
    assert.deepEqual(
      held.map(({ injected }) => injected),
      [1, 0],
    );
    assert.match(held[1]?.problems.join() ?? '', /^1 targets were skipped, among them .*disruption budget/);
  });

  it('a fault of nodes with a selector of deployments is refused, with what to say instead', async () => {
    await using made = new AsyncDisposableStack();
    await cluster.create(deploymentOf('wrong', 'default', 2));
    made.defer(async () => void (await cluster.kubectl('delete', 'deployment', 'wrong')));
    const selector = { kind: 'deployment', namespace: 'default', names: ['wrong'] };
    const handle = await start('wrong', experiment('kubernetes/node-cordon', {}, selector, [1], 1_000));
    const { status, reason } = (await handle.result()) as RunResult;
    assert.deepEqual([status, /say `kind: node`/.test(reason)], ['refused', true], reason);
  });

  it('an API server that nobody reaches in mid-fault ends the run without a verdict, and the fault once it is back', async (t) => {
    if (wire === undefined) return t.skip('KUBECONFIG names a cluster whose wire cannot be cut');
    await using made = new AsyncDisposableStack();
    await Promise.all(Array.from({ length: 3 }, () => makeNode(cluster, made, { pool: 'cut' })));
    const selector = { kind: 'node', labels: { pool: 'cut' } };
    const handle = await start('cut', experiment('kubernetes/node-cordon', {}, selector, [2], 600_000));
    await until(async () => (await cordoned()).length === 2 && (await isHolding(handle)));
    wire.cut();
    await until(async () => !(await isHolding(handle)));
    assert.equal((await cordoned()).length, 2, 'nobody could end it');
    wire.mend();
    const { status, reason } = (await handle.result()) as RunResult;
    assert.equal(status, 'inconclusive', reason);
    assert.deepEqual(await cordoned(), []);
  });

  it('with every worker and Temporal dead, `squall sweep` ends the fault', async () => {
    await using made = new AsyncDisposableStack();
    await Promise.all(Array.from({ length: 3 }, () => makeNode(cluster, made, { pool: 'swept' })));
    const selector = { kind: 'node', labels: { pool: 'swept' } };
    const handle = await start('swept', experiment('kubernetes/node-cordon', {}, selector, [2], 600_000));
    await until(async () => (await cordoned()).length === 2 && (await isHolding(handle)));
    for (const part of ['site', 'control', 'temporal'] as const) await lane.kill(part);
    const sweep = async (): Promise<string> => (await squall(['sweep', '--config', lane.config])).out;
    await until(async () => /2 ended/.test(await sweep()));
    assert.deepEqual(await cordoned(), []);
  });
});

/** How many nodes were cordoned after each line of a watch. */
function heldAfterEach(lines: readonly string[]): number[] {
  const held = new Set<string>();
  return lines.map((line) => {
    const [name = '', unschedulable] = line.split(' ');
    if (unschedulable === 'true') held.add(name);
    else held.delete(name);
    return held.size;
  });
}
