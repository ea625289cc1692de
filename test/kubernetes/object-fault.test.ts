/** Faults that are one change of one object, where others change it too, come late, or at the same time. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { driver as configChange } from '../../activities/faults/kubernetes/config-change.ts';
import { driver as cordon } from '../../activities/faults/kubernetes/node-cordon.ts';
import { driver as taint } from '../../activities/faults/kubernetes/node-taint.ts';
import { driver as scale } from '../../activities/faults/kubernetes/scale.ts';
import { targetId } from '../../activities/faults/kubernetes/target.ts';
import { Cluster, whyNoCluster } from './cluster/cluster.ts';
import type { KubernetesObject } from './cluster/cluster.ts';
import { until } from '../until.ts';
import { ATTEMPT, faultOn, makeNode, openDriver } from './nodes.ts';

const HOUR_MS = 3_600_000;

describe('faults on objects of a real cluster', { skip: await whyNoCluster() }, () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await Cluster.open();
  });
  after(() => cluster.close());

  const node = async (name: string): Promise<KubernetesObject> =>
    JSON.parse(await cluster.kubectl('get', 'node', name, '-o', 'json')) as KubernetesObject;

  async function deployment(undo: AsyncDisposableStack, name: string, replicas: number): Promise<string> {
    const template = {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: 'main', image: 'none' }] },
    };
    const { metadata } = await cluster.create({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace: 'default', labels: { app: name } },
      spec: { replicas, selector: { matchLabels: { app: name } }, template },
    });
    undo.defer(async () => void (await cluster.kubectl('delete', 'deployment', name)));
    return targetId({ kind: 'deployment', namespace: 'default', name, uid: metadata.uid ?? '' });
  }
  const replicas = async (name: string): Promise<string> =>
    cluster.kubectl('get', 'deployment', name, '-o', 'jsonpath={.spec.replicas}');

  it('an object is as it was, and once the fences are old nothing says that we were there', async () => {
    await using undo = new AsyncDisposableStack();
    const { name, id } = await makeNode(cluster, undo, { team: 'shop' });
    await cluster.kubectl('annotate', 'node', name, 'team/note=stays');
    const before = await node(name);
    const driver = openDriver(cluster, cordon);
    const fault = faultOn(id, {});
    await driver.inject([fault], ATTEMPT);
    const held = await cluster.kubectl('get', 'nodes', '-l', 'squall/cordon=held', '-o', 'name');
    assert.equal(held.trim(), `node/${name}`, 'anybody can find it');
    await driver.revert([fault], ATTEMPT);
    const fenced = await node(name);
    assert.deepEqual(fenced.spec, before.spec);
    assert.equal(fenced.metadata.labels?.['squall/cordon'], 'ended');
    const fences = JSON.parse(fenced.metadata.annotations?.['squall/cordon-ended'] ?? '{}') as Record<string, number>;
    await Array.fromAsync(driver.leftovers());
    assert.deepEqual((await node(name)).metadata.annotations, fenced.metadata.annotations, 'a young fence is kept');
    const old = Object.fromEntries(Object.entries(fences).map(([key, atMs]) => [key, atMs - HOUR_MS]));
    await cluster.kubectl('annotate', '--overwrite', 'node', name, `squall/cordon-ended=${JSON.stringify(old)}`);
    await Array.fromAsync(driver.leftovers());
    const { labels, annotations } = (await node(name)).metadata;
    assert.deepEqual([labels, annotations], [before.metadata.labels, before.metadata.annotations]);
  });

  it('inject and revert at the same time leave nothing, whoever comes first', async () => {
    await using undo = new AsyncDisposableStack();
    const nodes = await Promise.all(Array.from({ length: 12 }, () => makeNode(cluster, undo)));
    const driver = openDriver(cluster, cordon);
    const faults = nodes.map(({ id }) => faultOn(id, {}));
    await Promise.all(
      faults.map(async (fault, i) => {
        const reverting = new Promise((resolve) => setTimeout(resolve, i)).then(() => driver.revert([fault], ATTEMPT));
        await Promise.all([driver.inject([fault], ATTEMPT), reverting]);
      }),
    );
    assert.deepEqual(new Set(await driver.verify(faults, ATTEMPT)), new Set(['absent']));
    for (const { name } of nodes) assert.equal((await node(name)).spec?.['unschedulable'], undefined, name);
  });

  it('of two installations that want one object at the same time, one gets it', async () => {
    await using undo = new AsyncDisposableStack();
    const nodes = await Promise.all(Array.from({ length: 6 }, () => makeNode(cluster, undo)));
    const both = ['one', 'other'].map((installation) => ({
      driver: openDriver(cluster, cordon, installation),
      faults: nodes.map(({ id }) => faultOn(id, {}, { installation })),
    }));
    const outcomes = await Promise.all(both.map(({ driver, faults }) => driver.inject(faults, ATTEMPT)));
    for (const i of nodes.keys()) {
      const results = outcomes.map((of) => of[i]?.result);
      assert.deepEqual(results.toSorted(), ['injected', 'occupied']);
    }
    for (const { driver, faults } of both) await driver.revert(faults, ATTEMPT);
    for (const { name } of nodes) assert.equal((await node(name)).spec?.['unschedulable'], undefined, name);
  });

  it('what somebody else has cordoned is refused, and stays cordoned', async () => {
    await using undo = new AsyncDisposableStack();
    const { name, id } = await makeNode(cluster, undo);
    await cluster.kubectl('cordon', name);
    const driver = openDriver(cluster, cordon);
    const fault = faultOn(id, {});
    assert.equal((await driver.inject([fault], ATTEMPT))[0]?.result, 'failed');
    await driver.revert([fault], ATTEMPT);
    assert.equal((await node(name)).spec?.['unschedulable'], true);
  });

  it('a cordon that somebody has lifted is found by the next renewal, and not put on again', async () => {
    await using undo = new AsyncDisposableStack();
    const { name, id } = await makeNode(cluster, undo);
    const driver = openDriver(cluster, cordon);
    const fault = faultOn(id, {});
    await driver.inject([fault], ATTEMPT);
    await cluster.kubectl('uncordon', name);
    assert.equal((await driver.renew?.([fault], ATTEMPT))?.[0]?.result, 'lapsed');
    assert.equal((await driver.inject([fault], ATTEMPT))[0]?.result, 'lapsed');
    await driver.revert([fault], ATTEMPT);
    assert.deepEqual(await driver.verify([fault], ATTEMPT), ['absent']);
  });

  it('taints that come and go meanwhile are as others want them', async () => {
    await using undo = new AsyncDisposableStack();
    const { name, id } = await makeNode(cluster, undo);
    await cluster.kubectl('taint', 'node', name, 'goes=1:NoSchedule');
    const driver = openDriver(cluster, taint);
    const fault = faultOn(id, { key: 'squall/fault', value: '', effect: 'NoSchedule' as const });
    await driver.inject([fault], ATTEMPT);
    await cluster.kubectl('taint', 'node', name, 'goes-', 'comes=2:NoSchedule');
    await driver.revert([fault], ATTEMPT);
    const keys = ((await node(name)).spec?.['taints'] as { key: string }[]).map(({ key }) => key);
    assert.deepEqual(
      ['goes', 'comes', 'squall/fault'].filter((key) => keys.includes(key)),
      ['comes'],
    );
  });

  it('a number of replicas that others have set meanwhile is left', async () => {
    await using undo = new AsyncDisposableStack();
    const target = await deployment(undo, 'scaled', 4);
    const driver = openDriver(cluster, scale);
    const fault = faultOn(target, { to: '50%' });
    await driver.inject([fault], ATTEMPT);
    assert.equal(await replicas('scaled'), '2');
    await cluster.kubectl('scale', 'deployment', 'scaled', '--replicas=7');
    assert.equal((await driver.renew?.([fault], ATTEMPT))?.[0]?.result, 'lapsed');
    await driver.revert([fault], ATTEMPT);
    assert.equal(await replicas('scaled'), '7');
  });

  it('what an autoscaler owns is not scaled', async () => {
    await using undo = new AsyncDisposableStack();
    const target = await deployment(undo, 'owned', 2);
    await cluster.kubectl('autoscale', 'deployment', 'owned', '--min=2', '--max=5');
    undo.defer(async () => void (await cluster.kubectl('delete', 'hpa', 'owned')));
    const [outcome] = await openDriver(cluster, scale).inject([faultOn(target, { to: 0 })], ATTEMPT);
    assert.match(`${outcome?.result} ${outcome?.detail}`, /failed the autoscaler owned/);
    assert.equal(await replicas('owned'), '2');
  });

  it('a value is put back byte for byte, and what others have written meanwhile is left and said', async () => {
    await using undo = new AsyncDisposableStack();
    const data = { 'app.yaml': 'url: "höst"\r\n\ttab: \u0000?\n\n'.replace('\u0000', '\u00a0'), other: ' 1 ' };
    const [kept, edited] = await Promise.all(
      ['kept', 'edited'].map(async (name) => {
        const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' }, data };
        const { uid = '' } = (await cluster.create(map)).metadata;
        undo.defer(async () => void (await cluster.kubectl('delete', 'configmap', name)));
        return targetId({ kind: 'configmap', namespace: 'default', name, uid });
      }),
    );
    assert.ok(kept && edited);
    const driver = openDriver(cluster, configChange);
    const faults = [kept, edited].map((target) => faultOn(target, { key: 'app.yaml', value: '{}' }));
    await driver.inject(faults, ATTEMPT);
    const theirs = JSON.stringify({ data: { 'app.yaml': 'theirs' } });
    await cluster.kubectl('patch', 'configmap', 'edited', '--type=merge', '-p', theirs);
    const outcomes = await driver.revert(faults, ATTEMPT);
    assert.deepEqual(
      outcomes.map(({ result, detail = '' }) => [result, /somebody else/.test(detail)]),
      [
        ['reverted', false],
        ['reverted', true],
      ],
    );
    const read = async (name: string): Promise<unknown> =>
      (JSON.parse(await cluster.kubectl('get', 'configmap', name, '-o', 'json')) as KubernetesObject).data;
    assert.deepEqual(await read('kept'), data);
    assert.deepEqual(await read('edited'), { ...data, 'app.yaml': 'theirs' });
  });

  it('a key that is called like what every object has is a key', async () => {
    await cluster.kubectl('create', 'configmap', 'odd', '--from-literal=a=b');
    await using undo = new AsyncDisposableStack();
    undo.defer(async () => void (await cluster.kubectl('delete', 'configmap', 'odd')));
    const uid = await cluster.kubectl('get', 'configmap', 'odd', '-o', 'jsonpath={.metadata.uid}');
    const data = (): Promise<string> => cluster.kubectl('get', 'configmap', 'odd', '-o', 'jsonpath={.data}');
    const driver = openDriver(cluster, configChange);
    const id = targetId({ kind: 'configmap', namespace: 'default', name: 'odd', uid });
    const fault = faultOn(id, { key: 'constructor', value: 'x' });
    assert.deepEqual(await resultsOf(driver.inject([fault], ATTEMPT)), ['injected']);
    assert.equal(await data(), '{"a":"b","constructor":"x"}');
    assert.deepEqual(await resultsOf(driver.revert([fault], ATTEMPT)), ['reverted']);
    assert.equal(await data(), '{"a":"b"}');
    assert.equal(driver.params.safeParse({ key: '__proto__', value: 'x' }).success, false);
  });

  it('what is marked as held, and has lost its record, is never called absent', async () => {
    await using undo = new AsyncDisposableStack();
    const id = await deployment(undo, 'rolled-back', 4);
    const driver = openDriver(cluster, scale);
    const fault = faultOn(id, driver.params.parse({ to: '25%' }));
    assert.deepEqual(await resultsOf(driver.inject([fault], ATTEMPT)), ['injected']);
    // As `kubectl rollout undo` does with all annotations.
    await cluster.kubectl('annotate', 'deployment', 'rolled-back', 'squall/scale-');
    const [outcome] = await driver.revert([fault], ATTEMPT);
    assert.match(`${outcome?.result}: ${outcome?.detail}`, /^failed: .*marked as held .*nobody can say how it was/);
    assert.deepEqual(await driver.verify([fault], ATTEMPT), ['unknown']);
    await assert.rejects(Array.fromAsync(driver.leftovers()), /marked as held/);
    assert.equal((await driver.occupied(['deployment/default/other@0'])).size, 0, 'others are not its concern');
    await cluster.kubectl('label', 'deployment', 'rolled-back', 'squall/scale-');
    assert.deepEqual(await driver.verify([fault], ATTEMPT), ['absent']);
  });

  it('what was copied to replica sets goes as well, and before it does brings nothing back', async () => {
    await using undo = new AsyncDisposableStack();
    const id = await deployment(undo, 'copied', 4);
    const driver = openDriver(cluster, scale);
    const fault = faultOn(id, driver.params.parse({ to: 1 }));
    const written = (kind: string): Promise<string> =>
      cluster.kubectl('get', kind, '-l', 'app=copied', '-o', 'jsonpath={.items[*].metadata.annotations}');
    await driver.inject([fault], ATTEMPT);
    await until(async () => (await written('replicasets')).includes('squall/scale'));
    await driver.revert([fault], ATTEMPT);
    await until(async () => (await written('replicasets')).includes('squall/scale-ended'));
    // As `kubectl rollout undo` does with all annotations.
    const copy = JSON.parse(await written('replicasets')) as Record<string, string>;
    const dead = copy['squall/scale'] ?? assert.fail('it keeps what the deployment has no more');
    await cluster.kubectl('annotate', 'deployment', 'copied', `squall/scale=${dead}`);
    assert.deepEqual(await driver.verify([fault], ATTEMPT), ['absent']);
    const next = faultOn(id, driver.params.parse({ to: 2 }));
    assert.deepEqual(await resultsOf(driver.inject([next], ATTEMPT)), ['injected']);
    await driver.revert([next], ATTEMPT);
    const { annotations } = (
      JSON.parse(await cluster.kubectl('get', 'deployment', 'copied', '-o', 'json')) as KubernetesObject
    ).metadata;
    const fences = JSON.parse(annotations?.['squall/scale-ended'] ?? '{}') as Record<string, number>;
    const old = Object.fromEntries(Object.entries(fences).map(([key, atMs]) => [key, atMs - HOUR_MS]));
    await cluster.kubectl(
      'annotate',
      '--overwrite',
      'deployment',
      'copied',
      `squall/scale-ended=${JSON.stringify(old)}`,
    );
    await until(async () => {
      // Between two sweeps a controller has the time to see the first.
      await sleep(1_000);
      await Array.fromAsync(driver.leftovers());
      const labels = ['get', 'deployment', 'copied', '-o', 'jsonpath={.metadata.labels}'];
      return (await cluster.kubectl(...labels)) === '{"app":"copied"}';
    });
    assert.doesNotMatch(await written('deployments'), /squall/);
    assert.doesNotMatch(await written('replicasets'), /squall/);
  });

  it('a record that somebody has broken is said, and keeps no other from being found', async () => {
    await using undo = new AsyncDisposableStack();
    const [broken, whole] = [await makeNode(cluster, undo), await makeNode(cluster, undo)];
    const driver = openDriver(cluster, cordon);
    const faults = [broken, whole].map(({ id }) => faultOn(id, {}));
    await driver.inject(faults, ATTEMPT);
    await cluster.kubectl('annotate', '--overwrite', 'node', broken.name, 'squall/cordon={}');
    const found: string[] = [];
    await assert.rejects(
      async () => {
        for await (const { fault } of driver.leftovers()) found.push(fault.target);
      },
      new RegExp(`squall/cordon of ${broken.name}`),
    );
    assert.deepEqual(found, [whole.id]);
    assert.deepEqual(await driver.verify(faults, ATTEMPT), ['unknown', 'active']);
    const outcomes = await driver.revert(faults, ATTEMPT);
    assert.deepEqual(
      outcomes.map(({ result }) => result),
      ['failed', 'reverted'],
    );
  });

  it('a target of another kind is refused before anything is touched, with what to say instead', async () => {
    const pod = 'pod/shop/web-1@0b8e';
    await assert.rejects(openDriver(cluster, cordon).occupied([pod]), /done to a node: say `kind: node`/);
  });

  it('a site without a cluster says so, and has nothing to sweep', async () => {
    const driver = cordon({ name: 'lab', installation: 'lab', stateDir: '', settings: {} });
    assert.match((await driver.check({})).join(), /no `kubernetes:` section/);
    assert.deepEqual(await Array.fromAsync(driver.leftovers()), []);
  });
});

async function resultsOf<R extends string>(
  outcomes: Promise<readonly { readonly result: R }[]>,
): Promise<readonly R[]> {
  return (await outcomes).map(({ result }) => result);
}
