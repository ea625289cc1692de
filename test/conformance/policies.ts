/**
 * Pods for the conformance of a fault that is a NetworkPolicy, and an observer that asks with kubectl which policies select them.
 *
 * Owns a namespace. No pod needs to run: what a policy does is its network's, which this cluster does not have.
 */
import { randomBytes } from 'node:crypto';
import type { Lab, LabTarget } from '../../activities/faults/conformance.ts';
import { targetId } from '../../activities/faults/kubernetes/target.ts';
import type { Cluster, KubernetesObject } from '../kubernetes/cluster/cluster.ts';
import { template } from '../kubernetes/pods.ts';

/** A lab of `kubernetes/network-policy-partition`. */
export async function cutPods(cluster: Cluster): Promise<Lab> {
  const namespace = `lab-${randomBytes(4).toString('hex')}`;
  await cluster.kubectl('create', 'namespace', namespace);
  let count = 0;
  return {
    driver: new URL('../../activities/faults/kubernetes/network-policy-partition.ts', import.meta.url),
    params: { peers: ['10.0.0.0/8'], ports: [5432] },
    settings: { kubernetes: { kubeconfig: cluster.kubeconfig, namespaces: [namespace] } },
    async target(): Promise<LabTarget> {
      const name = `pod-${++count}`;
      const labels = { app: name };
      const pod = { apiVersion: 'v1', kind: 'Pod', ...template(name), metadata: { name, namespace, labels } };
      const { uid = '' } = (await cluster.create(pod)).metadata;
      return {
        id: targetId({ kind: 'pod', namespace, name, uid }),
        harmed: async () => (await policiesOf(cluster, namespace, name)).length > 0,
        remove: async () =>
          void (await cluster.kubectl('delete', 'pod', name, '-n', namespace, '--force', '--ignore-not-found')),
      };
    },
    close: async () => void (await cluster.kubectl('delete', 'namespace', namespace, '--wait=false')),
  };
}

/** Names of the policies that select a pod; none where it is gone. */
export async function policiesOf(cluster: Cluster, namespace: string, pod: string): Promise<string[]> {
  const asked = ['get', 'pods,networkpolicies', '-n', namespace, '-o', 'json'];
  const { items } = JSON.parse(await cluster.kubectl(...asked)) as { readonly items: readonly KubernetesObject[] };
  const labels = items.find(({ kind, metadata }) => kind === 'Pod' && metadata.name === pod)?.metadata.labels;
  if (labels === undefined) return [];
  return items
    .filter(({ kind }) => kind === 'NetworkPolicy')
    .filter(({ spec }) => {
      const { matchLabels = {} } = (spec?.['podSelector'] ?? {}) as { matchLabels?: Record<string, string> };
      return Object.entries(matchLabels).every(([key, value]) => labels[key] === value);
    })
    .map(({ metadata: { name = '' } }) => name);
}
