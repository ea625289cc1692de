/** Restarts of real workloads: where they are refused, and when they have healed. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { driver as restart } from '../../activities/faults/kubernetes/rollout-restart.ts';
import { targetId } from '../../activities/faults/kubernetes/target.ts';
import { until } from '../until.ts';
import { Cluster, whyNoCluster } from './cluster/cluster.ts';
import type { KubernetesObject } from './cluster/cluster.ts';
import { ATTEMPT, faultOn, makeNode, openDriver } from './nodes.ts';
import { deploymentOf, podsOf, settle } from './pods.ts';

describe('workloads of a real cluster', { skip: await whyNoCluster() }, () => {
  const undo = new AsyncDisposableStack();
  const namespace = 'restart';
  let cluster: Cluster;
  let node: string;
  before(async () => {
    cluster = await Cluster.open();
    undo.defer(() => cluster.close());
    await cluster.kubectl('create', 'namespace', namespace);
    undo.defer(async () => void (await cluster.kubectl('delete', 'namespace', namespace, '--wait=false')));
    ({ name: node } = await makeNode(cluster, undo));
  });
  after(() => undo.disposeAsync());

  const statefulSet = (name: string, more: object): KubernetesObject => {
    const made = deploymentOf(name, namespace, 2);
    return { ...made, kind: 'StatefulSet', spec: { ...made.spec, serviceName: name, ...more } };
  };
  async function make(object: KubernetesObject): Promise<string> {
    const { kind, metadata } = await cluster.create(object);
    const { name = '', uid = '' } = metadata;
    return targetId({ kind: kind === 'StatefulSet' ? 'statefulset' : 'deployment', namespace, name, uid });
  }
  const uids = async (app: string): Promise<(string | undefined)[]> =>
    (await podsOf(cluster, namespace, app)).map(({ metadata }) => metadata.uid);

  it('what would replace nothing is refused', async () => {
    const paused = deploymentOf('paused', namespace, 1);
    const targets = [
      await make({ ...paused, spec: { ...paused.spec, paused: true } }),
      await make(statefulSet('manual', { updateStrategy: { type: 'OnDelete' } })),
    ];
    const outcomes = await openDriver(cluster, restart).inject(
      targets.map((target) => faultOn(target, {})),
      ATTEMPT,
    );
    assert.match(outcomes[0]?.detail ?? '', /paused/);
    assert.match(outcomes[1]?.detail ?? '', /only when somebody deletes them/);
  });

  it('a stateful set has healed once every pod of it is new and ready; until then is said what is missing', async () => {
    const target = await make(statefulSet('heals', {}));
    await until(async () => {
      await settle(cluster, namespace, node);
      const ready = ['get', 'statefulset', 'heals', '-n', namespace, '-o', 'jsonpath={.status.readyReplicas}'];
      return (await cluster.kubectl(...ready)) === '2';
    });
    const old = await uids('heals');
    const driver = openDriver(cluster, restart);
    const fault = faultOn(target, {});
    assert.deepEqual(
      (await driver.inject([fault], ATTEMPT)).map(({ result }) => result),
      ['injected'],
    );
    await driver.revert([fault], ATTEMPT);
    assert.deepEqual(await driver.verify([fault], ATTEMPT), ['active']);
    const [said] = await driver.revert([fault], ATTEMPT);
    assert.match(`${said?.result} ${said?.detail}`, /^absent .*heals/);
    await until(async () => {
      await settle(cluster, namespace, node);
      return (await driver.verify([fault], ATTEMPT))[0] === 'absent';
    });
    const now = await uids('heals');
    assert.equal(now.length, 2);
    assert.ok(
      now.every((uid) => !old.includes(uid)),
      'every pod is new',
    );
  });
});
