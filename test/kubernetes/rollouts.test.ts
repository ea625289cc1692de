/** When a service was last deployed, as a real cluster says it: a restart, a scale and a pod that was killed are no deployments. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { deploymentsOf } from '../../activities/deployments.ts';
import type { TargetProvider } from '../../activities/targets/provider.ts';
import { targets } from '../../activities/targets/kubernetes.ts';
import { until } from '../until.ts';
import { Cluster, whyNoCluster } from './cluster/cluster.ts';
import { deploymentOf, podsOf } from './pods.ts';

const SHOP = 'rollouts-shop';

describe('rollouts in a real cluster', { skip: await whyNoCluster() }, () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await Cluster.open();
    await cluster.kubectl('create', 'namespace', SHOP);
    for (const app of ['web', 'other']) await cluster.create(deploymentOf(app, SHOP, 2));
    await until(async () => (await podsOf(cluster, SHOP)).length === 4);
  });
  after(async () => {
    await cluster.kubectl('delete', 'namespace', SHOP, '--wait=false');
    await cluster.close();
  });

  const open = (change: Record<string, unknown> = {}): TargetProvider<unknown> =>
    targets({
      name: 'lab',
      installation: 'lab',
      stateDir: '',
      settings: { kubernetes: { kubeconfig: cluster.kubeconfig, ...change } },
    });
  const ask = async (selector: Record<string, string | Record<string, string> | string[]>, provider = open()) => {
    const [found] = await deploymentsOf(
      [{ fault: 'kubernetes/any', selector }],
      () => provider,
      AbortSignal.timeout(60_000),
    );
    return found ?? null;
  };
  /** Creation of the replica sets of `app`, oldest first. */
  const created = async (app: string): Promise<readonly number[]> => {
    const listed = await cluster.kubectl(
      'get',
      'replicasets',
      '-n',
      SHOP,
      '-l',
      `app=${app}`,
      '-o',
      'jsonpath={.items[*].metadata.creationTimestamp}',
    );
    return listed
      .split(' ')
      .map((text) => Date.parse(text))
      .toSorted((a, b) => a - b);
  };
  const WEB = { namespace: SHOP, labels: { app: 'web' } };

  it('is when the newest template was new, by pods, owner or deployment', async () => {
    const [first] = await created('web');
    for (const selector of [
      WEB,
      { namespace: SHOP, owner: 'deployment/web' },
      { namespace: SHOP, kind: 'deployment', names: ['web'] },
      { namespace: SHOP, kind: 'deployment', labels: { app: 'web' } },
    ])
      assert.equal(await ask(selector), first, JSON.stringify(selector));
    // Times have whole seconds.
    await until(async () => Date.now() > (first ?? 0) + 1_500);
    await cluster.kubectl('set', 'env', 'deployment/web', '-n', SHOP, 'VERSION=2');
    await until(async () => (await created('web')).length === 2);
    const second = (await created('web'))[1] ?? assert.fail();
    await until(async () => (await ask(WEB)) === second);
    assert.equal(await ask({ namespace: SHOP, labels: { app: 'other' } }), (await created('other'))[0]);
    assert.equal(await ask({ namespace: SHOP }), second, 'the newest of several');
  });

  it('is no restart', async () => {
    const before = (await ask(WEB)) ?? assert.fail();
    await until(async () => Date.now() > before + 1_500);
    await cluster.kubectl('rollout', 'restart', 'deployment/web', '-n', SHOP);
    await until(async () => (await created('web')).length === 3);
    assert.equal(await ask(WEB), before);
  });

  it('is no other number of replicas, and no pod that was killed', async () => {
    const selector = { namespace: SHOP, labels: { app: 'other' } };
    const before = await ask(selector);
    const [pod] = await podsOf(cluster, SHOP, 'other');
    await cluster.kubectl('scale', 'deployment/other', '-n', SHOP, '--replicas=3');
    await cluster.kubectl('delete', 'pod', pod?.metadata.name ?? '', '-n', SHOP, '--grace-period=0', '--force');
    await until(async () => (await podsOf(cluster, SHOP, 'other')).length === 3);
    assert.equal(await ask(selector), before);
  });

  it('is not known where nobody can say', async () => {
    assert.equal(await ask({ kind: 'configmap', namespace: SHOP }), null);
    assert.equal(await ask({ namespace: SHOP, labels: { app: 'nobody' } }), null);
    assert.equal(await ask({ namespace: 'kube-system' }), null);
    assert.equal(await ask({ nonsense: 'yes' }), null);
    assert.equal(await ask(WEB, open({ kubeconfig: '/nowhere' })), null);
    const [mute] = await deploymentsOf(
      [{ fault: 'host/any', selector: {} }],
      () => undefined,
      AbortSignal.timeout(1_000),
    );
    assert.equal(mute, null);
  });
});
