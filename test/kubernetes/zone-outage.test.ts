/** An outage of a zone: what must be left outside of it, and pods of a real node that are cut off with it. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { z } from 'zod';
import { driver as podPartition } from '../../activities/faults/kubernetes/pod-partition.ts';
import { targetId } from '../../activities/faults/kubernetes/target.ts';
import { amountOf, shareOutside } from '../../activities/faults/kubernetes/zone-capacity.ts';
import type { Carrier } from '../../activities/faults/kubernetes/zone-capacity.ts';
import { driver as zoneOutage } from '../../activities/faults/kubernetes/zone-outage.ts';
import type { FaultDriver } from '../../activities/faults/driver.ts';
import { kubernetesApi } from '../../activities/kubernetes/api.ts';
import { listPath } from '../../activities/kubernetes/objects.ts';
import { kubernetesSettings } from '../../activities/targets/kubernetes-settings.ts';
import { until } from '../until.ts';
import { Cluster, whyNoCluster } from './cluster/cluster.ts';
import { exactly } from './exactly.ts';
import { FAULT_IMAGE, importFaultImage, whyNoFaultImage } from './fault-image.ts';
import { ATTEMPT, faultOn, makeNode, openDriver } from './nodes.ts';
import { template } from './pods.ts';
import { Pods } from './running-pods.ts';

const ZONE = 'topology.kubernetes.io/zone';
const PARAMS = { network: false, outside: '50%', spare: { keep: 'me' } as Record<string, string> };
const SKIP = process.env['KUBECONFIG'] ? 'nobody knows what a named cluster can carry' : await whyNoCluster();

describe('what is left outside of a zone', () => {
  const node = (
    zone: string | undefined,
    cpu: string,
    memory: string,
    more: Partial<Carrier['spec']> = {},
  ): Carrier => ({
    metadata: {
      ...{ name: 'node', uid: '', resourceVersion: '', annotations: {}, ownerReferences: [] },
      labels: zone === undefined ? {} : { [ZONE]: zone },
    },
    spec: { unschedulable: false, taints: [], ...more },
    status: { conditions: [{ type: 'Ready', status: 'True' }], allocatable: { cpu, memory } },
  });

  it('is the lesser of CPU and memory, of nodes that can take pods', () => {
    const nodes = [node('a', '2', '8Gi'), node('b', '6000m', '8Gi')];
    assert.equal(shareOutside('a', nodes), 0.5);
    assert.equal(shareOutside('b', nodes), 0.25);
    const not = [
      node('b', '6', '8Gi', { unschedulable: true }),
      { ...node('c', '6', '8Gi'), status: { conditions: [], allocatable: {} } },
    ];
    assert.equal(shareOutside('a', [node('a', '2', '8Gi'), ...not]), 0);
    assert.equal(shareOutside('a', [node('a', '2', '8Gi'), node(undefined, '6', '8Gi')]), 0, 'nobody says where it is');
  });

  it('counts nothing that nobody says, or that cannot be read', () => {
    assert.deepEqual(['3920m', '16Gi', '2k', '4'].map(amountOf), [3.92, 16 * 1_024 ** 3, 2_000, 4]);
    assert.deepEqual([undefined, '', 'many', '-1', '1Zi'].map(amountOf), [0, 0, 0, 0, 0]);
    assert.equal(shareOutside('a', []), 0);
  });
});

describe('zones of a real cluster', { skip: SKIP }, () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await Cluster.open();
  });
  after(() => cluster.close());

  it('an outage is refused where too little is left, and where nobody says in which zone a node is', async () => {
    await using undo = new AsyncDisposableStack();
    const size = { cpu: '4', memory: '16Gi' };
    const a = await makeNode(cluster, undo, { [ZONE]: 'lab-a' }, size);
    const b = await makeNode(cluster, undo, { [ZONE]: 'lab-b' }, { cpu: '3', memory: '64Gi' });
    const nowhere = await makeNode(cluster, undo, {}, size);
    const driver = openDriver(cluster, zoneOutage);
    const asked = { ...PARAMS, outside: '30%' };
    const unfit = await driver.unfit?.([a.id, b.id, nowhere.id], asked);
    assert.match(
      unfit?.get(a.id) ?? '',
      /^only .*% of the cluster would be left outside of zone lab-a; 30% are asked for/,
    );
    assert.match(unfit?.get(nowhere.id) ?? '', /in which zone/);
    const [outcome] = await driver.inject([faultOn(a.id, asked)], ATTEMPT);
    assert.equal(outcome?.result, 'failed', outcome?.detail);
    assert.equal(await cluster.kubectl('get', 'node', a.name, '-o', 'jsonpath={.spec.unschedulable}'), '');
    const enough = faultOn(a.id, { ...PARAMS, outside: '20%' });
    assert.equal((await driver.inject([enough], ATTEMPT))[0]?.result, 'injected');
    await driver.revert([enough], ATTEMPT);
  });

  it('one zone is out at a time: several are no candidates, and of two begun at once one is refused', async () => {
    await using undo = new AsyncDisposableStack();
    const size = { cpu: '4', memory: '16Gi' };
    const a = await makeNode(cluster, undo, { [ZONE]: 'lab-a' }, size);
    const too = await makeNode(cluster, undo, { [ZONE]: 'lab-a' }, size);
    const b = await makeNode(cluster, undo, { [ZONE]: 'lab-b' }, size);
    const asked = { ...PARAMS, outside: '0%' };
    const driver = openDriver(cluster, zoneOutage);
    const unfit = await driver.unfit?.([a.id, too.id, b.id], asked);
    assert.equal(unfit?.size, 3);
    assert.match(unfit.get(b.id) ?? '', /nodes of other zones \(.*lab-b.*\).*: say `zone: lab-[ab]`$/);
    assert.equal((await driver.unfit?.([a.id, too.id], asked))?.size, 0);
    const cordoned = async (): Promise<string> =>
      cluster.kubectl('get', 'nodes', '-o', 'jsonpath={.items[?(@.spec.unschedulable==true)].metadata.name}');
    // Another driver of the same process, as of another run.
    const [first, second] = [faultOn(a.id, asked), faultOn(b.id, asked)];
    const both = (
      await Promise.all([driver.inject([first], ATTEMPT), openDriver(cluster, zoneOutage).inject([second], ATTEMPT)])
    ).flat();
    assert.deepEqual(both.map(({ result }) => result).toSorted(), ['failed', 'injected']);
    assert.match(both.map(({ detail }) => detail).join(''), /^zone lab-[ab] is being taken out already/);
    assert.match(await cordoned(), /^\S+$/);
    await driver.revert([first, second], ATTEMPT);
    const held = [faultOn(a.id, asked), faultOn(too.id, asked)];
    assert.deepEqual(
      (await driver.inject(held, ATTEMPT)).map(({ result }) => result),
      ['injected', 'injected'],
    );
    const late = faultOn(b.id, asked);
    assert.match((await driver.inject([late], ATTEMPT))[0]?.detail ?? '', /^zone lab-a is being taken out already/);
    await driver.revert([...held, late], ATTEMPT);
    assert.equal(await cordoned(), '');
    const then = faultOn(b.id, asked);
    assert.equal((await driver.inject([then], ATTEMPT))[0]?.result, 'injected');
    await driver.revert([then], ATTEMPT);
  });

  it('of a zone with more than 200 pods to cut off, no node is a candidate', async () => {
    await using undo = new AsyncDisposableStack();
    const node = await makeNode(cluster, undo, { [ZONE]: 'lab-a' }, { cpu: '4', memory: '16Gi' });
    await cluster.kubectl('create', 'namespace', 'many');
    undo.defer(async () => void (await cluster.kubectl('delete', 'namespace', 'many', '--wait=false')));
    const api = kubernetesApi(kubernetesSettings.parse({ kubeconfig: cluster.kubeconfig }));
    const path = listPath('pod', 'many');
    const { spec } = template('many');
    const make = async (i: number): Promise<void> => {
      const metadata = { name: `many-${i}` };
      const pod = { apiVersion: 'v1', kind: 'Pod', metadata, spec: { ...(spec as object), nodeName: node.name } };
      await api.create(path, pod, z.unknown(), ATTEMPT);
      await api.patch(`${path}/many-${i}/status`, { status: { phase: 'Running' } }, z.unknown(), ATTEMPT);
    };
    await until(
      async () =>
        make(0).then(
          () => true,
          () => false,
        ),
      'there is the service account that a namespace gets',
    );
    await Promise.all(Array.from({ length: 200 }, (_, i) => make(i + 1)));
    const driver = openDriver(cluster, zoneOutage);
    const asked = { ...PARAMS, network: true, outside: '0%' };
    assert.match((await driver.unfit?.([node.id], asked))?.get(node.id) ?? '', /^201 pods would be cut off .* 200 may/);
    assert.equal((await driver.unfit?.([node.id], { ...asked, network: false }))?.size, 0);
    await cluster.kubectl('delete', 'pod', 'many-0', '-n', 'many', '--wait=false');
    assert.equal((await driver.unfit?.([node.id], asked))?.size, 0);
  });
});

describe('a zone that is one real node', { skip: await whyNoFaultImage() }, () => {
  let cluster: Cluster;
  let pods: Pods;
  let node: string;
  before(async () => {
    cluster = await Cluster.open({ node: true });
    await importFaultImage(cluster);
    pods = await Pods.open(cluster);
    const [name = '', uid = ''] = (
      await cluster.kubectl('get', 'nodes', '-o', 'jsonpath={.items[0].metadata.name} {.items[0].metadata.uid}')
    ).split(' ');
    await cluster.kubectl('label', 'node', name, `${ZONE}=lab-a`);
    node = targetId({ kind: 'node', name, uid });
  });
  after(() => cluster.close());

  const open = (): FaultDriver<typeof PARAMS> => {
    const kubernetes = { ...(pods.settings['kubernetes'] as object), faultImage: FAULT_IMAGE, nodes: true };
    return zoneOutage({ name: 'lab', installation: 'lab', stateDir: '', settings: { kubernetes } });
  };
  const asked = { ...PARAMS, network: true, outside: '0%' };

  it('its pods are cut off and its node cordoned, both are held, and both are as before', async () => {
    const [cut, spared] = [await pods.run('cut'), await pods.run('spared', { labels: { keep: 'me' } })];
    const critical = await pods.run('critical', { labels: { critical: 'true' } });
    const driver = open();
    const fault = faultOn(node, asked, { ttlMs: 30_000 });
    const [outcome] = await driver.inject([fault], ATTEMPT);
    assert.match(`${outcome?.result} ${outcome?.detail}`, /^injected 2 pods are cut off$/);
    assert.equal(await pods.reaches(cut, spared), false);
    assert.equal(await pods.isUntouched(spared), true);
    assert.equal(await pods.isUntouched(critical), true);
    assert.equal(await cluster.kubectl('get', 'nodes', '-o', 'jsonpath={.items[0].spec.unschedulable}'), 'true');
    assert.deepEqual(
      (await driver.renew?.([fault], ATTEMPT))?.map(({ result }) => result),
      ['renewed'],
    );
    assert.deepEqual(await driver.verify([fault], ATTEMPT), ['active']);
    const [reverted] = await open().revert([fault], ATTEMPT);
    assert.equal(reverted?.result, 'reverted', reverted?.detail);
    await until(async () => (await driver.verify([fault], ATTEMPT))[0] === 'absent');
    assert.equal(await pods.reaches(cut, spared), true);
    assert.equal(await cluster.kubectl('get', 'nodes', '-o', 'jsonpath={.items[0].spec.unschedulable}'), '');
    assert.equal((await driver.occupied([node])).size, 0);
  });

  it('a pod that another fault holds is left to it, and said; cut-off pods end that themselves', async () => {
    const [held, cut] = [await pods.run('held'), await pods.run('mine')];
    const driver = open();
    const settings = { kubernetes: { ...(pods.settings['kubernetes'] as object), faultImage: FAULT_IMAGE } };
    const network = podPartition({ name: 'lab', installation: 'lab', stateDir: '', settings });
    const other = faultOn(held.id, network.params.parse({}));
    assert.equal((await network.inject([other], ATTEMPT))[0]?.result, 'injected');
    const fault = faultOn(node, asked, { ttlMs: 8_000 });
    const [outcome] = await driver.inject([fault], ATTEMPT);
    assert.match(`${outcome?.result} ${outcome?.detail}`, /^injected .*; not pod\/.*held.* \(another fault holds it/);
    // Nobody renews.
    await until(() => pods.reaches(cut));
    assert.deepEqual(
      (await driver.renew?.([fault], ATTEMPT))?.map(({ result }) => result),
      ['lapsed'],
    );
    await until(
      async () =>
        (await driver.revert([fault], ATTEMPT))[0]?.result !== 'failed' &&
        (await driver.verify([fault], ATTEMPT))[0] === 'absent',
    );
    assert.deepEqual(await network.verify([other], ATTEMPT), ['active']);
    assert.deepEqual(
      (await network.revert([other], ATTEMPT)).map(({ result }) => result),
      ['reverted'],
    );
  });

  it('needs no more leave than it asks for', async () => {
    await using made = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), 'squall-zone-'));
    made.defer(() => rm(folder, { recursive: true }));
    // The last node that takes pods is no candidate.
    await makeNode(cluster, made, { [ZONE]: 'lab-b' }, { cpu: '1', memory: '1Gi' });
    const accounts = { cluster, namespace: pods.namespace, folder, section: { faultImage: FAULT_IMAGE } };
    const selector = { kind: 'node', zone: 'lab-a' };
    await exactly(accounts, 'kubernetes/zone-outage', zoneOutage, asked, selector);
  });
});
