/**
 * The owner of a pod: who starts another when it goes, and whether all that there were are ready again.
 *
 * Owns the way from a pod up to whoever was made by nobody, and the counting. What an owner's status says lags behind, so its
 * pods are counted.
 */
import { z } from 'zod';
import type { KubernetesApi } from '../../kubernetes/api.ts';
import { labelQuery, selectorSchema, selects } from '../../kubernetes/labels.ts';
import { holds, listPath, metadataSchema, podSchema } from '../../kubernetes/objects.ts';
import type { Metadata } from '../../kubernetes/objects.ts';
import type { Attempt } from '../driver.ts';

/** Who can be asked for their pods. */
const PLURALS: Readonly<Record<string, string>> = {
  ReplicaSet: 'replicasets',
  Deployment: 'deployments',
  StatefulSet: 'statefulsets',
  DaemonSet: 'daemonsets',
};

/** An owner, and how many of its pods were ready once. */
export const ownerSchema = z.object({
  apiVersion: z.string(),
  kind: z.string(),
  name: z.string(),
  uid: z.string(),
  path: z.string(),
  ready: z.number().int(),
  /** How many there were to be then, where that is a number. */
  replicas: z.number().int().optional(),
});
export type Owner = z.infer<typeof ownerSchema>;

const controllerSchema = z.object({
  metadata: metadataSchema,
  spec: z.object({ replicas: z.number().int().optional(), selector: selectorSchema }),
});

/** Who has the pod now, with its ready pods counted, or why nobody can say that it will be replaced. */
export async function findOwner(pod: Metadata, api: KubernetesApi, attempt: Attempt): Promise<Owner | string> {
  const namespace = pod.namespace ?? '';
  let below = pod;
  let found: Owner | undefined;
  for (;;) {
    const reference = below.ownerReferences.find(({ controller }) => controller);
    if (reference === undefined) return found ?? 'nobody would replace it: it has no owner';
    const { apiVersion, kind, name, uid } = reference;
    const plural = PLURALS[kind];
    // Whoever has a replica set or a deployment of its own kind of object is asked no further.
    if (plural === undefined || apiVersion !== 'apps/v1')
      return found ?? `its owner is a ${kind}, of which nobody can say when it is whole again`;
    const path = `/apis/apps/v1/namespaces/${namespace}/${plural}/${name}`;
    const asked = await countedAt({ apiVersion, kind, path }, uid, api, attempt);
    if (asked === undefined) return 'its owner is gone';
    found = asked.owner;
    below = asked.metadata;
  }
}

/** The owner of this UID at `path`, with its ready pods counted; undefined where it is gone. */
export async function ownerAt(
  at: Pick<Owner, 'apiVersion' | 'kind' | 'path'>,
  uid: string,
  api: KubernetesApi,
  attempt: Attempt,
): Promise<Owner | undefined> {
  return (await countedAt(at, uid, api, attempt))?.owner;
}

async function countedAt(
  { apiVersion, kind, path }: Pick<Owner, 'apiVersion' | 'kind' | 'path'>,
  uid: string,
  api: KubernetesApi,
  attempt: Attempt,
): Promise<{ readonly owner: Owner; readonly metadata: Metadata } | undefined> {
  const live = await api.get(path, controllerSchema, attempt);
  if (live?.metadata.uid !== uid) return undefined;
  const { metadata, spec } = live;
  const ready = await readyPods(spec.selector, metadata.namespace ?? '', '', api, attempt);
  const replicas = spec.replicas === undefined ? {} : { replicas: spec.replicas };
  return { owner: { apiVersion, kind, name: metadata.name, uid, path, ready, ...replicas }, metadata };
}

/** Whether as many pods besides `uid` are ready as there were, or as there are to be by now; nobody waits for an owner that is gone. */
export async function isWhole(owner: Owner, uid: string, api: KubernetesApi, attempt: Attempt): Promise<boolean> {
  return (await missingOf(owner, uid, api, attempt)) === undefined;
}

/** What an owner is still without, for people; undefined when it is whole. */
export async function missingOf(
  owner: Owner,
  uid: string,
  api: KubernetesApi,
  attempt: Attempt,
): Promise<string | undefined> {
  const live = await api.get(owner.path, controllerSchema, attempt);
  if (live?.metadata.uid !== owner.uid) return undefined;
  const { replicas, selector } = live.spec;
  const { namespace = '', name } = live.metadata;
  const ready = await readyPods(selector, namespace, uid, api, attempt);
  const wanted = Math.min(owner.ready, replicas ?? Infinity);
  return ready >= wanted ? undefined : `${owner.kind} ${namespace}/${name} has ${ready} of ${wanted} pods ready`;
}

async function readyPods(
  selector: z.infer<typeof selectorSchema>,
  namespace: string,
  but: string,
  api: KubernetesApi,
  attempt: Attempt,
): Promise<number> {
  let ready = 0;
  const query = labelQuery(selector.matchLabels);
  for await (const pod of api.list(listPath('pod', namespace), query, podSchema, attempt)) {
    const { uid, labels, deletionTimestamp } = pod.metadata;
    const counts = uid !== but && deletionTimestamp === undefined && selects(selector, labels) && holds(pod, 'Ready');
    if (counts) ready += 1;
  }
  return ready;
}
