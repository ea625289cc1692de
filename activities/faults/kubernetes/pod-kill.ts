/**
 * `kubernetes/pod-kill`: a pod is evicted, or deleted, and its owner is to start another.
 *
 * Heals by itself, and is verified healed: as many pods of the owner are ready as before. The record is in a Lease beside the
 * pod. The fence is on the pod, and the kill names the version of the pod that was read: of a revert and a late kill, whoever
 * comes first makes the other impossible.
 */
import { z } from 'zod';
import type { Fault, InjectResult, Outcome, TargetId, Verification } from '../../../domain/fault.ts';
import { durationMs } from '../../../domain/written-duration.ts';
import { FIND_PODS, missingAccess, permission, Skipped } from '../../kubernetes/access.ts';
import { kubernetesApi, Refused, unhurried } from '../../kubernetes/api.ts';
import type { KubernetesApi } from '../../kubernetes/api.ts';
import { bareSchema, listPath, podSchema } from '../../kubernetes/objects.ts';
import type { Metadata } from '../../kubernetes/objects.ts';
import { pause } from '../../pause.ts';
import { reasonOf } from '../../probes/reading.ts';
import { usableKubernetes } from '../../targets/kubernetes-settings.ts';
import { isOver } from '../driver.ts';
import type { Attempt, DriverFactory, FaultDriver, Leftover, Site } from '../driver.ts';
import { leasePath, leasesPath, parseLease, takeLease, writeMetadata } from './lease-slot.ts';
import type { LeaseSlot } from './lease-slot.ts';
import { findOwner, isWhole } from './owner.ts';
import { fence, forget, isFenced, isHeldBy, labelOf, readSlot, recordOf } from './slot.ts';
import { parseTarget, pathOf } from './target.ts';
import type { KubernetesTarget } from './target.ts';

const KIND = 'kubernetes/pod-kill';
const RESOURCE = 'kill';
const NO_SECTION = 'this site has no `kubernetes:` section';
const OVER = { result: 'failed', detail: 'the attempt is over' } as const;
/** Between two tries of an eviction that a disruption budget does not allow, in milliseconds. */
const BUDGET_MS = 1_000;

const params = z.strictObject({
  mode: z
    .enum(['evict', 'delete'])
    .default('evict')
    .describe(
      '`evict` asks every disruption budget, and waits for it as long as an injection may take; `delete` asks none.',
    ),
  gracePeriod: durationMs
    .refine((ms) => ms >= 1_000 && ms <= 3_600_000 && ms % 1_000 === 0, 'expected whole seconds from 1s to 1h')
    .optional()
    .describe('What the pod has to end in its own way. Default: what it asks for itself.'),
  statefulSets: z.boolean().default(false).describe('Whether `delete` may be done to pods of stateful sets.'),
});
type Params = z.infer<typeof params>;

const EVERY_KILL = [
  permission('', ['pods'], ['get', 'list', 'patch']),
  permission('', ['pods/eviction'], ['create']),
  permission('apps', ['deployments', 'replicasets', 'statefulsets', 'daemonsets'], ['get']),
  permission('coordination.k8s.io', ['leases'], ['get', 'list', 'create', 'patch', 'delete']),
  FIND_PODS,
];
/** What only `mode: delete` needs besides. */
const DELETING = permission('', ['pods'], ['delete']);
const PERMISSIONS = [...EVERY_KILL, DELETING];
type Done = Omit<Outcome<InjectResult>, 'id'>;

export const driver: DriverFactory<Params> = (site) => new PodKill(site);

class PodKill implements FaultDriver<Params> {
  readonly kind = KIND;
  readonly summary = 'A pod is evicted or deleted; its owner is to start another, which is verified.';
  readonly params = params;
  readonly reversal = 'heals';
  readonly expiry = 'none';
  readonly permissions = PERMISSIONS;
  readonly undo =
    'nothing is undone: the owner starts another pod, and Squall verifies that as many are ready as before';
  readonly #site: Site;

  constructor(site: Site) {
    this.#site = site;
  }

  get #settings(): ReturnType<typeof usableKubernetes> {
    return usableKubernetes(this.#site.settings['kubernetes']);
  }

