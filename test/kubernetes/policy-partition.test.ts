/** Pods cut off by a policy: what it allows, what the API server takes, and what is left when others interfere. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { driver as policyPartition } from '../../activities/faults/kubernetes/network-policy-partition.ts';
import { policySpec } from '../../activities/faults/kubernetes/policy/rules.ts';
import { targetId } from '../../activities/faults/kubernetes/target.ts';
import { policiesOf } from '../conformance/policies.ts';
import { until } from '../until.ts';
import { Cluster, whyNoCluster } from './cluster/cluster.ts';
import type { KubernetesObject } from './cluster/cluster.ts';
import { ATTEMPT, faultOn, openDriver } from './nodes.ts';
import { template } from './pods.ts';

const ASKED = { dns: false };

describe('the rules of a policy that cuts off', () => {
  const SELECTED = { a: 'b' };

  it('without peers nobody is allowed, but names are resolved, and the node and who is kept stay', () => {
    assert.deepEqual(policySpec({ ...ASKED, keep: ['10.1.0.0/16'] }, undefined, ['10.99.0.2'], SELECTED), {
      podSelector: { matchLabels: SELECTED },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [{ from: [{ ipBlock: { cidr: '10.1.0.0/16' } }, { ipBlock: { cidr: '10.99.0.2/32' } }] }],
      egress: [
        { to: [{ ipBlock: { cidr: '10.1.0.0/16' } }] },
        {
          ports: [
            { protocol: 'TCP', port: 53 },
            { protocol: 'UDP', port: 53 },
          ],
        },
      ],
    });
    assert.deepEqual(policySpec({ dns: true, direction: 'egress' }, undefined, [], SELECTED)['egress'], []);
  });

  it('of peers everybody else is allowed, and of ports every other', () => {
    const asked = { dns: true, direction: 'ingress' as const, ports: [1, 5432] };
    const { ingress, egress } = policySpec(asked, ['10.0.0.7', 'fd00::/8'], [], SELECTED);
    assert.equal(egress, undefined);
    const [others, ports] = ingress as {
      from?: unknown;
      ports?: { protocol: string; port: number; endPort: number }[];
    }[];
    assert.deepEqual(others?.from, [
      { ipBlock: { cidr: '0.0.0.0/0', except: ['10.0.0.7/32'] } },
      { ipBlock: { cidr: '::/0', except: ['fd00::/8'] } },
    ]);
    const tcp = ports?.ports?.filter(({ protocol }) => protocol === 'TCP').map(({ port, endPort }) => [port, endPort]);
    assert.deepEqual(tcp, [
      [2, 5431],
      [5433, 65_535],
    ]);
  });

  it('all of a family as a peer leaves only the other', () => {
    const { egress } = policySpec({ dns: true, direction: 'egress' }, ['0.0.0.0/0'], [], SELECTED);
    assert.deepEqual(egress, [{ to: [{ ipBlock: { cidr: '::/0' } }] }]);
  });
});

describe('pods of a real cluster that are cut off by a policy', { skip: await whyNoCluster() }, () => {
  const undo = new AsyncDisposableStack();
  const namespace = 'cut';
  let cluster: Cluster;
  let count = 0;
  before(async () => {
    cluster = await Cluster.open();
    undo.defer(() => cluster.close());
    await cluster.kubectl('create', 'namespace', namespace);
    undo.defer(async () => void (await cluster.kubectl('delete', 'namespace', namespace, '--wait=false')));
  });
  after(() => undo.disposeAsync());

  async function pod(more = {}): Promise<{ readonly name: string; readonly id: string }> {
    const name = `pod-${++count}`;
    const { spec } = template(name);
    const { metadata } = await cluster.create({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace, labels: { app: name } },
      spec: { ...(spec as object), ...more },
    });
    return { name, id: targetId({ kind: 'pod', namespace, name, uid: metadata.uid ?? '' }) };
  }
  const ours = async (): Promise<string[]> => {
    const found = await cluster.kubectl(
      'get',
      'jobs,networkpolicies,pods',
      '-n',
      namespace,
      '-l',
      'squall/fault',
      '-o',
      'name',
    );
    return found.split('\n').filter((line) => line !== '');
  };

  it('the API server takes every rule; the outcome says that nothing is proven; nothing is left', async () => {
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'db', namespace },
      spec: { ports: [{ port: 80 }] },
    };
    await cluster.create(service);
    const { id, name } = await pod();
    const driver = openDriver(cluster, policyPartition);
    const peers = [{ service: 'db' }, '10.3.0.0/16', 'fd00::1'];
    const params = {
      ...ASKED,
      direction: 'both' as const,
      peers,
      ports: [80],
      keep: ['10.3.1.0/24'],
      keepPorts: [9090],
    };
    const fault = faultOn(id, params);
    const [outcome] = await driver.inject([fault], ATTEMPT);
    assert.match(`${outcome?.result} ${outcome?.detail}`, /^injected unproven/);
    const [policy = ''] = await policiesOf(cluster, namespace, name);
    const { metadata, spec } = JSON.parse(
      await cluster.kubectl('get', 'networkpolicy', policy, '-n', namespace, '-o', 'json'),
    ) as KubernetesObject;
    assert.equal(metadata.labels?.['app.kubernetes.io/part-of'], 'squall');
    assert.match(JSON.stringify(spec), /"except":\["10\.96\.[\d.]+\/32","10\.3\.0\.0\/16"\]/);
    await driver.revert([fault], ATTEMPT);
    await until(async () => (await ours()).length === 0);
    assert.equal(
      await cluster.kubectl('get', 'pods', '-n', namespace, '-l', 'job-name', '-o', 'name'),
      '',
      'a fuse starts no pod',
    );
  });

  it('inject and revert at the same time leave nothing that selects anybody', async () => {
    const driver = openDriver(cluster, policyPartition);
    const pods = await Promise.all(Array.from({ length: 8 }, () => pod()));
    const faults = pods.map(({ id }) => faultOn(id, ASKED));
    await Promise.all(
      faults.map(async (fault, i) => {
        const reverting = new Promise((resolve) => setTimeout(resolve, 20 * i)).then(() =>
          driver.revert([fault], ATTEMPT),
        );
        await Promise.all([driver.inject([fault], ATTEMPT), reverting]);
      }),
    );
    for (const { name } of pods) assert.deepEqual(await policiesOf(cluster, namespace, name), []);
    await driver.revert(faults, ATTEMPT);
    assert.deepEqual(new Set(await driver.verify(faults, ATTEMPT)), new Set(['absent']));
    assert.deepEqual(await ours(), []);
  });

  it('a policy that somebody else takes away is a fault that has ended; a pod that goes takes all with it', async () => {
    const driver = openDriver(cluster, policyPartition);
    const [one, other] = [await pod(), await pod()];
    const faults = [faultOn(one.id, ASKED), faultOn(other.id, ASKED)] as const;
    await driver.inject(faults, ATTEMPT);
    await cluster.kubectl(
      'delete',
      'networkpolicy',
      '-n',
      namespace,
      ...(await policiesOf(cluster, namespace, one.name)),
    );
    assert.match((await driver.renew?.([faults[0]], ATTEMPT))?.[0]?.detail ?? '', /somebody else/);
    await driver.revert([faults[0]], ATTEMPT);
    await cluster.kubectl('delete', 'pod', other.name, '-n', namespace, '--force');
    await until(async () => (await ours()).length === 0);
    assert.deepEqual(await driver.verify(faults, ATTEMPT), ['absent', 'absent']);
  });

  it('a pod that another policy selects is no candidate, and is not harmed when one comes later', async () => {
    const [locked, free] = [await pod(), await pod()];
    const lock = (name: string, podSelector: unknown, policyTypes: string[]): Promise<unknown> =>
      cluster.create({
        apiVersion: 'networking.k8s.io/v1',
        kind: 'NetworkPolicy',
        metadata: { name, namespace },
        spec: { podSelector, policyTypes },
      });
    await lock('no-egress', { matchExpressions: [{ key: 'app', operator: 'In', values: [locked.name] }] }, ['Egress']);
    const driver = openDriver(cluster, policyPartition);
    const ids = [locked.id, free.id];
    const found = await driver.unfit?.(ids, ASKED);
    assert.match(found?.get(locked.id) ?? '', /the policy no-egress selects it already/);
    assert.deepEqual([...(found?.keys() ?? [])], [locked.id]);
    assert.equal((await driver.unfit?.(ids, { ...ASKED, direction: 'ingress' as const }))?.size, 0);
    await lock('nothing-at-all', {}, ['Ingress', 'Egress']);
    const faults = [faultOn(locked.id, ASKED), faultOn(free.id, { ...ASKED, direction: 'ingress' as const })];
    for (const { result, detail } of await driver.inject(faults, ATTEMPT)) {
      assert.equal(result, 'failed');
      assert.match(detail ?? '', /selects it already/);
    }
    assert.deepEqual(await ours(), []);
    await cluster.kubectl('delete', 'networkpolicies', '--all', '-n', namespace);
  });

  it('a pod in its node’s network is no candidate', async () => {
    const { id } = await pod({ hostNetwork: true });
    const found = await openDriver(cluster, policyPartition).unfit?.([id], ASKED);
    assert.match(found?.get(id) ?? '', /no policy reaches/);
  });
});
