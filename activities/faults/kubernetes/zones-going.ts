/**
 * Which zones are being taken out: as the nodes tell, and by this process just now.
 *
 * Owns the rule that there is one at a time. A node is claimed before the others are read, and stays claimed until its cordon
 * is written or refused, so that of two zones that are begun at once one sees the other.
 */
import type { KubernetesApi } from '../../kubernetes/api.ts';
import { CORDON } from './cordon.ts';
import { readSlot } from './slot.ts';
import { zoneOf } from './zone-capacity.ts';
import type { Carrier } from './zone-capacity.ts';

/** By the fault that is being put on: of which cluster, and which zone. */
const going = new Map<object, { readonly api: KubernetesApi; readonly zone: string }>();

/** Claims a node's zone for `fault`; returns another that is claimed already. */
export function claim(fault: object, zone: string, api: KubernetesApi): string | undefined {
  const other = [...going].find(([by, claimed]) => by !== fault && claimed.api === api && claimed.zone !== zone);
  if (other !== undefined) return other[1].zone;
  going.set(fault, { api, zone });
  return undefined;
}

/** Gives the claims of `faults` back, whatever has become of them. */
export function giveBack(faults: readonly object[]): void {
  for (const fault of faults) going.delete(fault);
}

/** A zone other than `zone` with nodes that a fault of `kind` holds, of whoever's. Throws where a node's record cannot be read. */
export function zoneHeldBesides(zone: string, nodes: readonly Carrier[], kind: string): string | undefined {
  const other = nodes.find(
    (node) => zoneOf(node) !== zone && readSlot(node.metadata, CORDON.resource).record?.kind === kind,
  );
  return other && (zoneOf(other) ?? 'that nobody names');
}
