/** Each driver as a service account that may do exactly what it says it needs; with one verb less, pre-flight refuses. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { driver as configChange } from '../../activities/faults/kubernetes/config-change.ts';
import { driver as policyPartition } from '../../activities/faults/kubernetes/network-policy-partition.ts';
import { driver as cordon } from '../../activities/faults/kubernetes/node-cordon.ts';
import { driver as drain } from '../../activities/faults/kubernetes/node-drain.ts';
import { driver as taint } from '../../activities/faults/kubernetes/node-taint.ts';
import { driver as podKill } from '../../activities/faults/kubernetes/pod-kill.ts';
import { driver as restart } from '../../activities/faults/kubernetes/rollout-restart.ts';
import { driver as scale } from '../../activities/faults/kubernetes/scale.ts';
import { NoLeave } from '../../activities/faults/driver.ts';
import type { DriverFactory } from '../../activities/faults/driver.ts';
import { Refused } from '../../activities/kubernetes/api.ts';
import { until } from '../until.ts';
import { Cluster, whyNoCluster } from './cluster/cluster.ts';
import { accountOf, exactly } from './exactly.ts';
import type { Accounts, Role } from './exactly.ts';
import { makeNode } from './nodes.ts';
import { deploymentOf, podsOf, settle } from './pods.ts';

const NAMESPACE = 'access';

describe('drivers with no more leave than they ask for', { skip: await whyNoCluster() }, () => {
  const undo = new AsyncDisposableStack();
  let cluster: Cluster;
  let folder: string;
  before(async () => {
    cluster = await Cluster.open();
    undo.defer(() => cluster.close());
    folder = await mkdtemp(join(tmpdir(), 'squall-access-'));
    undo.defer(() => rm(folder, { recursive: true }));
    await cluster.kubectl('create', 'namespace', NAMESPACE);
    undo.defer(async () => void (await cluster.kubectl('delete', 'namespace', NAMESPACE, '--wait=false')));
  });
  after(() => undo.disposeAsync());
  const accounts = (): Accounts => ({ cluster, namespace: NAMESPACE, folder });

  it('kubernetes/node-cordon and kubernetes/node-taint', async () => {
    await using made = new AsyncDisposableStack();
    await Promise.all([1, 2].map(() => makeNode(cluster, made, { pool: 'access' })));
    const selector = { kind: 'node', labels: { pool: 'access' } };
    await exactly(accounts(), 'kubernetes/node-cordon', cordon, {}, selector);
    await exactly(accounts(), 'kubernetes/node-taint', taint, {}, selector);
  });

  it('kubernetes/node-drain', async () => {
    await using made = new AsyncDisposableStack();
    const nodes = await Promise.all([1, 2].map(() => makeNode(cluster, made)));
    await cluster.create(deploymentOf('drained', NAMESPACE, 0));
    made.defer(async () => void (await cluster.kubectl('delete', 'deployment', 'drained', '-n', NAMESPACE)));
    const deployment = ['deployment', 'drained', '-n', NAMESPACE];
    for (const [i, { name }] of nodes.entries()) {
      await cluster.kubectl('scale', ...deployment, `--replicas=${i + 1}`);
      await until(async () => {
        await settle(cluster, NAMESPACE, name);
        const ready = await cluster.kubectl('get', ...deployment, '-o', 'jsonpath={.status.readyReplicas}');
        return ready === `${i + 1}`;
      });
    }
    const selector = { kind: 'node', names: [nodes[0]?.name] };
    await exactly(accounts(), 'kubernetes/node-drain', drain, {}, selector);
  });

  it('kubernetes/pod-kill, kubernetes/network-policy-partition, kubernetes/rollout-restart and kubernetes/scale', async () => {
    await cluster.create(deploymentOf('web', NAMESPACE, 3));
    await until(async () => {
      await settle(cluster, NAMESPACE);
      return (await podsOf(cluster, NAMESPACE)).filter(({ status }) => status?.['phase'] === 'Running').length === 3;
    });
    const ready = ['get', 'deployment', 'web', '-n', NAMESPACE, '-o', 'jsonpath={.status.readyReplicas}'];
    await until(async () => (await cluster.kubectl(...ready)) === '3');
    await exactly(accounts(), 'kubernetes/pod-kill', podKill, { mode: 'delete' }, { namespace: NAMESPACE });
    await until(async () => {
      await settle(cluster, NAMESPACE);
      return (await cluster.kubectl(...ready)) === '3';
    });
    const service = { metadata: { name: 'db', namespace: NAMESPACE }, spec: { ports: [{ port: 80 }] } };
    await cluster.create({ apiVersion: 'v1', kind: 'Service', ...service });
    const peers = { peers: [{ service: 'db' }] };
    const pods = { namespace: NAMESPACE, labels: { app: 'web' } };
    await exactly(accounts(), 'kubernetes/network-policy-partition', policyPartition, peers, pods);
    const deployment = { kind: 'deployment', namespace: NAMESPACE };
    await exactly(accounts(), 'kubernetes/rollout-restart', restart, {}, deployment);
    await exactly(accounts(), 'kubernetes/scale', scale, { to: 1 }, deployment);
  });

  it('kubernetes/config-change', async () => {
    await cluster.kubectl('create', 'configmap', 'app', '-n', NAMESPACE, '--from-literal=a=b');
    await exactly(
      accounts(),
      'kubernetes/config-change',
      configChange,
      { key: 'a', value: 'c' },
      { kind: 'configmap', names: ['app'] },
    );
  });

  it('a fault for which no leave was ever given was not looked for; one that may be done but not seen is a problem', async () => {
    await using made = new AsyncDisposableStack();
    const apiVersion = 'rbac.authorization.k8s.io/v1';
    const looker = async (
      name: string,
      factory: DriverFactory,
      rules: Role['rules'],
    ): Promise<() => Promise<unknown>> => {
      const role: Role = { apiVersion, kind: 'ClusterRole', metadata: { name }, rules };
      const kubeconfig = await accountOf(accounts(), role, made, false);
      const settings = { kubernetes: { kubeconfig, namespaces: [NAMESPACE], nodes: true } };
      const driver = factory({ name: 'lab', installation: 'lab', stateDir: '', settings });
      return () => Array.fromAsync(driver.leftovers()).catch((error: unknown) => error);
    };
    const none = [{ apiGroups: [''], resources: ['services'], verbs: ['get'] }];
    for (const [name, factory] of Object.entries({ scale, 'pod-kill': podKill, 'node-cordon': cordon })) {
      const look = await looker(`no-${name}`, factory, none);
      assert.ok((await look()) instanceof NoLeave, name);
    }
    const patch = [
      { apiGroups: ['apps'], resources: ['deployments', 'statefulsets'], verbs: ['patch'] },
      { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['patch'] },
    ];
    for (const [name, factory] of Object.entries({ scale, 'pod-kill': podKill })) {
      const look = await looker(`blind-${name}`, factory, patch);
      await until(async () => (await look()) instanceof Refused, name);
    }
  });
});
