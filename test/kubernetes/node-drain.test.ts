/** Draining nodes of a real cluster: who goes, who stays and why, and when what went has healed. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { Attempt } from '../../activities/faults/driver.ts';
import { driver as cordon } from '../../activities/faults/kubernetes/node-cordon.ts';
import { driver as nodeDrain } from '../../activities/faults/kubernetes/node-drain.ts';
import { kubernetesApi } from '../../activities/kubernetes/api.ts';
import { ownNode } from '../../activities/kubernetes/own-pod.ts';
import { kubernetesSettings } from '../../activities/targets/kubernetes-settings.ts';
import { until } from '../until.ts';
import { Cluster, whyNoCluster } from './cluster/cluster.ts';
import type { KubernetesObject } from './cluster/cluster.ts';
import { ATTEMPT, faultOn, makeNode, openDriver } from './nodes.ts';
import { deploymentOf, isReady, podsOf, settle, template } from './pods.ts';

/** Adds to what is protected anyway. */
const PARAMS = { spare: { keep: 'me' } };
const SKIP = process.env['KUBECONFIG']
  ? 'pods of a named cluster are not where a test wants them'
  : await whyNoCluster();

describe('nodes of a real cluster that are drained', { skip: SKIP }, () => {
  const undo = new AsyncDisposableStack();
  let cluster: Cluster;
  let elsewhere: string;
  let count = 0;
  let namespace: string;
  let node: { readonly name: string; readonly id: string };
  before(async () => {
    cluster = await Cluster.open();
    undo.defer(() => cluster.close());
    ({ name: elsewhere } = await makeNode(cluster, undo));
  });
  after(() => undo.disposeAsync());
  beforeEach(async () => {
    namespace = `drain-${++count}`;
    await cluster.kubectl('create', 'namespace', namespace);
    node = await makeNode(cluster, undo);
  });

  /** Makes `object`, whose pods run on `on` then. */
  async function running(object: KubernetesObject, app: string, pods: number, on = node.name): Promise<void> {
    const within = object.metadata.namespace ?? namespace;
    await cluster.create(object);
    await until(async () => {
      await settle(cluster, within, on);
      const found = await podsOf(cluster, within, app);
      return found.length === pods && found.every(({ status }) => status?.['phase'] === 'Running');
    });
  }
  const web = (app: string, replicas: number, labels = {}): KubernetesObject =>
    deploymentOf(app, namespace, replicas, labels);
  const bare = (name: string, within = namespace): KubernetesObject => ({
    apiVersion: 'v1',
    kind: 'Pod',
    ...template(name),
    metadata: { name, namespace: within, labels: { app: name } },
  });
  async function scaled(app: string, replicas: number, on = elsewhere): Promise<void> {
    await cluster.kubectl('scale', 'deployment', app, '-n', namespace, `--replicas=${replicas}`);
    await until(async () => {
      await settle(cluster, namespace, on);
      return (await podsOf(cluster, namespace, app)).length === replicas;
    });
  }
  /** Names of the pods on the node that are not about to go. */
  async function staying(within = namespace): Promise<string[]> {
    return (await podsOf(cluster, within))
      .filter(({ metadata, spec }) => spec?.['nodeName'] === node.name && !metadata['deletionTimestamp'])
      .map(({ metadata }) => metadata.labels?.['app'] ?? '');
  }
  const isCordoned = async (): Promise<boolean> =>
    (await cluster.kubectl('get', 'node', node.name, '-o', 'jsonpath={.spec.unschedulable}')) === 'true';
  const short = (ms = 6_000): Attempt => {
    const endsAtMs = performance.now() + ms;
    return { signal: ATTEMPT.signal, remainingMs: () => endsAtMs - performance.now() };
  };

  it('pods go that somebody replaces elsewhere; the node’s own, protected and spared ones stay', async () => {
    await running(web('goes', 1), 'goes', 1);
    await scaled('goes', 2);
    await running(web('single', 1), 'single', 1);
    await running(web('spared', 1, { keep: 'me' }), 'spared', 1);
    await scaled('spared', 2);
    await running(web('critical', 1, { critical: 'true' }), 'critical', 1);
    await scaled('critical', 2);
    await running(web('ours', 1, { 'app.kubernetes.io/part-of': 'squall' }), 'ours', 1);
    await scaled('ours', 2);
    await running(bare('bare'), 'bare', 1);
    const system = { ...bare(`bare-${count}`, 'kube-system') };
    await running(system, `bare-${count}`, 1);
    const daemon = web('daemon', 1);
    const { replicas: _replicas, ...spec } = daemon.spec ?? {};
    const pinned = {
      ...template('daemon'),
      spec: { ...(template('daemon')['spec'] as object), nodeName: node.name, tolerations: [{ operator: 'Exists' }] },
    };
    await cluster.create({ ...daemon, kind: 'DaemonSet', spec: { ...spec, template: pinned } });
    await until(async () => {
      await settle(cluster, namespace, node.name);
      return (await podsOf(cluster, namespace, 'daemon')).length > 0;
    });
    const driver = openDriver(cluster, nodeDrain);
    const fault = faultOn(node.id, PARAMS);
    const [outcome] = await driver.inject([fault], ATTEMPT);
    assert.equal(outcome?.result, 'injected', outcome?.detail);
    for (const said of [
      'bare (nobody',
      'single-',
      'all there is',
      'spared by the label keep=me',
      'protected by the label critical=true',
      'part of Squall',
    ])
      assert.ok(outcome?.detail?.includes(said), `${said}: ${outcome?.detail}`);
    const left = new Set(await staying());
    assert.deepEqual(
      ['goes', 'single', 'spared', 'critical', 'ours'].map((app) => left.has(app)),
      [false, true, true, true, true],
    );
    assert.deepEqual([left.has('bare'), left.has('daemon')], [true, true]);
    assert.deepEqual(await staying('kube-system'), [`bare-${count}`]);
    assert.equal(await isCordoned(), true);
    await driver.revert([fault], ATTEMPT);
    assert.equal(await isCordoned(), false);
  });

  it('what a budget does not allow stays until it does, and the outcome says which pods stayed', async () => {
    await running(web('guarded', 2), 'guarded', 2);
    await cluster.create({
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'all', namespace },
      spec: { minAvailable: '100%', selector: { matchLabels: { app: 'guarded' } } },
    });
    const driver = openDriver(cluster, nodeDrain);
    const fault = faultOn(node.id, PARAMS);
    const [outcome] = await driver.inject([fault], short());
    assert.match(`${outcome?.result} ${outcome?.detail}`, /^injected 2 pods stayed: .*disruption budget/);
    assert.deepEqual(await staying(), ['guarded', 'guarded']);
    await cluster.kubectl('delete', 'poddisruptionbudget', 'all', '-n', namespace);
    const again = driver.inject([fault], ATTEMPT);
    // One goes at once, the other when a third is ready elsewhere.
    await until(async () => (await staying()).length === 1);
    await settle(cluster, namespace, elsewhere);
    await until(async () => {
      await settle(cluster, namespace, elsewhere);
      return (await staying()).length === 0;
    });
    assert.deepEqual(
      (await again).map(({ result, detail }) => [result, detail]),
      [['injected', undefined]],
    );
    await driver.revert([fault], ATTEMPT);
  });

  it('a pod that cannot be evicted stays, with the reason, and keeps no other', async () => {
    await running(web('bad', 1), 'bad', 1);
    await scaled('bad', 2);
    await running(web('good', 1), 'good', 1);
    await scaled('good', 2);
    // The server evicts no pod that has two.
    for (const name of ['one', 'two'])
      await cluster.create({
        apiVersion: 'policy/v1',
        kind: 'PodDisruptionBudget',
        metadata: { name, namespace },
        spec: { maxUnavailable: 1, selector: { matchLabels: { app: 'bad' } } },
      });
    const driver = openDriver(cluster, nodeDrain);
    const fault = faultOn(node.id, PARAMS);
    const [outcome] = await driver.inject([fault], short(10_000));
    assert.match(
      `${outcome?.result} ${outcome?.detail}`,
      /^injected 1 pods stayed: \S+\/bad-\S+ \(.*more than one PodDisruptionBudget/,
    );
    assert.deepEqual(await staying(), ['bad']);
    await driver.revert([fault], ATTEMPT);
  });

  it('of an owner with a ready pod on each of two nodes that are drained at once, one stays', async () => {
    const other = await makeNode(cluster, undo);
    for (const app of ['split', 'split-too', 'split-three']) {
      await running(web(app, 1), app, 1);
      await scaled(app, 2, other.name);
    }
    const driver = openDriver(cluster, nodeDrain);
    const faults = [node, other].map(({ id }) => faultOn(id, PARAMS));
    const outcomes = await driver.inject(faults, short());
    assert.match(outcomes.map(({ detail }) => detail).join(), /the last ready replica of its owner/);
    for (const app of ['split', 'split-too', 'split-three']) {
      const ready = (await podsOf(cluster, namespace, app)).filter(
        ({ metadata, status }) => metadata['deletionTimestamp'] === undefined && isReady(status),
      );
      assert.equal(ready.length, 1, app);
    }
    await driver.revert(faults, ATTEMPT);
  });

  it('it has healed once as many are ready as before, and says until then what is missing', async () => {
    await running(web('heals', 2), 'heals', 2);
    await scaled('heals', 3);
    const driver = openDriver(cluster, nodeDrain);
    const fault = faultOn(node.id, PARAMS);
    const injecting = driver.inject([fault], short(10_000));
    await until(async () => (await staying()).length < 2);
    await injecting;
    await driver.revert([fault], ATTEMPT);
    assert.equal(await isCordoned(), false);
    assert.deepEqual(await driver.verify([fault], ATTEMPT), ['active']);
    const [said] = await driver.revert([fault], ATTEMPT);
    assert.match(`${said?.result} ${said?.detail}`, /^absent Deployment .*\/heals has [12] of 3 pods ready$/);
    await until(async () => {
      await settle(cluster, namespace, elsewhere);
      return (await driver.verify([fault], ATTEMPT))[0] === 'absent';
    });
    assert.equal((await driver.occupied([node.id])).size, 0);
  });

  it('a revert in its midst ends the evictions', async () => {
    await running(web('many', 2), 'many', 2);
    await cluster.create({
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'all', namespace },
      spec: { minAvailable: '100%', selector: { matchLabels: { app: 'many' } } },
    });
    const driver = openDriver(cluster, nodeDrain);
    const fault = faultOn(node.id, PARAMS);
    const injecting = driver.inject([fault], ATTEMPT);
    await until(isCordoned);
    await driver.revert([fault], ATTEMPT);
    assert.match((await injecting)[0]?.result ?? '', /^(?:lapsed|fenced)$/);
    await cluster.kubectl('delete', 'poddisruptionbudget', 'all', '-n', namespace);
    assert.deepEqual(
      (await driver.inject([fault], ATTEMPT)).map(({ result }) => result),
      ['fenced'],
    );
    assert.deepEqual(await staying(), ['many', 'many']);
    assert.equal(await isCordoned(), false);
  });

  it('a node that is cordoned by another fault, or by somebody else, is refused', async () => {
    const [first, second] = [openDriver(cluster, cordon), openDriver(cluster, nodeDrain)];
    const other = faultOn(node.id, {});
    await first.inject([other], ATTEMPT);
    const fault = faultOn(node.id, PARAMS);
    assert.deepEqual(
      (await second.inject([fault], ATTEMPT)).map(({ result }) => result),
      ['occupied'],
    );
    await second.revert([fault], ATTEMPT);
    assert.equal(await isCordoned(), true);
    await first.revert([other], ATTEMPT);
    await cluster.kubectl('cordon', node.name);
    const late = faultOn(node.id, PARAMS);
    assert.match((await second.inject([late], ATTEMPT))[0]?.detail ?? '', /somebody else/);
    await second.revert([late], ATTEMPT);
    assert.equal(await isCordoned(), true);
  });

  it('the node of this worker is known, or nobody may say that it is another', async () => {
    await running(bare('worker'), 'worker', 1);
    const outside = kubernetesSettings.parse({ kubeconfig: cluster.kubeconfig });
    const api = kubernetesApi(outside);
    const inside = kubernetesSettings.parse({});
    const at = (name: string) => ownNode(inside, { namespace, name }, api, ATTEMPT);
    assert.equal(await at('worker'), node.name);
    await assert.rejects(at('other'), /nobody can say/);
    await assert.rejects(ownNode(inside, undefined, api, ATTEMPT), /nobody can say/);
    assert.equal(await ownNode(outside, undefined, api, ATTEMPT), undefined);
    const by = (name: string) => ownNode(outside, { namespace, name }, api, ATTEMPT);
    assert.equal(await by('worker'), node.name, 'a kubeconfig that leads back into the worker’s own cluster');
    assert.equal(await by('other'), undefined, 'one that leads into another');
  });
});