  get #api(): KubernetesApi {
    const settings = this.#settings;
    if (settings === undefined) throw new Error(NO_SECTION);
    return kubernetesApi(settings);
  }

  async check({ mode }: Params): Promise<readonly string[]> {
    const settings = this.#settings;
    if (settings === undefined) return [NO_SECTION];
    const needed = mode === 'delete' ? PERMISSIONS : EVERY_KILL;
    return missingAccess(needed, settings.namespaces, this.#api, unhurried()).catch((error: unknown) => [
      reasonOf(error),
    ]);
  }

  async occupied(targets: readonly TargetId[]): Promise<ReadonlyMap<TargetId, string>> {
    for (const target of targets) parseTarget(target, ['pod']);
    const wanted = new Set(targets);
    const found = new Map<TargetId, string>();
    for await (const { slot, about } of this.#leases('held'))
      if (about !== undefined && slot.record && wanted.has(about.target)) found.set(about.target, slot.record.id);
    return found;
  }

  async inject(faults: readonly Fault<Params>[], attempt: Attempt): Promise<readonly Outcome<InjectResult>[]> {
    return Promise.all(
      faults.map(async (fault) => {
        const done = await this.#injectOne(fault, attempt).catch((error: unknown): Done => ({
          result: 'failed',
          detail: reasonOf(error),
        }));
        return { id: fault.id, ...done };
      }),
    );
  }

  async #injectOne(fault: Fault<Params>, attempt: Attempt): Promise<Done> {
    const target = parseTarget(fault.target, ['pod']);
    for (;;) {
      if (isOver(attempt)) return OVER;
      const [pod, lease] = await Promise.all([this.#pod(target, attempt), this.#lease(fault.target, attempt)]);
      const fenced =
        (pod !== undefined && isFenced(readSlot(pod, RESOURCE), fault)) || (lease && isFenced(lease.slot, fault));
      if (fenced) {
        // A claim that came after its fence holds nothing any more.
        if (lease !== undefined) await this.#release(fault, attempt);
        return { result: 'fenced' };
      }
      const held = lease?.slot.record;
      if (lease !== undefined && held !== undefined && !isHeldBy(lease.slot, fault))
        return { result: 'occupied', detail: held.id };
      if (held !== undefined && held.expiresMs <= this.#api.nowMs()) return { result: 'lapsed' };
      if (pod === undefined || pod.deletionTimestamp !== undefined) return { result: held ? 'injected' : 'gone' };
      if (held === undefined) {
        const refusal = await this.#claim(fault, pod, lease, attempt);
        if (refusal !== undefined) return { result: 'failed', detail: refusal };
        // Both are read again: what is killed is killed as it was seen with the claim made.
        continue;
      }
      const killed = await this.#kill(fault, target, pod, attempt);
      if (killed !== 'changed') return killed;
    }
  }

  /** Writes down what is going to be done; why it must not be, or undefined whoever was first. */
  async #claim(
    fault: Fault<Params>,
    pod: Metadata,
    free: LeaseSlot | undefined,
    attempt: Attempt,
  ): Promise<string | undefined> {
    const api = this.#api;
    const owner = await findOwner(pod, api, attempt);
    if (typeof owner === 'string') return owner;
    const { mode, statefulSets } = fault.params;
    if (mode === 'delete' && owner.kind === 'StatefulSet' && !statefulSets)
      return 'it is of a stateful set, which `delete` may do only with `statefulSets: true`';
    if (isOver(attempt)) return OVER.detail;
    const record = recordOf(KIND, fault, {}, api.nowMs());
    const place = { namespace: pod.namespace ?? '', resource: RESOURCE, free };
    await takeLease(place, { target: fault.target, owner }, record, api, attempt);
    return undefined;
  }

  /** Evicts or deletes the pod exactly as it was read. */
  async #kill(
    fault: Fault<Params>,
    target: KubernetesTarget,
    pod: Metadata,
    attempt: Attempt,
  ): Promise<Done | 'changed'> {
    const { name, namespace, uid, resourceVersion } = pod;
    const { mode, gracePeriod } = fault.params;
    const options = {
      preconditions: { uid, resourceVersion },
      ...(gracePeriod === undefined ? {} : { gracePeriodSeconds: gracePeriod / 1_000 }),
    };
    if (isOver(attempt)) return OVER;
    const path = pathOf(target);
    if (mode === 'delete') return (await this.#api.remove(path, options, attempt)) ? { result: 'injected' } : 'changed';
    const eviction = {
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { name, namespace },
      deleteOptions: options,
    };
    try {
      const evicted = await this.#api.create(`${path}/eviction`, eviction, z.unknown(), attempt);
      return evicted === 'conflict' ? 'changed' : { result: 'injected' };
    } catch (error) {
      // Gone: it is looked at again.
      if (error instanceof Refused && error.status === 404) return 'changed';
      if (!(error instanceof Refused && error.overBudget)) throw error;
      if (attempt.remainingMs() <= 2 * BUDGET_MS) return { result: 'failed', detail: error.message };
      await pause(BUDGET_MS, attempt.signal);
      return 'changed';
    }
  }

  async revert(faults: readonly Fault<Params>[], attempt: Attempt): ReturnType<FaultDriver<Params>['revert']> {
    return Promise.all(
      faults.map(async (fault) => {
        const { id } = fault;
        try {
          if (isOver(attempt)) return { id, ...OVER };
          await this.#fencePod(fault, attempt);
          return { id, result: (await this.#release(fault, attempt)) ? ('reverted' as const) : ('absent' as const) };
        } catch (error) {
          return { id, result: 'failed' as const, detail: reasonOf(error) };
        }
      }),
    );
  }

  async #fencePod(fault: Fault<unknown>, attempt: Attempt): Promise<void> {
    const target = parseTarget(fault.target, ['pod']);
    for (;;) {
      const pod = await this.#pod(target, attempt);
      if (pod === undefined || pod.deletionTimestamp !== undefined) return;
      const slot = readSlot(pod, RESOURCE);
      if (isFenced(slot, fault)) return;
      const patch = fence(slot, RESOURCE, fault, this.#api.nowMs());
      if (await writeMetadata(pathOf(target), pod, patch, this.#api, attempt)) return;
    }
  }

  /** Frees the slot in the Lease, and fences the fault there too; false where it does not hold it. */
  async #release(fault: Fault<unknown>, attempt: Attempt): Promise<boolean> {
    const { namespace = '' } = parseTarget(fault.target, ['pod']);
    const path = leasePath(fault.target, namespace, RESOURCE);
    for (;;) {
      const lease = await this.#lease(fault.target, attempt);
      if (lease === undefined || !isHeldBy(lease.slot, fault)) return false;
      const patch = fence(lease.slot, RESOURCE, fault, this.#api.nowMs());
      if (await writeMetadata(path, lease.metadata, patch, this.#api, attempt)) return true;
    }
  }

  /**
   * | pod          | Lease                  | answer                                                   |
   * | ------------ | ---------------------- | -------------------------------------------------------- |
   * | as it was    | none, or fenced        | absent: it was not killed, and cannot be any more        |
   * | as it was    | held                   | active: an attempt may still kill it                     |
   * | ends         | of this fault          | active                                                   |
   * | gone         | of this fault          | absent once as many are ready as before, whoever it was  |
   * | any          | of none or of another  | absent: this fault never claimed it                      |
   */
  async verify(faults: readonly Fault<Params>[], attempt: Attempt): Promise<readonly Verification[]> {
    return Promise.all(
      faults.map(async (fault): Promise<Verification> => {
        try {
          const lease = await this.#lease(fault.target, attempt);
          const about = lease?.about;
          if (about?.id !== fault.id || about.installation !== fault.installation) return 'absent';
          const target = parseTarget(fault.target, ['pod']);
          const pod = await this.#pod(target, attempt);
          if (pod?.deletionTimestamp !== undefined) return 'active';
          if (pod !== undefined) return lease && isHeldBy(lease.slot, fault) ? 'active' : 'absent';
          return (await isWhole(about.owner, target.uid, this.#api, attempt)) ? 'absent' : 'active';
        } catch {
          return 'unknown';
        }
      }),
    );
  }

  async *leftovers(): AsyncGenerator<Leftover<Params>> {
    if (this.#settings === undefined) return;
    const skipped = new Skipped();
    for await (const { slot, about } of this.#leases('held', skipped)) {
      const { record } = slot;
      if (about === undefined || record?.kind !== KIND || record.installation !== this.#site.installation) continue;
      const { installation, id, run, ttlMs, notAfterMs, expiresMs } = record;
      const fault = { installation, id, run, target: about.target, params: record.params as Params, ttlMs, notAfterMs };
      yield { fault, expired: expiresMs <= this.#api.nowMs() };
    }
    await this.#forget();
    if (skipped.first !== undefined) throw skipped.first;
  }

  /** Takes our last traces away: Leases, and fences on pods that live on. */
  async #forget(): Promise<void> {
    const attempt = unhurried();
    const api = this.#api;
    for await (const { slot, metadata } of this.#leases('ended', new Skipped())) {
      const { namespace, name, uid, resourceVersion } = metadata;
      if (forget(slot, RESOURCE, api.nowMs()) === undefined) continue;
      await api.remove(`${leasesPath(namespace)}/${name}`, { preconditions: { uid, resourceVersion } }, attempt);
    }
    for (const namespace of this.#settings?.namespaces ?? [undefined]) {
      const query = { labelSelector: `${labelOf(RESOURCE)}=ended` };
      const path = listPath('pod', namespace);
      const pods = api.list(path, query, bareSchema, attempt);
      for await (const { metadata } of new Skipped().over(pods, path, api, attempt)) {
        const forgotten = forget(readSlot(metadata, RESOURCE), RESOURCE, api.nowMs());
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
  }

  async *#leases(state: 'held' | 'ended', skipped?: Skipped): AsyncGenerator<LeaseSlot> {
    const query = { labelSelector: `${labelOf(RESOURCE)}=${state}` };
    const attempt = unhurried();
    for (const namespace of this.#settings?.namespaces ?? [undefined]) {
      const path = leasesPath(namespace);
      const list = this.#api.list(path, query, bareSchema, attempt);
      for await (const { metadata } of skipped?.over(list, path, this.#api, attempt) ?? list)
        yield parseLease(metadata, RESOURCE);
    }
  }

  async #lease(target: TargetId, attempt: Attempt): Promise<LeaseSlot | undefined> {
    const { namespace = '' } = parseTarget(target, ['pod']);
    const found = await this.#api.get(leasePath(target, namespace, RESOURCE), bareSchema, attempt);
    return found && parseLease(found.metadata, RESOURCE);
  }

  /** The very pod that was chosen; undefined where it is gone. */
  async #pod(target: KubernetesTarget, attempt: Attempt): Promise<Metadata | undefined> {
    const found = await this.#api.get(pathOf(target), podSchema, attempt);
    return found?.metadata.uid === target.uid ? found.metadata : undefined;
  }
}
