/**
 * Where this worker runs, if it runs in the cluster of its site.
 *
 * Owns how a program finds out its own pod, and its node. What nobody can say must never be taken for somewhere else.
 */
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { Attempt } from '../faults/driver.ts';
import type { KubernetesSettings } from '../targets/kubernetes-settings.ts';
import type { KubernetesApi } from './api.ts';
import { listPath, podSchema } from './objects.ts';

/** Where a pod finds the namespace it is in. */
const OWN_NAMESPACE = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';

/** A pod by its name. */
export interface PodName {
  readonly namespace: string;
  readonly name: string;
}

/** The pod this worker runs in; undefined where it runs in none of this cluster. */
export async function ownPod({ kubeconfig }: KubernetesSettings): Promise<PodName | undefined> {
  if (kubeconfig !== undefined) return undefined;
  return readFile(OWN_NAMESPACE, 'utf8').then(
    (namespace) => ({ namespace: namespace.trim(), name: hostname() }),
    () => undefined,
  );
}

/**
 * The node this worker runs on; undefined where `settings` lead to a cluster from outside. Throws where it runs in the
 * cluster and nobody can say where.
 */
export async function ownNode(
  settings: KubernetesSettings,
  own: PodName | undefined,
  api: KubernetesApi,
  attempt: Attempt,
): Promise<string | undefined> {
  if (settings.kubeconfig !== undefined) return undefined;
  const unknown = 'nobody can say on which node this worker runs';
  if (own === undefined) throw new Error(`${unknown}: it has no service account`);
  const { namespace, name } = own;
  const pod = await api.get(`${listPath('pod', namespace)}/${name}`, podSchema, attempt);
  if (pod?.spec.nodeName === undefined) throw new Error(`${unknown}: there is no pod ${namespace}/${name}`);
  return pod.spec.nodeName;
}
