/** Each driver as a service account that may do exactly what it says it needs; with one verb less, pre-flight refuses. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { DriverFactory } from '../../activities/faults/driver.ts';
import { driver as configChange } from '../../activities/faults/kubernetes/config-change.ts';
import { driver as cordon } from '../../activities/faults/kubernetes/node-cordon.ts';
import { driver as taint } from '../../activities/faults/kubernetes/node-taint.ts';
import { driver as podKill } from '../../activities/faults/kubernetes/pod-kill.ts';
import { driver as scale } from '../../activities/faults/kubernetes/scale.ts';
import { targets } from '../../activities/targets/kubernetes.ts';
import { squall } from '../cli/squall.ts';
import { until } from '../until.ts';
import { Cluster, whyNoCluster } from './cluster/cluster.ts';
import type { KubernetesObject } from './cluster/cluster.ts';
import { ATTEMPT, faultOn, makeNode } from './nodes.ts';
import { deploymentOf, podsOf, settle } from './pods.ts';

interface Role extends KubernetesObject {
  readonly rules: readonly { readonly apiGroups: string[]; readonly resources: string[]; readonly verbs: string[] }[];
}

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

  async function apply(role: KubernetesObject): Promise<void> {
    const file = join(folder, 'role.json');
    await writeFile(file, JSON.stringify(role));
    await cluster.kubectl('apply', '-f', file);
  }

  /** A kubeconfig of a service account to which `role` is bound: in the namespace, or in the whole cluster. */
  async function accountOf(role: Role, made: AsyncDisposableStack, everywhere: boolean): Promise<string> {
    const { name = '' } = role.metadata;
    await apply(role);
    made.defer(async () => void (await cluster.kubectl('delete', 'clusterrole', name)));
    const within = ['-n', NAMESPACE];
    await cluster.kubectl('create', 'serviceaccount', name, ...within);
    const bound = [name, `--clusterrole=${name}`, `--serviceaccount=${NAMESPACE}:${name}`];
    if (everywhere) {
      await cluster.kubectl('create', 'clusterrolebinding', ...bound);
      made.defer(async () => void (await cluster.kubectl('delete', 'clusterrolebinding', name)));
    } else await cluster.kubectl('create', 'rolebinding', ...bound, ...within);
    const token = (await cluster.kubectl('create', 'token', name, ...within)).trim();
    const config = JSON.parse(await cluster.kubectl('config', 'view', '--raw', '--minify', '-o', 'json')) as {
      readonly users: { readonly name: string }[];
    };
    const file = join(folder, name);
    const users = config.users.map((user) => ({ name: user.name, user: { token } }));
    await writeFile(file, JSON.stringify({ ...config, users }), { mode: 0o600 });
    return file;
  }

  async function exactly(
    kind: string,
    factory: DriverFactory,
    written: unknown,
    selector: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    await using made = new AsyncDisposableStack();
    const { out } = await squall(['faults', kind, '--permissions', '--json']);
    const { role } = JSON.parse(out) as { readonly role: Role };
    const everywhere = selector['kind'] === 'node';
    const kubeconfig = await accountOf(role, made, everywhere);
    const kubernetes = { kubeconfig, nodes: true, ...(everywhere ? {} : { namespaces: [NAMESPACE] }) };
    const site = { name: 'lab', installation: 'lab', stateDir: '', settings: { kubernetes } };
    const driver = factory(site);
    const params: unknown = driver.params.parse(written);
    await until(async () => (await driver.check(params)).length === 0);
    const provider = targets(site);
    const found = await provider.resolve(provider.selector.parse(selector), AbortSignal.timeout(60_000));
    const [target] = found.targets;
    assert.ok(target, JSON.stringify(found.excluded));
    const fault = faultOn(target, params);
    const [outcome] = await driver.inject([fault], ATTEMPT);
    assert.equal(outcome?.result, 'injected', outcome?.detail);
    assert.equal((await driver.occupied([target])).get(target), fault.id);
    const renewed = await driver.renew?.([fault], ATTEMPT);
    assert.ok(renewed === undefined || renewed[0]?.result === 'renewed');
    assert.deepEqual(
      (await Array.fromAsync(driver.leftovers())).map((left) => left.fault.id),
      [fault.id],
    );
    assert.equal((await driver.revert([fault], ATTEMPT))[0]?.result, 'reverted');
    assert.notEqual((await driver.verify([fault], ATTEMPT))[0], 'unknown');

    for (const [i, { resources, verbs }] of role.rules.entries()) {
      for (const verb of verbs) {
        const rules = role.rules
          .map((rule, j) => (j === i ? { ...rule, verbs: rule.verbs.filter((other) => other !== verb) } : rule))
          .filter((rule) => rule.verbs.length > 0);
        const less: Role = { ...role, rules };
        await apply(less);
        const said = `this worker may not ${verb} ${resources[0]} `;
        await until(async () => (await driver.check(params)).some((words) => words.startsWith(said)), said);
      }
    }
  }

  it('kubernetes/node-cordon and kubernetes/node-taint', async () => {
    await using made = new AsyncDisposableStack();
    await Promise.all([1, 2].map(() => makeNode(cluster, made, { pool: 'access' })));
    const selector = { kind: 'node', labels: { pool: 'access' } };
    await exactly('kubernetes/node-cordon', cordon, {}, selector);
    await exactly('kubernetes/node-taint', taint, {}, selector);
  });

  it('kubernetes/scale and kubernetes/pod-kill', async () => {
    await cluster.create(deploymentOf('web', NAMESPACE, 3));
    await until(async () => {
      await settle(cluster, NAMESPACE);
      return (await podsOf(cluster, NAMESPACE)).filter(({ status }) => status?.['phase'] === 'Running').length === 3;
    });
    const ready = ['get', 'deployment', 'web', '-n', NAMESPACE, '-o', 'jsonpath={.status.readyReplicas}'];
    await until(async () => (await cluster.kubectl(...ready)) === '3');
    await exactly('kubernetes/pod-kill', podKill, { mode: 'delete' }, { namespace: NAMESPACE });
    await exactly('kubernetes/scale', scale, { to: 1 }, { kind: 'deployment', namespace: NAMESPACE });
  });

  it('kubernetes/config-change', async () => {
    await cluster.kubectl('create', 'configmap', 'app', '-n', NAMESPACE, '--from-literal=a=b');
    await exactly(
      'kubernetes/config-change',
      configChange,
      { key: 'a', value: 'c' },
      { kind: 'configmap', names: ['app'] },
    );
  });
});
