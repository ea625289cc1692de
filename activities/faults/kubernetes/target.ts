/**
 * Targets in a cluster: `pod/shop/web-7d9f-x2x@0f0c…` and `node/worker-3@…`.
 *
 * Owns the spelling of a target's id: its kind, where it is, and its UID, by which an impostor of the same name is told.
 */
import type { TargetId } from '../../../domain/fault.ts';
import { listPath } from '../../kubernetes/objects.ts';
import type { ObjectKind } from '../../kubernetes/objects.ts';

/** An object that was chosen as a target. */
export interface KubernetesTarget {
  readonly kind: ObjectKind;
  /** Absent for what is in no namespace. */
  readonly namespace?: string;
  readonly name: string;
  readonly uid: string;
}

/** The longest a target's id may be. */
export const TARGET_MAX = 200;

const SPELLING =
  /^(?:(node)|(pod|deployment|statefulset|configmap|secret)\/([a-z0-9-]{1,63}))\/([a-z0-9.-]{1,253})@([\w-]{1,64})$/;

export function targetId({ kind, namespace, name, uid }: KubernetesTarget): TargetId {
  return namespace === undefined ? `${kind}/${name}@${uid}` : `${kind}/${namespace}/${name}@${uid}`;
}

/** Throws when `id` is no target in a cluster, or none of `kinds`. */
export function parseTarget(id: TargetId, kinds: readonly ObjectKind[]): KubernetesTarget {
  const [, node, namespaced, namespace, name, uid] = SPELLING.exec(id) ?? [];
  const kind = (node ?? namespaced) as ObjectKind | undefined;
  if (kind === undefined || name === undefined || uid === undefined)
    throw new Error(`${id} is not a target in a cluster`);
  if (!kinds.includes(kind))
    throw new Error(
      `${id} is a ${kind}, and this fault is done to a ${kinds.join(' or a ')}: say \`kind: ${kinds[0] ?? ''}\``,
    );
  return { kind, name, uid, ...(namespace === undefined ? {} : { namespace }) };
}

/** Where the object is. */
export function pathOf({ kind, namespace, name }: KubernetesTarget): string {
  return `${listPath(kind, namespace)}/${name}`;
}
