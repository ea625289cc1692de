/**
 * Pods as candidates: those that run, are ready, and are not all there is of their owner.
 *
 * Owns what a pod's owner and its disruption budgets allow to be touched at once. An owner's ready replicas are what its
 * controllers say, whatever part of its pods is selected.
 */
import { z } from 'zod';
import { targetId } from '../faults/kubernetes/target.ts';
import { labelQuery, selectorSchema, selects } from '../kubernetes/labels.ts';
import { bareSchema, holds, listPath, metadataSchema, MIRROR, podSchema } from '../kubernetes/objects.ts';
import type { Metadata } from '../kubernetes/objects.ts';
import { ownPod } from '../kubernetes/own-pod.ts';
import { forbidden, isHeld, ZONE } from './kubernetes-selector.ts';
import type { KubernetesSelector, Place } from './kubernetes-selector.ts';
import type { Candidates } from './provider.ts';
import type { Limit, Sifted } from './sieve.ts';

type Pod = z.infer<typeof podSchema>;

const controllerSchema = z.object({
  metadata: metadataSchema,
  status: z
    .object({ readyReplicas: z.number().int().optional(), numberReady: z.number().int().optional() })
    .prefault({}),
});

const budgetSchema = z.object({
  metadata: z.object({ name: z.string(), namespace: z.string() }),
  spec: z.object({ selector: selectorSchema.nullish() }),
  status: z.object({ disruptionsAllowed: z.number().int().default(0) }).prefault({}),
});

/** Who has the pods, and how many of them are ready. */
interface Owner {
  readonly uid: string;
  /** Of the controller and whoever controls that, as they are selected: `replicaset/web-7d9f`, `deployment/web`. */
  readonly names: readonly string[];
  readonly ready: number;
}

/** Whom `wanted` names among the pods of `place`. */
export async function podCandidates(wanted: KubernetesSelector, place: Place): Promise<Candidates> {
  const { api, settings, attempt, sieve } = place;
  const [owners, budgets, zone, own] = await Promise.all([
    ownersIn(place),
    budgetsIn(place),
    nodesOf(wanted.zone, place),
    ownPod(),
  ]);
  const found: (Pick<Sifted, 'id' | 'name'> & {
    readonly metadata: Metadata;
    readonly node: string | undefined;
    readonly owner: Owner | undefined;
  })[] = [];
  /** Of each owner, how many pods a fault of ours is on although they say that they are ready. */
  const harmed = new Map<string, number>();
  for (const namespace of place.namespaces) {
    for await (const pod of api.list(listPath('pod', namespace), labelQuery(wanted.labels), podSchema, attempt)) {
      const { metadata, spec } = pod;
      const { name, namespace: within = '' } = metadata;
      const owner = ownerOf(metadata, owners);
      if (owner !== undefined && isHeld(metadata) && holds(pod, 'Ready'))
        harmed.set(owner.uid, (harmed.get(owner.uid) ?? 0) + 1);
      if (wanted.node !== undefined && spec.nodeName !== wanted.node) continue;
      if (wanted.names !== undefined && !wanted.names.includes(name)) continue;
      if (wanted.owner !== undefined && !owner?.names.includes(wanted.owner)) continue;
      if (zone !== undefined && !zone.has(spec.nodeName ?? '')) continue;
      const named = {
        id: targetId({ kind: 'pod', namespace: within, name, uid: metadata.uid }),
        name: `${within}/${name}`,
      };
      const isOwn = own?.namespace === within && own.name === name;
      const reason = forbidden('pod', metadata, settings) ?? unfit(pod, owner, isOwn);
      if (reason !== undefined) sieve.leave(reason, named);
      else found.push({ ...named, metadata, node: spec.nodeName, owner });
    }
  }
  for (const { id, name, metadata, node, owner } of found) {
    const { namespace = '', labels } = metadata;
    // Who is under a fault of ours is a target still, and none of those that are left.
    const whole = owner && { ...owner, ready: owner.ready - (harmed.get(owner.uid) ?? 0) };
    sieve.keep({
      id,
      name,
      facts: { labels, namespace, ...(node === undefined ? {} : { host: node }) },
      limits: isHeld(metadata) ? [] : limitsOf(metadata, whole, budgets.get(namespace) ?? []),
    });
  }
  return sieve.candidates();
}

