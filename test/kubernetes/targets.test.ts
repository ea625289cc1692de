/** Who may be a target in a real cluster, and who is left out with which reason. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Candidates, TargetProvider } from '../../activities/targets/provider.ts';
import { targets } from '../../activities/targets/kubernetes.ts';
import { driver as cordon } from '../../activities/faults/kubernetes/node-cordon.ts';
import { protectionOf } from '../../domain/policy.ts';
import { until } from '../until.ts';
import { Cluster, whyNoCluster } from './cluster/cluster.ts';
import { ATTEMPT, faultOn, makeNode, openDriver } from './nodes.ts';
import { deploymentOf, podsOf, settle, template } from './pods.ts';

const SHOP = 'targets-shop';

describe('targets of a real cluster', { skip: await whyNoCluster() }, () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await Cluster.open();
  });
  after(() => cluster.close());

  function open(change: Record<string, unknown> = {}): TargetProvider<unknown> {
    const settings = { kubernetes: { kubeconfig: cluster.kubeconfig, nodes: true, ...change } };
    return targets({ name: 'lab', installation: 'lab', stateDir: '', settings });
  }
  async function resolve(selector: unknown, change: Record<string, unknown> = {}): Promise<Candidates> {
    const provider = open(change);
    return provider.resolve(provider.selector.parse(selector), AbortSignal.timeout(60_000));
  }
  const names = ({ targets: found }: Candidates): string[] =>
    found.map((id) => id.replace(/^.*\//, '').replace(/@.*$/, '')).toSorted();
  const reasons = ({ excluded }: Candidates): Record<string, number> =>
    Object.fromEntries(excluded.map(({ reason, count }) => [reason, count]));

  describe('pods', () => {
    const undo = new AsyncDisposableStack();
    let node: string;
    before(async () => {
      await cluster.kubectl('create', 'namespace', SHOP);
      undo.defer(async () => void (await cluster.kubectl('delete', 'namespace', SHOP, '--wait=false')));
      ({ name: node } = await makeNode(cluster, undo, { 'topology.kubernetes.io/zone': 'a' }));
      for (const [app, replicas, labels] of [
        ['web', 4, { tier: 'front' }],
        ['single', 1, {}],
        ['guarded', 4, {}],
      ] as const)
        await cluster.create(deploymentOf(app, SHOP, replicas, labels));
      await cluster.create({
        apiVersion: 'v1',
        kind: 'Pod',
        ...template('bare'),
        metadata: { name: 'bare', namespace: SHOP },
      });
      await cluster.create({
        apiVersion: 'policy/v1',
        kind: 'PodDisruptionBudget',
        metadata: { name: 'guard', namespace: SHOP },
        spec: {
          minAvailable: 2,
          selector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['guarded'] }] },
        },
      });
      await until(async () => (await podsOf(cluster, SHOP)).length === 10);
      await settle(cluster, SHOP, node);
      const budget = ['get', 'pdb', 'guard', '-n', SHOP, '-o', 'jsonpath={.status.disruptionsAllowed}'];
      await until(async () => (await cluster.kubectl(...budget)) === '2');
      const ready = ['get', 'deployments', '-n', SHOP, '-o', 'jsonpath={.items[*].status.readyReplicas}'];
      await until(async () => (await cluster.kubectl(...ready)) === '4 1 4');
    });
    after(() => undo.disposeAsync());

    it('are found by labels, owner, node, zone and name, with what the policy asks of them', async () => {
      const web = await resolve({ namespace: SHOP, labels: { tier: 'front' } });
      assert.equal(web.targets.length, 3, 'one replica stays');
      assert.deepEqual(reasons(web), { 'the last ready replica of its owner': 1 });
      const facts = web.facts.get(web.targets[0] ?? '');
      assert.deepEqual([facts?.namespace, facts?.host, facts?.labels['tier']], [SHOP, node, 'front']);
      const one = names(web)[0] ?? '';
      for (const selector of [
        { owner: 'deployment/web' },
        { owner: `replicaset/${one.replace(/-[^-]+$/, '')}` },
        { labels: { app: 'web' }, node },
        { labels: { app: 'web' }, zone: 'a' },
      ])
        assert.deepEqual(names(await resolve({ namespace: SHOP, ...selector })), names(web), JSON.stringify(selector));
      assert.deepEqual(names(await resolve({ namespace: SHOP, names: [one] })), [one]);
      assert.deepEqual(names(await resolve({ namespace: SHOP, zone: 'b' })), []);
    });

    it('are left out where nothing would be left, or nobody would replace them', async () => {
      assert.deepEqual(reasons(await resolve({ namespace: SHOP, labels: { app: 'single' } })), {
        'the last ready replica of its owner': 1,
      });
      assert.deepEqual(reasons(await resolve({ namespace: SHOP, names: ['bare'] })), {
        'nobody would replace it: it has no owner': 1,
      });
      const guarded = await resolve({ namespace: SHOP, labels: { app: 'guarded' } });
      assert.equal(guarded.targets.length, 2);
      assert.deepEqual(reasons(guarded), { 'beyond its disruption budget guard, which allows 2': 2 });
      assert.deepEqual(
        (await resolve({ namespace: SHOP, labels: { app: 'guarded' } })).targets,
        guarded.targets,
        'the same ones each time',
      );
    });

    it('are left out where they do not serve', async () => {
      const pod = names(await resolve({ namespace: SHOP, labels: { app: 'web' } }))[0] ?? '';
      const unready = JSON.stringify({ status: { conditions: [{ type: 'Ready', status: 'False' }] } });
      await cluster.kubectl('patch', 'pod', pod, '-n', SHOP, '--subresource=status', '--type=merge', '-p', unready);
      const found = await resolve({ namespace: SHOP, names: [pod] });
      assert.deepEqual([found.targets, reasons(found)], [[], { 'not Running and Ready': 1 }]);
    });

    it('of protected namespaces are none', async () => {
      const elsewhere = await resolve({}, { namespaces: ['default'] });
      assert.deepEqual(elsewhere.targets, []);
      for (const namespace of ['kube-system', SHOP]) {
        const change = namespace === SHOP ? { namespaces: ['default'] } : {};
        assert.match(Object.keys(reasons(await resolve({ namespace }, change))).join(), /may touch/);
      }
      assert.ok((await resolve({})).targets.length > 0, 'all others are looked through');
    });
  });

  it('nodes are found where the site allows them, and the last one is left', async () => {
    await using undo = new AsyncDisposableStack();
    const labels = { pool: 'blue', 'topology.kubernetes.io/zone': 'z' };
    const [one, cordoned, held] = await Promise.all([1, 2, 3].map(() => makeNode(cluster, undo, labels)));
    const master = await makeNode(cluster, undo, { ...labels, 'node-role.kubernetes.io/control-plane': '' });
    assert.ok(one && cordoned && held);
    await cluster.kubectl('cordon', cordoned.name);
    await openDriver(cluster, cordon).inject([faultOn(held.id, {})], ATTEMPT);
    const selector = { kind: 'node', labels: { pool: 'blue' }, zone: 'z' };
    const found = await resolve(selector);
    assert.deepEqual(reasons(found), {
      'cordoned already': 1,
      'of the control plane': 1,
      'the last node that pods can be scheduled on': 1,
    });
    assert.deepEqual(found.targets, [held.id], `never ${one.name}, the last that is left, nor ${master.name}`);
    assert.match(Object.keys(reasons(await resolve(selector, { nodes: false }))).join(), /nodes: true/);
  });

  it('deployments are found by name, unless they have no replicas', async () => {
    await using undo = new AsyncDisposableStack();
    for (const [app, replicas] of [
      ['busy', 2],
      ['idle', 0],
    ] as const) {
      await cluster.create(deploymentOf(app, 'default', replicas, { set: 'workloads' }));
      undo.defer(async () => void (await cluster.kubectl('delete', 'deployment', app)));
    }
    const found = await resolve({ kind: 'deployment', namespace: 'default', labels: { set: 'workloads' } });
    assert.deepEqual([names(found), reasons(found)], [['busy'], { 'has no replicas': 1 }]);
  });

  it('what pods of a deployment are labelled with is known of it', async () => {
    await using undo = new AsyncDisposableStack();
    const labelled = deploymentOf('labelled', 'default', 2, { critical: 'true' });
    await cluster.create({ ...labelled, metadata: { name: 'labelled', namespace: 'default' } });
    undo.defer(async () => void (await cluster.kubectl('delete', 'deployment', 'labelled')));
    const { targets: found, facts } = await resolve({ kind: 'deployment', namespace: 'default', names: ['labelled'] });
    const protect = { labels: { critical: 'true' }, namespaces: [], accounts: [], hosts: [] };
    assert.match(protectionOf(protect, facts.get(found[0] ?? '')) ?? '', /protected by the label critical=true/);
  });

  it('config maps are found, but not those of the cluster', async () => {
    await using undo = new AsyncDisposableStack();
    await cluster.kubectl('create', 'configmap', 'app', '--from-literal=a=b');
    undo.defer(async () => void (await cluster.kubectl('delete', 'configmap', 'app')));
    const found = await resolve({ kind: 'configmap', namespace: 'default' });
    assert.deepEqual([names(found), reasons(found)], [['app'], { "of the cluster's own": 1 }]);
  });

  it('what fits no kind is said where it is written', () => {
    const said = open().selector.safeParse({ kind: 'node', namespace: 'shop', owner: 'deployment/web' });
    assert.deepEqual(
      said.error?.issues.map(({ path }) => path.join('.')),
      ['namespace', 'owner'],
    );
  });
});
