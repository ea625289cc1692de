/** Killing pods of a real cluster: what is asked before, what comes late, and when it has healed. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { driver as podKill } from '../../activities/faults/kubernetes/pod-kill.ts';
import { targetId } from '../../activities/faults/kubernetes/target.ts';
import { until } from '../until.ts';
import { Cluster, whyNoCluster, whyNoNode } from './cluster/cluster.ts';
import type { KubernetesObject } from './cluster/cluster.ts';
import { IMAGE } from './cluster/image.ts';
import { ATTEMPT, faultOn, makeNode, openDriver } from './nodes.ts';
import { deploymentOf, podsOf, settle, template } from './pods.ts';

const PARAMS = { mode: 'evict', overBudget: 'wait', statefulSets: false } as const;
const HOUR_MS = 3_600_000;

describe('pods of a real cluster', { skip: await whyNoCluster() }, () => {
  const undo = new AsyncDisposableStack();
  const namespace = 'pod-kill';
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

  /** Makes `object` and returns the ids of its pods, which are ready. */
  async function running(object: KubernetesObject, app: string, replicas: number): Promise<string[]> {
    await cluster.create(object);
    await until(async () => {
      await settle(cluster, namespace, node);
      const pods = await podsOf(cluster, namespace, app);
      return pods.length === replicas && pods.every(({ status }) => status?.['phase'] === 'Running');
    });
    return (await podsOf(cluster, namespace, app)).map(({ metadata: { name = '', uid = '' } }) =>
      targetId({ kind: 'pod', namespace, name, uid }),
    );
  }
  const alive = async (app: string): Promise<string[]> =>
    (await podsOf(cluster, namespace, app))
      .filter(({ metadata }) => metadata['deletionTimestamp'] === undefined)
      .map(({ metadata: { name = '', uid = '' } }) => targetId({ kind: 'pod', namespace, name, uid }));

  it('a kill has healed once as many are ready as before, and not while the pod ends', async () => {
    const [target = ''] = await running(deploymentOf('heals', namespace, 2), 'heals', 2);
    const driver = openDriver(cluster, podKill);
    const fault = faultOn(target, PARAMS);
    const look = async (): Promise<string> => (await driver.verify([fault], ATTEMPT)).join();
    assert.equal((await driver.inject([fault], ATTEMPT))[0]?.result, 'injected');
    // Whoever has not heard so tries again, and writes no second event.
    assert.equal((await driver.inject([fault], ATTEMPT))[0]?.result, 'injected');
    const told = 'reason=SquallPodKill,involvedObject.kind=Deployment,involvedObject.name=heals';
    const events = ['get', 'events', '-n', namespace, '--field-selector', told, '-o', 'jsonpath={.items[*].message}'];
    assert.match(
      await cluster.kubectl(...events),
      /^Squall has evicted pod heals-\S+ for run \S+ of installation \S+$/,
    );
    await driver.revert([fault], ATTEMPT);
    await until(async () => (await podsOf(cluster, namespace, 'heals')).length === 3);
    assert.equal(await look(), 'active', 'it ends, and another has been started');
    const end = ['delete', 'pod', target.replace(/^.*\/|@.*$/g, ''), '-n', namespace, '--force', '--ignore-not-found'];
    await cluster.kubectl(...end);
    assert.equal(await look(), 'active', 'the other is not ready');
    await settle(cluster, namespace, node);
    assert.equal(await look(), 'absent');
  });

  it('an eviction that a budget does not allow is not made, and its words are said', async () => {
    await cluster.create({
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'all', namespace },
      spec: { minAvailable: '100%', selector: { matchLabels: { app: 'guarded' } } },
    });
    const targets = await running(deploymentOf('guarded', namespace, 2), 'guarded', 2);
    const driver = openDriver(cluster, podKill);
    const fault = faultOn(targets[0] ?? '', PARAMS);
    const endsAtMs = performance.now() + 4_000;
    const short = { signal: ATTEMPT.signal, remainingMs: () => endsAtMs - performance.now() };
    const [outcome] = await driver.inject([fault], short);
    assert.match(`${outcome?.result} ${outcome?.detail}`, /failed .*disruption budget/);
    assert.deepEqual(await driver.verify([fault], ATTEMPT), ['active'], 'as long as it is not fenced it may be killed');
    await driver.revert([fault], ATTEMPT);
    assert.deepEqual(await driver.verify([fault], ATTEMPT), ['absent']);
    assert.deepEqual(await alive('guarded'), targets);
    // Asked to leave it, it does not wait either: no attempt is over in as little as an answer takes.
    const left = faultOn(targets[1] ?? '', { ...PARAMS, overBudget: 'skip' as const });
    const [skipped] = await driver.inject([left], ATTEMPT);
    assert.match(`${skipped?.result} ${skipped?.detail}`, /skipped .*disruption budget/);
    assert.deepEqual((await driver.revert([left], ATTEMPT))[0]?.result, 'reverted');
    assert.deepEqual(await driver.verify([left], ATTEMPT), ['absent']);
    assert.deepEqual(await alive('guarded'), targets);
    // Nor is it killed once the budget allows it.
    await cluster.kubectl('delete', 'poddisruptionbudget', 'all', '-n', namespace);
    assert.equal((await driver.inject([left], ATTEMPT))[0]?.result, 'fenced');
    assert.deepEqual(await alive('guarded'), targets);
  });

  it('a stateful set’s pod is not deleted without leave, nor is one that nobody would replace', async () => {
    const set = { ...deploymentOf('set', namespace, 1), kind: 'StatefulSet' };
    const stateful = { ...set, spec: { ...set.spec, serviceName: 'set' } };
    const [ofSet = ''] = await running(stateful, 'set', 1);
    const [bare = ''] = await running(
      {
        apiVersion: 'v1',
        kind: 'Pod',
        ...template('bare'),
        metadata: { name: 'bare', namespace, labels: { app: 'bare' } },
      },
      'bare',
      1,
    );
    const faults = [ofSet, bare].map((target) => faultOn(target, { ...PARAMS, mode: 'delete' as const }));
    const outcomes = await openDriver(cluster, podKill).inject(faults, ATTEMPT);
    assert.match(outcomes[0]?.detail ?? '', /statefulSets: true/);
    assert.match(outcomes[1]?.detail ?? '', /no owner/);
    assert.deepEqual([...(await alive('set')), ...(await alive('bare'))], [ofSet, bare]);
  });

  it('of a kill and a revert at the same time nothing comes late', async () => {
    const targets = await running(deploymentOf('raced', namespace, 10), 'raced', 10);
    const driver = openDriver(cluster, podKill);
    const faults = targets.map((target) => faultOn(target, PARAMS));
    const killed = await Promise.all(
      faults.map(async (fault, i) => {
        const reverting = new Promise((resolve) => setTimeout(resolve, 3 * i)).then(() =>
          driver.revert([fault], ATTEMPT),
        );
        const [[outcome]] = await Promise.all([driver.inject([fault], ATTEMPT), reverting]);
        return outcome?.result;
      }),
    );
    const left = await alive('raced');
    for (const [i, target] of targets.entries())
      assert.equal(left.includes(target), killed[i] !== 'injected', `${target}: ${killed[i]}`);
    const again = await driver.inject(faults, ATTEMPT);
    assert.ok(again.every(({ result }) => result === 'fenced' || result === 'gone'));
    const kept = targets.filter((target) => left.includes(target));
    const still = await alive('raced');
    assert.ok(kept.every((target) => still.includes(target)));
  });

  it('nothing is left in the namespace once the fences are old', async () => {
    const [killed = '', fenced = ''] = await running(deploymentOf('tidy', namespace, 3), 'tidy', 3);
    const driver = openDriver(cluster, podKill);
    const faults = [killed, fenced].map((target) => faultOn(target, PARAMS));
    await driver.inject(faults.slice(0, 1), ATTEMPT);
    await driver.revert(faults, ATTEMPT);
    const marked = async (): Promise<string[]> => {
      const found = await cluster.kubectl('get', 'leases,pods', '-n', namespace, '-l', 'squall/kill', '-o', 'name');
      return found.split('\n').filter((line) => line !== '');
    };
    assert.ok((await marked()).length >= 2);
    for (const name of await marked()) {
      const read = ['get', name, '-n', namespace, '-o', 'jsonpath={.metadata.annotations.squall/kill-ended}'];
      const young = JSON.parse((await cluster.kubectl(...read)) || '{}') as Record<string, number>;
      const old = JSON.stringify(Object.fromEntries(Object.entries(young).map(([key, atMs]) => [key, atMs - HOUR_MS])));
      await cluster.kubectl('annotate', '--overwrite', name, '-n', namespace, `squall/kill-ended=${old}`);
    }
    await cluster.kubectl(
      'label',
      'leases,pods',
      '-n',
      namespace,
      '-l',
      'squall/kill=held',
      '--overwrite',
      'squall/kill=ended',
    );
    await Array.fromAsync(driver.leftovers());
    assert.deepEqual(
      (await marked()).filter((name) => name.startsWith('lease')),
      [],
    );
  });
});