function unfit(pod: Pod, owner: Owner | undefined, isOwn: boolean): string | undefined {
  if (isOwn) return 'this worker itself';
  if (Object.hasOwn(pod.metadata.annotations, MIRROR)) return 'a static pod of its node';
  if (owner === undefined) return 'nobody would replace it: it has no owner';
  if (isHeld(pod.metadata)) return undefined;
  return pod.status.phase === 'Running' && holds(pod, 'Ready') ? undefined : 'not Running and Ready';
}

function limitsOf(
  { labels }: Metadata,
  owner: Owner | undefined,
  budgets: readonly z.infer<typeof budgetSchema>[],
): Limit[] {
  const last = owner && {
    key: owner.uid,
    allows: owner.ready - 1,
    reason: 'the last ready replica of its owner',
  };
  return [
    ...(last ? [last] : []),
    ...budgets
      .filter(({ spec }) => spec.selector && selects(spec.selector, labels))
      .map(({ metadata: { namespace, name }, status: { disruptionsAllowed: allows } }) => ({
        key: `budget ${namespace}/${name}`,
        allows,
        reason: `beyond its disruption budget ${name}, which allows ${allows}`,
        budget: true as const,
      })),
  ];
}

function ownerOf({ ownerReferences }: Metadata, owners: ReadonlyMap<string, Owner>): Owner | undefined {
  const controller = ownerReferences.find((reference) => reference.controller);
  if (controller === undefined) return undefined;
  // Of other kinds of controllers nobody knows how many replicas are ready: a job's pod is the only one.
  const { uid, kind, name } = controller;
  return owners.get(uid) ?? { uid, names: [`${kind.toLowerCase()}/${name}`], ready: 1 };
}

/** By the UID of the controller that a pod names: all replica sets of a deployment have one owner. */
async function ownersIn({ api, attempt, namespaces }: Place): Promise<Map<string, Owner>> {
  const controllers: { readonly metadata: Metadata; readonly kind: string; readonly ready: number }[] = [];
  for (const kind of ['replicaset', 'statefulset', 'daemonset']) {
    for (const namespace of namespaces) {
      const path = `/apis/apps/v1${namespace === undefined ? '' : `/namespaces/${namespace}`}/${kind}s`;
      for await (const { metadata, status } of api.list(path, {}, controllerSchema, attempt))
        controllers.push({ metadata, kind, ready: status.readyReplicas ?? status.numberReady ?? 0 });
    }
  }
  const above = ({ ownerReferences }: Metadata) => ownerReferences.find((reference) => reference.controller);
  const ready = new Map<string, number>();
  for (const { metadata, ready: more } of controllers) {
    const uid = above(metadata)?.uid ?? metadata.uid;
    ready.set(uid, (ready.get(uid) ?? 0) + more);
  }
  return new Map(
    controllers.map(({ metadata, kind }) => {
      const upper = above(metadata);
      const uid = upper?.uid ?? metadata.uid;
      const names = [`${kind}/${metadata.name}`, ...(upper ? [`${upper.kind.toLowerCase()}/${upper.name}`] : [])];
      return [metadata.uid, { uid, names, ready: ready.get(uid) ?? 0 }];
    }),
  );
}

async function budgetsIn({ api, attempt, namespaces }: Place): Promise<Map<string, z.infer<typeof budgetSchema>[]>> {
  const found = new Map<string, z.infer<typeof budgetSchema>[]>();
  for (const namespace of namespaces) {
    const path = `/apis/policy/v1${namespace === undefined ? '' : `/namespaces/${namespace}`}/poddisruptionbudgets`;
    for await (const budget of api.list(path, {}, budgetSchema, attempt)) {
      const { namespace: within } = budget.metadata;
      found.set(within, [...(found.get(within) ?? []), budget]);
    }
  }
  return found;
}

/** The nodes of a zone; undefined where none is asked for. */
async function nodesOf(zone: string | undefined, { api, attempt }: Place): Promise<Set<string> | undefined> {
  if (zone === undefined) return undefined;
  const found = new Set<string>();
  for await (const { metadata } of api.list(listPath('node'), labelQuery({ [ZONE]: zone }), bareSchema, attempt))
    found.add(metadata.name);
  return found;
}
