/**
 * Pods of a cluster without nodes: what a scheduler and a kubelet would say of them.
 *
 * Owns the part of both. A cluster that `KUBECONFIG` names has its own, which are only waited for.
 */
import type { Cluster, KubernetesObject } from './cluster/cluster.ts';

const NAMED = Boolean(process.env['KUBECONFIG']);
/** Runs anywhere; where no kubelet is, nobody pulls it. */
const PAUSE = 'registry.k8s.io/pause:3.10';

/** The template of pods called `app`, which do nothing. */
export function template(app: string, labels: Readonly<Record<string, string>> = {}): Record<string, unknown> {
  return {
    metadata: { labels: { app, ...labels } },
    spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'main', image: PAUSE }] },
  };
}

/** A deployment of such pods, not yet made. */
export function deploymentOf(
  app: string,
  namespace: string,
  replicas: number,
  labels: Readonly<Record<string, string>> = {},
): KubernetesObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: app, namespace, labels: { app, ...labels } },
    spec: { replicas, selector: { matchLabels: { app } }, template: template(app, labels) },
  };
}

/** The pods of a namespace, by name. */
export async function podsOf(cluster: Cluster, namespace: string, app?: string): Promise<KubernetesObject[]> {
  const selected = app === undefined ? [] : ['-l', `app=${app}`];
  const listed = await cluster.kubectl(
    'get',
    'pods',
    '-n',
    namespace,
    ...selected,
    '--sort-by=.metadata.name',
    '-o',
    'json',
  );
  return (JSON.parse(listed) as { items: KubernetesObject[] }).items;
}

/** Says of every pod of `namespace` that it is ready, on the node called `node` where one is, and ends those that are being deleted. */
export async function settle(cluster: Cluster, namespace: string, node?: string): Promise<void> {
  if (NAMED) return;
  const at = `/api/v1/namespaces/${namespace}/pods`;
  await Promise.all(
    (await podsOf(cluster, namespace)).map(async ({ metadata, spec, status }) => {
      const { name = '', uid } = metadata;
      if (metadata['deletionTimestamp'] !== undefined) {
        const options = { kind: 'DeleteOptions', apiVersion: 'v1', gracePeriodSeconds: 0, preconditions: { uid } };
        await cluster.raw('delete', `${at}/${name}`, options).catch(unlessDone);
        return;
      }
      if (status?.['phase'] === 'Running') return;
      if (node !== undefined && spec?.['nodeName'] === undefined) {
        const target = { apiVersion: 'v1', kind: 'Node', name: node };
        const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { name }, target };
        await cluster.raw('create', `${at}/${name}/binding`, binding).catch(unlessDone);
      }
      const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: '2020-01-01T00:00:00Z' }];
      const ready = JSON.stringify({ status: { phase: 'Running', conditions } });
      await cluster
        .kubectl('patch', 'pod', name, '-n', namespace, '--subresource=status', '--type=merge', '-p', ready)
        .catch(unlessDone);
    }),
  );
}

/** Whether a pod of this status is ready. */
export function isReady(status: Readonly<Record<string, unknown>> | undefined): boolean {
  const conditions = (status?.['conditions'] ?? []) as readonly { readonly type: string; readonly status: string }[];
  return conditions.some((condition) => condition.type === 'Ready' && condition.status === 'True');
}

/** Another who plays the kubelet may have been faster. */
function unlessDone(error: unknown): void {
  if (/NotFound|not found|Conflict/.test(String(error))) return;
  throw error;
}
