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

/**
 * The pod this worker runs in, of whichever cluster; undefined where it runs in none. A kubeconfig may lead back into the worker's
 * own cluster, and in another one there is no pod of that name. Its name is its host name, as a pod's is that is neither in its node's network nor has
 * another one.
 */
export async function ownPod(): Promise<PodName | undefined> {
  return readFile(OWN_NAMESPACE, 'utf8').then(
    (namespace) => ({ namespace: namespace.trim(), name: hostname() }),
    () => undefined,
  );
}

/**
 * The node this worker runs on; undefined where it runs on none of the cluster that a kubeconfig leads to. Throws where nobody can say.
 */
export async function ownNode(
  { kubeconfig }: KubernetesSettings,
  own: PodName | undefined,
  api: KubernetesApi,
  attempt: Attempt,
): Promise<string | undefined> {
  const mayBeElsewhere = kubeconfig !== undefined;
  const unknown = 'nobody can say on which node this worker runs';
  if (own === undefined) {
    if (mayBeElsewhere) return undefined;
    throw new Error(`${unknown}: it has no service account`);
  }
  const { namespace, name } = own;
  const pod = await api.get(`${listPath('pod', namespace)}/${name}`, podSchema, attempt);
  if (pod === undefined && mayBeElsewhere) return undefined;
  if (pod?.spec.nodeName === undefined) throw new Error(`${unknown}: there is no pod ${namespace}/${name}`);
  return pod.spec.nodeName;
}
