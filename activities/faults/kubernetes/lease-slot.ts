/**
 * Slots beside the object, for faults that take the object away: a `Lease` in its namespace.
 *
 * Owns the Lease's name, its label and what is written in it besides the slot. It is created exclusively, and goes with the
 * owner of what it is about.
 */
import { z } from 'zod';
import type { TargetId } from '../../../domain/fault.ts';
import { targetKey } from '../../../domain/target-key.ts';
import type { KubernetesApi } from '../../kubernetes/api.ts';
import { bareSchema } from '../../kubernetes/objects.ts';
import type { Metadata } from '../../kubernetes/objects.ts';
import type { Attempt } from '../driver.ts';
import { ownerSchema } from './owner.ts';
import type { Owner } from './owner.ts';
import { hold, readSlot } from './slot.ts';
import type { MetadataPatch, Slot, SlotRecord } from './slot.ts';

/** Whose fault the Lease was made for. It stays when the slot is free again, until the owner is whole. */
const aboutSchema = z.object({ target: z.string(), installation: z.string(), id: z.string(), owner: ownerSchema });
export type About = z.infer<typeof aboutSchema>;

/** A Lease as it was read. */
export interface LeaseSlot {
  readonly metadata: Metadata;
  readonly slot: Slot;
  readonly about: About | undefined;
}

const aboutKey = (resource: string): string => `squall/${resource}-of`;

/** Where the Leases of a namespace are, or of all. */
export function leasesPath(namespace?: string): string {
  return `/apis/coordination.k8s.io/v1${namespace === undefined ? '' : `/namespaces/${namespace}`}/leases`;
}

/** Where the Lease of a target is. */
export function leasePath(target: TargetId, namespace: string, resource: string): string {
  return `${leasesPath(namespace)}/${nameOf(target, resource)}`;
}

const nameOf = (target: TargetId, resource: string): string => `squall-${resource}-${targetKey(target)}`;

/** What is written in a Lease. Throws where it cannot be read. */
export function parseLease(metadata: Metadata, resource: string): LeaseSlot {
  const text = metadata.annotations[aboutKey(resource)];
  const about = text === undefined ? undefined : aboutSchema.parse(JSON.parse(text));
  return { metadata, slot: readSlot(metadata, resource), about };
}

/** Where a slot is to be taken: in a Lease whose slot is free again, or in one that is made. */
interface Place {
  readonly namespace: string;
  readonly resource: string;
  readonly free: LeaseSlot | undefined;
}

/** Takes the free slot of a target; somebody may be faster, which the next look shows. */
export async function takeLease(
  { namespace, resource, free }: Place,
  { target, owner }: Pick<About, 'target' | 'owner'>,
  record: SlotRecord,
  api: KubernetesApi,
  attempt: Attempt,
): Promise<void> {
  const { installation, id } = record;
  const held = hold(free?.slot ?? { record: undefined, fences: {} }, resource, record);
  const about: About = { target, installation, id, owner };
  const annotations = { ...held.annotations, [aboutKey(resource)]: JSON.stringify(about) };
  const name = nameOf(target, resource);
  if (free !== undefined) {
    await writeMetadata(`${leasesPath(namespace)}/${name}`, free.metadata, { ...held, annotations }, api, attempt);
    return;
  }
  const lease = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: {
      name,
      labels: { ...held.labels, 'app.kubernetes.io/part-of': 'squall' },
      annotations,
      ownerReferences: [ownerReference(owner)],
    },
    spec: { holderIdentity: `squall/${installation}` },
  };
  await api.create(leasesPath(namespace), lease, bareSchema, attempt);
}

function ownerReference({ apiVersion, kind, name, uid }: Owner): Record<string, unknown> {
  return { apiVersion, kind, name, uid };
}

/** Writes into an object's metadata; false where it has changed since it was read, or is gone. */
export async function writeMetadata(
  path: string,
  { uid, resourceVersion }: Metadata,
  patch: MetadataPatch,
  api: KubernetesApi,
  attempt: Attempt,
): Promise<boolean> {
  const written = await api.patch(path, { metadata: { uid, resourceVersion, ...patch } }, bareSchema, attempt);
  return written !== undefined && written !== 'conflict';
}