describe('pods on a real node', { skip: await whyNoNode() }, () => {
  it('a killed pod is replaced, and is verified to be', async () => {
    await using undo = new AsyncDisposableStack();
    const cluster = await Cluster.open({ node: true });
    undo.defer(() => cluster.close());
    const deployment = ['-n', 'default', 'deployment', 'web'];
    await cluster.kubectl('create', ...deployment, `--image=${IMAGE}`, '--replicas=2', '--', 'sleep', '1h');
    undo.defer(async () => void (await cluster.kubectl('delete', ...deployment)));
    await cluster.kubectl('rollout', 'status', ...deployment.slice(0, 2), 'deployment/web', '--timeout=80s');
    const [pod] = await podsOf(cluster, 'default', 'web');
    const { name = '', uid = '' } = pod?.metadata ?? {};
    const target = targetId({ kind: 'pod', namespace: 'default', name, uid });
    const driver = openDriver(cluster, podKill);
    const fault = faultOn(target, { ...PARAMS, gracePeriod: 1_000 });
    assert.equal((await driver.inject([fault], ATTEMPT))[0]?.result, 'injected');
    assert.deepEqual(await driver.verify([fault], ATTEMPT), ['active']);
    await driver.revert([fault], ATTEMPT);
    await until(async () => (await driver.verify([fault], ATTEMPT))[0] === 'absent');
    const pods = await podsOf(cluster, 'default', 'web');
    assert.deepEqual([pods.length, pods.some(({ metadata }) => metadata.uid === uid)], [2, false]);
  });
});
