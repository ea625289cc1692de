/**
 * `kubernetes/pod-kill`: a pod is evicted, or deleted, and its owner is to start another.
 *
 * Heals by itself, and is verified healed: as many pods of the owner are ready as before. The record is in a Lease beside the
 * pod. The fence is on the pod, and the kill names the version of the pod that was read: of a revert and a late kill, whoever
 * comes first makes the other impossible.
 */
import { z } from 'zod';
import type { Fault, InjectResult, Outcome, TargetId, Verification } from '../../../domain/fault.ts';
import { FIND_PODS, missingAccess, permission, Skipped } from '../../kubernetes/access.ts';
import { unhurried } from '../../kubernetes/api.ts';
import type { Metadata } from '../../kubernetes/objects.ts';
import { pause } from '../../pause.ts';
import { reasonOf } from '../../probes/reading.ts';
import { isOver } from '../driver.ts';
import type { Attempt, DriverFactory, FaultDriver, Leftover, Site } from '../driver.ts';
import { BUDGET_MS, deleteOptions, evict, gracePeriod } from './eviction.ts';
import { KillSlots, NO_SECTION } from './kill-slots.ts';
import type { LeaseSlot } from './lease-slot.ts';
import { findOwner, isWhole } from './owner.ts';
import { tellOwner, WRITE_EVENTS } from './owner-event.ts';
import { isHeldBy, recordOf } from './slot.ts';
import { parseTarget, pathOf } from './target.ts';
import type { KubernetesTarget } from './target.ts';

const KIND = 'kubernetes/pod-kill';
const OVER = { result: 'failed', detail: 'the attempt is over' } as const;

const params = z.strictObject({
  mode: z
    .enum(['evict', 'delete'])
    .default('evict')
    .describe('`evict` asks every disruption budget; `delete` asks none.'),
  overBudget: z
    .enum(['wait', 'skip'])
    .default('wait')
    .describe(
      'What becomes of an eviction that a budget does not allow: `wait` tries it for as long as an injection may take, and fails then; `skip` leaves the pod.',
    ),
  gracePeriod,
  statefulSets: z.boolean().default(false).describe('Whether `delete` may be done to pods of stateful sets.'),
});
type Params = z.infer<typeof params>;

