/**
 * The slots of a pod that is to be killed: a Lease beside it, and the fence on it.
 *
 * Owns how both are read and written, found again, and rid of the last trace of ours. Must never kill, nor decide what a slot
 * means for a fault.
 */
import type { Fault, TargetId } from '../../../domain/fault.ts';
import { Skipped } from '../../kubernetes/access.ts';
import { kubernetesApi, unhurried } from '../../kubernetes/api.ts';
import type { KubernetesApi } from '../../kubernetes/api.ts';
import { bareSchema, listPath, podSchema } from '../../kubernetes/objects.ts';
import type { Metadata } from '../../kubernetes/objects.ts';
import { usableKubernetes } from '../../targets/kubernetes-settings.ts';
import type { KubernetesSettings } from '../../targets/kubernetes-settings.ts';
import type { Attempt, Site } from '../driver.ts';
import { leasePath, leasesPath, parseLease, takeLease, writeMetadata } from './lease-slot.ts';
import type { About, LeaseSlot } from './lease-slot.ts';
import { fence, forget, isFenced, isHeldBy, labelOf, readSlot } from './slot.ts';
import type { SlotRecord } from './slot.ts';
import { parseTarget, pathOf } from './target.ts';
import type { KubernetesTarget } from './target.ts';

const RESOURCE = 'kill';
export const NO_SECTION = 'this site has no `kubernetes:` section';

/** The slots of one site. */
export class KillSlots {
  /** Undefined where the site has no cluster. */
  readonly settings: KubernetesSettings | undefined;

  constructor(site: Site) {
    this.settings = usableKubernetes(site.settings['kubernetes']);
  }

  /** Throws where the site has no cluster. */
  get api(): KubernetesApi {
    if (this.settings === undefined) throw new Error(NO_SECTION);
    return kubernetesApi(this.settings);
  }

  /** Whether a fault was fenced, on the pod or in its Lease. */
  isFenced(fault: Fault<unknown>, pod: Metadata | undefined, lease: LeaseSlot | undefined): boolean {
    return (
      (pod !== undefined && isFenced(readSlot(pod, RESOURCE), fault)) ||
      (lease !== undefined && isFenced(lease.slot, fault))
    );
  }

  /** Takes the slot of a pod; somebody may be faster, which the next look shows. */
  async take(
    pod: Metadata,
    about: Pick<About, 'target' | 'owner'>,
    record: SlotRecord,
    free: LeaseSlot | undefined,
    attempt: Attempt,
  ): Promise<void> {
    const place = { namespace: pod.namespace ?? '', resource: RESOURCE, free };
    await takeLease(place, about, record, this.api, attempt);
  }

  async fencePod(fault: Fault<unknown>, attempt: Attempt): Promise<void> {
    const target = parseTarget(fault.target, ['pod']);
    for (;;) {
      const pod = await this.pod(target, attempt);
      if (pod === undefined || pod.deletionTimestamp !== undefined) return;
      const slot = readSlot(pod, RESOURCE);
      if (isFenced(slot, fault)) return;
      const patch = fence(slot, RESOURCE, fault, this.api.nowMs());
      if (await writeMetadata(pathOf(target), pod, patch, this.api, attempt)) return;
    }
  }

  /** Frees the slot in the Lease, and fences the fault there too; false where it does not hold it. */
  async release(fault: Fault<unknown>, attempt: Attempt): Promise<boolean> {
    const { namespace = '' } = parseTarget(fault.target, ['pod']);
    const path = leasePath(fault.target, namespace, RESOURCE);
    for (;;) {
      const lease = await this.lease(fault.target, attempt);
      if (lease === undefined || !isHeldBy(lease.slot, fault)) return false;
      const patch = fence(lease.slot, RESOURCE, fault, this.api.nowMs());
      if (await writeMetadata(path, lease.metadata, patch, this.api, attempt)) return true;
    }
  }

  /** Takes our last traces away: Leases, and fences on pods that live on. What cannot be read is among `problems`. */
  async forget(problems: Skipped): Promise<void> {
    const attempt = unhurried();
    const api = this.api;
    const leases = new Skipped();
    for await (const { slot, metadata } of this.leases('ended', leases)) {
      const { namespace, name, uid, resourceVersion } = metadata;
      if (forget(slot, RESOURCE, api.nowMs()) === undefined) continue;
      await api.remove(`${leasesPath(namespace)}/${name}`, { preconditions: { uid, resourceVersion } }, attempt);
    }
    for (const namespace of this.settings?.namespaces ?? [undefined]) {
      const query = { labelSelector: `${labelOf(RESOURCE)}=ended` };
      const path = listPath('pod', namespace);
      const pods = api.list(path, query, bareSchema, attempt);
      for await (const { metadata } of new Skipped().over(pods, path, api, attempt)) {
        const forgotten = problems.try(() => forget(readSlot(metadata, RESOURCE), RESOURCE, api.nowMs()));
        if (forgotten === undefined) continue;
        await writeMetadata(
          `${listPath('pod', metadata.namespace)}/${metadata.name}`,
          metadata,
          forgotten,
          api,
          attempt,
        );
      }
    }
    problems.unreadable ??= leases.unreadable;
  }

  /** What is in Leases; where this worker has no leave at all is `skipped`, if that is given. */
  async *leases(state: 'held' | 'ended', skipped?: Skipped): AsyncGenerator<LeaseSlot> {
    const query = { labelSelector: `${labelOf(RESOURCE)}=${state}` };
    const attempt = unhurried();
    for (const namespace of this.settings?.namespaces ?? [undefined]) {
      const path = leasesPath(namespace);
      const list = this.api.list(path, query, bareSchema, attempt);
      for await (const { metadata } of skipped?.over(list, path, this.api, attempt) ?? list) {
        const parse = (): LeaseSlot => parseLease(metadata, RESOURCE);
        const lease = skipped === undefined ? parse() : skipped.try(parse);
        if (lease !== undefined) yield lease;
      }
    }
  }

  async lease(target: TargetId, attempt: Attempt): Promise<LeaseSlot | undefined> {
    const { namespace = '' } = parseTarget(target, ['pod']);
    const found = await this.api.get(leasePath(target, namespace, RESOURCE), bareSchema, attempt);
    return found && parseLease(found.metadata, RESOURCE);
  }

  /** The very pod that was chosen; undefined where it is gone. */
  async pod(target: KubernetesTarget, attempt: Attempt): Promise<Metadata | undefined> {
    const found = await this.api.get(pathOf(target), podSchema, attempt);
    return found?.metadata.uid === target.uid ? found.metadata : undefined;
  }
}
