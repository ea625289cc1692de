/**
 * Rollouts: when the deployments that a selector names were last changed.
 *
 * Owns the reading of it, from the replica sets that a deployment leaves behind. One with the template of an older one was a restart, by a person or a
 * fault, and no change. Going back to a replica set that is still there leaves no trace of when. Of other workloads nothing is known.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { labelQuery } from '../kubernetes/labels.ts';
import { METADATA_LIST } from '../kubernetes/api.ts';
import { bareSchema, listPath, metadataSchema } from '../kubernetes/objects.ts';
import type { Metadata } from '../kubernetes/objects.ts';
import type { KubernetesSelector, Place } from './kubernetes-selector.ts';

/** What the template of a replica set differs in without being another: whose it is, and when it was restarted. */
const HASH = 'pod-template-hash';
const RESTARTED = 'kubectl.kubernetes.io/restartedAt';

const replicaSetSchema = z
  .object({
    metadata: metadataSchema.extend({ creationTimestamp: z.iso.datetime({ offset: true }) }),
    spec: z.object({
      template: z.object({
        metadata: z
          .looseObject({
            labels: z.record(z.string(), z.string()).default({}),
            annotations: z.record(z.string(), z.string()).default({}),
          })
          .prefault({}),
        spec: z.unknown(),
      }),
    }),
  })
  .transform(({ metadata, spec: { template } }) => {
    const { [HASH]: _hash, ...labels } = template.metadata.labels;
    const { [RESTARTED]: _restarted, ...annotations } = template.metadata.annotations;
    const what = createHash('sha256')
      .update(JSON.stringify([labels, annotations, template.spec]))
      .digest('base64');
    return { uid: metadata.uid, owner: ownerOf(metadata), atMs: Date.parse(metadata.creationTimestamp), what };
  });

type ReplicaSet = z.output<typeof replicaSetSchema>;
type Owner = Pick<Metadata, 'uid' | 'name'>;

/** In milliseconds since the Unix epoch, by the cluster's clock; undefined where no deployment is named. */
export async function deployedAtMs(wanted: KubernetesSelector, place: Place): Promise<number | undefined> {
  if (wanted.kind !== 'pod' && wanted.kind !== 'deployment') return undefined;
  const [named, replicaSets] = await Promise.all([
    wanted.kind === 'pod' ? controllersOfPods(wanted, place) : deployments(wanted, place),
    replicaSetsIn(place),
  ]);
  const ofDeployment = Map.groupBy(replicaSets, ({ owner }) => owner?.uid);
  const times = [...ofDeployment].flatMap(([uid, sets]) => {
    const isNamed = uid !== undefined && (named.has(uid) || sets.some((set) => named.has(set.uid)));
    return isNamed && isWanted(wanted, sets) ? changedAtMs(sets) : [];
  });
  return times.length === 0 ? undefined : Math.max(...times);
}

/** When the newest of the templates was new. */
function changedAtMs(sets: readonly ReplicaSet[]): number {
  const firstAtMs = new Map<string, number>();
  for (const { what, atMs } of sets) firstAtMs.set(what, Math.min(atMs, firstAtMs.get(what) ?? Infinity));
  return Math.max(...firstAtMs.values());
}

function isWanted({ kind, owner }: KubernetesSelector, [first]: readonly ReplicaSet[]): boolean {
  const [of, called] = owner?.split('/') ?? [];
  return kind !== 'pod' || of !== 'deployment' || called === first?.owner?.name;
}

/** The replica sets that have pods which are named, by UID. On which node a pod is does not matter here. */
async function controllersOfPods({ labels, names }: KubernetesSelector, place: Place): Promise<ReadonlySet<string>> {
  const { api, attempt, namespaces } = place;
  const found = new Set<string>();
  for (const namespace of namespaces)
    for await (const { metadata } of api.list(
      listPath('pod', namespace),
      labelQuery(labels),
      bareSchema,
      attempt,
      METADATA_LIST,
    )) {
      const controller = ownerOf(metadata);
      if (controller && (names === undefined || names.includes(metadata.name))) found.add(controller.uid);
    }
  return found;
}

async function deployments({ labels, names }: KubernetesSelector, place: Place): Promise<ReadonlySet<string>> {
  const { api, attempt, namespaces } = place;
  const found = new Set<string>();
  for (const namespace of namespaces)
    for await (const { metadata } of api.list(
      listPath('deployment', namespace),
      labelQuery(labels),
      bareSchema,
      attempt,
      METADATA_LIST,
    ))
      if (names === undefined || names.includes(metadata.name)) found.add(metadata.uid);
  return found;
}

async function replicaSetsIn({ api, attempt, namespaces }: Place): Promise<readonly ReplicaSet[]> {
  const found: ReplicaSet[] = [];
  for (const namespace of namespaces) {
    const path = `/apis/apps/v1${namespace === undefined ? '' : `/namespaces/${namespace}`}/replicasets`;
    for await (const set of api.list(path, {}, replicaSetSchema, attempt)) found.push(set);
  }
  return found;
}

function ownerOf({ ownerReferences }: Pick<Metadata, 'ownerReferences'>): Owner | undefined {
  return ownerReferences.find(({ controller }) => controller);
}
