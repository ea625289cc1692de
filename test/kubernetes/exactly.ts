/**
 * A driver as a service account that may do exactly what it says it needs; with one verb less, pre-flight refuses.
 *
 * Owns the accounts, whose kubeconfigs are in a folder of the test's own, and the roles that are bound to them.
 */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DriverFactory } from '../../activities/faults/driver.ts';
import { targets } from '../../activities/targets/kubernetes.ts';
import { squall } from '../cli/squall.ts';
import { until } from '../until.ts';
import type { Cluster, KubernetesObject } from './cluster/cluster.ts';
import { ATTEMPT, faultOn } from './nodes.ts';

export interface Role extends KubernetesObject {
  readonly rules: readonly { readonly apiGroups: string[]; readonly resources: string[]; readonly verbs: string[] }[];
}

/** Where accounts are made. */
export interface Accounts {
  readonly cluster: Cluster;
  readonly namespace: string;
  /** For kubeconfigs. */
  readonly folder: string;
  /** What the site's section says besides. */
  readonly section?: Readonly<Record<string, unknown>>;
}

async function apply({ cluster, folder }: Accounts, role: KubernetesObject): Promise<void> {
  const file = join(folder, 'role.json');
  await writeFile(file, JSON.stringify(role));
  await cluster.kubectl('apply', '-f', file);
}

/** A kubeconfig of a service account to which `role` is bound: in the namespace, or in the whole cluster. */
export async function accountOf(
  accounts: Accounts,
  role: Role,
  made: AsyncDisposableStack,
  everywhere: boolean,
): Promise<string> {
  const { cluster, namespace, folder } = accounts;
  const { name = '' } = role.metadata;
  await apply(accounts, role);
  made.defer(async () => void (await cluster.kubectl('delete', 'clusterrole', name)));
  const within = ['-n', namespace];
  await cluster.kubectl('create', 'serviceaccount', name, ...within);
  const bound = [name, `--clusterrole=${name}`, `--serviceaccount=${namespace}:${name}`];
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

/** Does all that a driver can with the role that `squall faults` prints, and finds each verb missing that is taken from it. */
export async function exactly(
  accounts: Accounts,
  kind: string,
  factory: DriverFactory,
  written: unknown,
  selector: Readonly<Record<string, unknown>>,
): Promise<void> {
  await using made = new AsyncDisposableStack();
  const { out } = await squall(['faults', kind, '--permissions', '--json']);
  const { role } = JSON.parse(out) as { readonly role: Role };
  const everywhere = selector['kind'] === 'node';
  const kubeconfig = await accountOf(accounts, role, made, everywhere);
  const kubernetes = {
    kubeconfig,
    nodes: true,
    ...accounts.section,
    ...(everywhere ? {} : { namespaces: [accounts.namespace] }),
  };
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
      await apply(accounts, less);
      const said = `this worker may not ${verb} ${resources[0]} `;
      await until(async () => (await driver.check(params)).some((words) => words.startsWith(said)), said);
    }
  }
}