const EVERY_KILL = [
  permission('', ['pods'], ['get', 'list', 'patch']),
  permission('', ['pods/eviction'], ['create']),
  permission('apps', ['deployments', 'replicasets', 'statefulsets', 'daemonsets'], ['get']),
  permission('coordination.k8s.io', ['leases'], ['get', 'list', 'create', 'patch', 'delete']),
  WRITE_EVENTS,
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
  readonly #slots: KillSlots;

  constructor(site: Site) {
    this.#site = site;
    this.#slots = new KillSlots(site);
  }

  async check({ mode }: Params): Promise<readonly string[]> {
    const { settings } = this.#slots;
    if (settings === undefined) return [NO_SECTION];
    const needed = mode === 'delete' ? PERMISSIONS : EVERY_KILL;
    return missingAccess(needed, settings.namespaces, this.#slots.api, unhurried()).catch((error: unknown) => [
      reasonOf(error),
    ]);
  }

  asksBudgets({ mode }: Params): boolean {
    return mode === 'evict';
  }

  async occupied(targets: readonly TargetId[]): Promise<ReadonlyMap<TargetId, string>> {
    for (const target of targets) parseTarget(target, ['pod']);
    const wanted = new Set(targets);
    const found = new Map<TargetId, string>();
    for await (const { slot, about } of this.#slots.leases('held'))
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
      const [pod, lease] = await Promise.all([
        this.#slots.pod(target, attempt),
        this.#slots.lease(fault.target, attempt),
      ]);
      if (this.#slots.isFenced(fault, pod, lease)) {
        // A claim that came after its fence holds nothing any more.
        if (lease !== undefined) await this.#slots.release(fault, attempt);
        return { result: 'fenced' };
      }
      const held = lease?.slot.record;
      if (lease !== undefined && held !== undefined && !isHeldBy(lease.slot, fault))
        return { result: 'occupied', detail: held.id };
      if (held !== undefined && held.expiresMs <= this.#slots.api.nowMs()) return { result: 'lapsed' };
      if (pod === undefined || pod.deletionTimestamp !== undefined) {
        if (held === undefined) return { result: 'gone' };
        await this.#tell(fault, target, lease, attempt);
        return { result: 'injected' };
      }
      if (held === undefined) {
        const refusal = await this.#claim(fault, pod, lease, attempt);
        if (refusal !== undefined) return { result: 'failed', detail: refusal };
        // Both are read again: what is killed is killed as it was seen with the claim made.
        continue;
      }
      const killed = await this.#kill(fault, target, pod, attempt);
      if (killed === 'changed') continue;
      if (killed.result === 'injected') await this.#tell(fault, target, lease, attempt);
      return killed;
    }
  }

  async #tell(
    fault: Fault<Params>,
    { namespace = '', name: pod }: KubernetesTarget,
    lease: LeaseSlot | undefined,
    attempt: Attempt,
  ): Promise<void> {
    const what = fault.params.mode === 'delete' ? 'deleted' : 'evicted';
    const told = { namespace, pod, fault: KIND, what };
    if (lease?.about !== undefined) await tellOwner(lease.about.owner, fault, told, this.#slots.api, attempt);
  }

  /** Writes down what is going to be done; why it must not be, or undefined whoever was first. */
  async #claim(
    fault: Fault<Params>,
    pod: Metadata,
    free: LeaseSlot | undefined,
    attempt: Attempt,
  ): Promise<string | undefined> {
    const api = this.#slots.api;
    const owner = await findOwner(pod, api, attempt);
    if (typeof owner === 'string') return owner;
    const { mode, statefulSets } = fault.params;
    if (mode === 'delete' && owner.kind === 'StatefulSet' && !statefulSets)
      return 'it is of a stateful set, which `delete` may do only with `statefulSets: true`';
    if (isOver(attempt)) return OVER.detail;
    const record = recordOf(KIND, fault, {}, api.nowMs());
    await this.#slots.take(pod, { target: fault.target, owner }, record, free, attempt);
    return undefined;
  }

  /** Evicts or deletes the pod exactly as it was read. */
  async #kill(
    fault: Fault<Params>,
    target: KubernetesTarget,
    pod: Metadata,
    attempt: Attempt,
  ): Promise<Done | 'changed'> {
    const { mode, gracePeriod: graceMs } = fault.params;
    if (isOver(attempt)) return OVER;
    if (mode === 'delete') {
      const removed = await this.#slots.api.remove(pathOf(target), deleteOptions(pod, graceMs), attempt);
      return removed ? { result: 'injected' } : 'changed';
    }
    const answer = await evict(pod, graceMs, this.#slots.api, attempt);
    if (answer === 'evicted') return { result: 'injected' };
    if (answer === 'changed') return 'changed';
    if (fault.params.overBudget === 'skip') return { result: 'skipped', detail: answer.overBudget };
    if (attempt.remainingMs() <= 2 * BUDGET_MS) return { result: 'failed', detail: answer.overBudget };
    await pause(BUDGET_MS, attempt.signal);
    return 'changed';
  }

  async revert(faults: readonly Fault<Params>[], attempt: Attempt): ReturnType<FaultDriver<Params>['revert']> {
    return Promise.all(
      faults.map(async (fault) => {
        const { id } = fault;
        try {
          if (isOver(attempt)) return { id, ...OVER };
          await this.#slots.fencePod(fault, attempt);
          return {
            id,
            result: (await this.#slots.release(fault, attempt)) ? ('reverted' as const) : ('absent' as const),
          };
        } catch (error) {
          return { id, result: 'failed' as const, detail: reasonOf(error) };
        }
      }),
    );
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
          const lease = await this.#slots.lease(fault.target, attempt);
          const about = lease?.about;
          if (about?.id !== fault.id || about.installation !== fault.installation) return 'absent';
          const target = parseTarget(fault.target, ['pod']);
          const pod = await this.#slots.pod(target, attempt);
          if (pod?.deletionTimestamp !== undefined) return 'active';
          if (pod !== undefined) return lease && isHeldBy(lease.slot, fault) ? 'active' : 'absent';
          return (await isWhole(about.owner, target.uid, this.#slots.api, attempt)) ? 'absent' : 'active';
        } catch {
          return 'unknown';
        }
      }),
    );
  }

  async *leftovers(): AsyncGenerator<Leftover<Params>> {
    if (this.#slots.settings === undefined) return;
    const skipped = new Skipped();
    for await (const { slot, about } of this.#slots.leases('held', skipped)) {
      const { record } = slot;
      if (about === undefined || record?.kind !== KIND || record.installation !== this.#site.installation) continue;
      const { installation, id, run, ttlMs, notAfterMs, expiresMs } = record;
      const fault = { installation, id, run, target: about.target, params: record.params as Params, ttlMs, notAfterMs };
      yield { fault, expired: expiresMs <= this.#slots.api.nowMs() };
    }
    await this.#slots.forget(skipped);
    const problem = skipped.unreadable ?? skipped.first;
    if (problem !== undefined) throw problem;
  }
}
