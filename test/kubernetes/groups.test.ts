/** Groups of pods, as a real cluster has them: by kube-monkey's labels, and by a label of the pods. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { groupsOf } from '../../activities/groups.ts';
import { targets } from '../../activities/targets/kubernetes.ts';
import type { Grouping, Groups } from '../../domain/grouping.ts';
import { until } from '../until.ts';
import { Cluster, whyNoCluster } from './cluster/cluster.ts';
import { deploymentOf, podsOf } from './pods.ts';

const SHOP = 'groups-shop';
const DAY_MS = 86_400_000;
const monkey = (identifier: string, more: Readonly<Record<string, string>> = {}) => ({
  'kube-monkey/enabled': 'enabled',
  'kube-monkey/identifier': identifier,
  'kube-monkey/mtbf': '2',
  ...more,
});

describe('groups in a real cluster', { skip: await whyNoCluster() }, () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await Cluster.open();
    await cluster.kubectl('create', 'namespace', SHOP);
    await cluster.create(deploymentOf('web', SHOP, 1, monkey('the-web', { 'kube-monkey/kill-mode': 'kill-all' })));
    await cluster.create(deploymentOf('odd', SHOP, 1, monkey('odd', { 'kube-monkey/mtbf': 'often' })));
    await cluster.create(deploymentOf('out', SHOP, 1, { 'kube-monkey/enabled': 'disabled', chaos: 'enabled' }));
    await until(async () => (await podsOf(cluster, SHOP)).length === 3);
  });
  after(async () => {
    await cluster.kubectl('delete', 'namespace', SHOP, '--wait=false');
    await cluster.close();
  });

  const ask = (
    grouping: Grouping,
    selector: Record<string, string> = { namespace: SHOP },
    change = {},
  ): Promise<Groups> => {
    const settings = { kubernetes: { kubeconfig: cluster.kubeconfig, ...change } };
    const provider = targets({ name: 'lab', installation: 'lab', stateDir: '', settings });
    return groupsOf({ fault: 'kubernetes/any', selector }, grouping, () => provider, AbortSignal.timeout(60_000));
  };

  it('are those that opt in by the labels of kube-monkey, and what is wrong with one is told', async () => {
    const { groups, left } = await ask({ by: 'kube-monkey', dayMs: DAY_MS });
    assert.deepEqual(groups, [
      {
        name: `${SHOP}/web`,
        selector: {
          namespace: SHOP,
          labels: { 'kube-monkey/enabled': 'enabled', 'kube-monkey/identifier': 'the-web' },
        },
        meanMs: 2 * DAY_MS,
        kill: { mode: 'kill-all' },
      },
    ]);
    assert.deepEqual(left, [{ name: `${SHOP}/odd`, why: 'kube-monkey/mtbf: found often, expected whole days from 1' }]);
  });

  it('are the values of a label, of those that opt in', async () => {
    const names = async (
      grouping: Omit<Extract<Grouping, { by: 'label' }>, 'by' | 'label' | 'meanMs'>,
    ): Promise<string[]> =>
      (await ask({ by: 'label', label: 'app', meanMs: DAY_MS, ...grouping })).groups.map(({ name }) => name).toSorted();
    assert.deepEqual(await names({}), [`${SHOP}/odd`, `${SHOP}/out`, `${SHOP}/web`]);
    assert.deepEqual(await names({ optIn: { label: 'chaos', value: 'enabled' } }), [`${SHOP}/out`]);
  });

  it('are not known of what has none, and where the site may not look', async () => {
    const by: Grouping = { by: 'kube-monkey', dayMs: DAY_MS };
    await assert.rejects(ask(by, { kind: 'deployment', namespace: SHOP }), /nothing else has groups/);
    await assert.rejects(ask(by, { namespace: 'kube-system' }), /not one that this site may touch/);
    await assert.rejects(
      groupsOf({ fault: 'host/any', selector: {} }, by, () => undefined, AbortSignal.timeout(1_000)),
      /have no groups/,
    );
  });
});
