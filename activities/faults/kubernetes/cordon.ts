/**
 * A cordon: no pod is scheduled on a node any more.
 *
 * Owns the one slot of a node that all faults share which cordon it, so that only what we have cordoned is uncordoned, once.
 */
import { permission } from '../../kubernetes/access.ts';
import { nodeSchema } from '../../kubernetes/objects.ts';
import type { Node } from '../../kubernetes/objects.ts';
import { ownNode, ownPod } from '../../kubernetes/own-pod.ts';
import type { Looking } from './object-fault.ts';
import type { Change } from './slotted.ts';

/** What every fault that cordons a node says of it. */
export const CORDON = {
  resource: 'cordon',
  objects: ['node'],
  object: nodeSchema,
  isOn: ({ spec }: Node) => spec.unschedulable,
  heal: (): Change => ({ spec: { unschedulable: null } }),
} as const;

/** What every fault that cordons a node needs. */
export const CORDONING = permission('', ['nodes'], ['get', 'list', 'patch']);

/** The change of a node, with what is written down of it, or why it must not be. */
export function cordoned<Undo>({ spec }: Node, undo: Undo): { readonly undo: Undo; readonly change: Change } | string {
  return spec.unschedulable ? 'somebody else has cordoned it' : { undo, change: { spec: { unschedulable: true } } };
}

/** Why a node must not be emptied or cut off. */
export const OWN_NODE = 'this worker runs on it';

/** The node this worker runs on, which must not be emptied or cut off. Throws where nobody can say. */
export async function workersNode({ settings, api, attempt }: Looking): Promise<string | undefined> {
  return ownNode(settings, await ownPod(), api, attempt);
}
