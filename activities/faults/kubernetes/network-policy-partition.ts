/**
 * `kubernetes/network-policy-partition`: a pod is cut off by a NetworkPolicy, which the cluster's network is to enforce.
 *
 * Owns the order: the slot on the pod, with the label that the policy selects; then a fuse, and only when the cluster counts
 * its time, the policy that it owns. When renewal stops, the cluster's own controllers delete both. A revert takes the label
 * first: whatever comes late selects nobody.
 */
import { z } from 'zod';
import type {
  Fault,
  InjectResult,
  Outcome,
  RenewResult,
  RevertResult,
  TargetId,
  Verification,
} from '../../../domain/fault.ts';
import { FIND_PODS, permission } from '../../kubernetes/access.ts';
import { unhurried } from '../../kubernetes/api.ts';
import { listPath } from '../../kubernetes/objects.ts';
import { isOver } from '../driver.ts';
import type { Attempt, DriverFactory, FaultDriver, Leftover, Site } from '../driver.ts';
import { COMMON } from './network/params.ts';
import { addressesOf } from './network/peers.ts';
import { podSchema } from './in-pod/pod.ts';
import type { Pod } from './in-pod/pod.ts';
import { FAULT_LABEL, hasPolicy, keyOf, lightFuse, makePolicy, moveFuse, readFuse, removeAll } from './policy/fuse.ts';
import type { Fuse } from './policy/fuse.ts';
import { otherPolicies, whyNot } from './policy/others.ts';
import { policySpec } from './policy/rules.ts';
import { fence, hold, isFenced, isHeldBy, recordOf } from './slot.ts';
import type { MetadataPatch } from './slot.ts';
import { outcomes, OVER, SlottedObjects } from './slotted.ts';
import type { Read } from './slotted.ts';
import { parseTarget } from './target.ts';

const KIND = 'kubernetes/network-policy-partition';
/** The one of all faults of a pod's network. */
const RESOURCE = 'network';
const ON_NODE = 'it is in its node’s network, which no policy reaches';
const UNPROVEN = 'unproven: not every network enforces policies, and some let go on what is connected already';

const params = z.strictObject(COMMON);
type Params = z.infer<typeof params>;
type Done = Omit<Outcome<InjectResult>, 'id'>;

const EVERY_FAULT = [
  permission('', ['pods'], ['get', 'list', 'patch']),
  permission('batch', ['jobs'], ['get', 'create', 'patch', 'delete']),
  permission('networking.k8s.io', ['networkpolicies'], ['get', 'list', 'create', 'delete']),
  FIND_PODS,
];
/** What only peers that are services need besides. */
const PEERS = [permission('', ['services'], ['get']), permission('discovery.k8s.io', ['endpointslices'], ['list'])];

export const driver: DriverFactory<Params> = (site) => new PolicyPartition(site);

class PolicyPartition implements FaultDriver<Params> {
  readonly kind = KIND;
  readonly summary = 'A pod is cut off from its peers, or from everybody, by a NetworkPolicy.';
  readonly params = params;
  readonly reversal = 'reverted';
  readonly expiry = 'renewed';
  readonly permissions = [...EVERY_FAULT, ...PEERS];
  readonly undo =
    'the policy is deleted; when renewal stops, the cluster’s own controllers delete it with the Job that owns it';
  readonly #slots: SlottedObjects<Pod>;

  constructor(site: Site) {
    this.#slots = new SlottedObjects(site, { resource: RESOURCE, objects: ['pod'], object: podSchema });
  }

  async check({ peers }: Params): Promise<readonly string[]> {
    const services = peers?.some((peer) => typeof peer !== 'string' && 'service' in peer) ?? false;
    return this.#slots.missing(services ? this.permissions : EVERY_FAULT);
  }

  async unfit(targets: readonly TargetId[], { direction = 'both' }: Params): Promise<ReadonlyMap<TargetId, string>> {
    const attempt = unhurried();
    const wanted = new Map(targets.map((target) => [parseTarget(target, ['pod']).uid, target]));
    const namespaces = new Set(targets.map((target) => parseTarget(target, ['pod']).namespace));
    const found = new Map<TargetId, string>();
    for (const namespace of namespaces) {
      const others = await otherPolicies(namespace ?? '', this.#slots.api, attempt);
      for await (const pod of this.#slots.api.list(listPath('pod', namespace), {}, podSchema, attempt)) {
        const target = wanted.get(pod.metadata.uid);
        const why = pod.spec.hostNetwork ? ON_NODE : whyNot(pod.metadata, direction, others);
        if (target !== undefined && why !== undefined) found.set(target, why);
      }
    }
    return found;
  }

  async occupied(targets: readonly TargetId[]): Promise<ReadonlyMap<TargetId, string>> {
    return this.#slots.occupied(targets);
  }

  async inject(faults: readonly Fault<Params>[], attempt: Attempt): Promise<readonly Outcome<InjectResult>[]> {
    const asked = new Map<string, ReturnType<typeof otherPolicies>>();
    const others = (namespace: string): ReturnType<typeof otherPolicies> => {
      const known = asked.get(namespace) ?? otherPolicies(namespace, this.#slots.api, attempt);
      asked.set(namespace, known);
      return known;
    };
    return outcomes(faults, attempt, async (fault): Promise<Done> => {
      for (;;) {
        if (isOver(attempt)) return OVER;
        const read = await this.#slots.read(fault, attempt);
        if (read === undefined || read.live.metadata.deletionTimestamp !== undefined) return { result: 'gone' };
        const { live, slot, path } = read;
        if (isFenced(slot, fault)) return { result: 'fenced' };
        if (slot.record !== undefined) {
          if (!isHeldBy(slot, fault)) return { result: 'occupied', detail: slot.record.id };
          return this.#put(fault, live, slot.record.expiresMs, attempt);
        }
        const { direction = 'both' } = fault.params;
        const { namespace = '' } = live.metadata;
        const why = live.spec.hostNetwork ? ON_NODE : whyNot(live.metadata, direction, await others(namespace));
        if (why !== undefined) return { result: 'failed', detail: why };
        const claim = hold(slot, RESOURCE, recordOf(KIND, fault, {}, this.#slots.api.nowMs()));
        await this.#slots.write(path, live, labelled(claim, keyOf(fault)), {}, attempt);
      }
    });
  }

  /** Lights the fuse and makes the policy, for a pod whose slot the fault holds. */
  async #put(fault: Fault<Params>, { metadata, status }: Pod, expiresMs: number, attempt: Attempt): Promise<Done> {
    const { api } = this.#slots;
    const { namespace = '' } = metadata;
    const isOn = await hasPolicy(fault, namespace, api, attempt);
    const lit = await readFuse(fault, namespace, api, attempt);
    if (isOn && lit !== undefined && !lit.isSpent) return { result: 'injected', detail: UNPROVEN };
    if (expiresMs <= api.nowMs()) return { result: 'lapsed' };
    const peers = await addressesOf(api, fault.params.peers, namespace, attempt);
    const node = status.hostIPs.map(({ ip }) => ip);
    const burnsMs = Math.min(fault.ttlMs, fault.notAfterMs);
    const fuse = await lightFuse(fault, metadata, burnsMs, api, attempt);
    if (fuse === undefined)
      return { result: 'failed', detail: 'the cluster has not begun to count the time of its fuse' };
    await makePolicy(fault, fuse, policySpec(fault.params, peers, node, { [FAULT_LABEL]: keyOf(fault) }), api, attempt);
    const now = await this.#slots.read(fault, attempt);
    if (now !== undefined && isHeldBy(now.slot, fault)) return { result: 'injected', detail: UNPROVEN };
    // A revert was faster: what was made since then selects nobody, and goes.
    await removeAll(fault, namespace, api, attempt);
    return { result: now === undefined ? 'gone' : 'fenced' };
  }

  async renew(faults: readonly Fault<Params>[], attempt: Attempt): Promise<readonly Outcome<RenewResult>[]> {
    return Promise.all(faults.map(async (fault) => ({ id: fault.id, ...(await this.#renewOne(fault, attempt)) })));
  }

  async #renewOne(fault: Fault<Params>, attempt: Attempt): Promise<Omit<Outcome<RenewResult>, 'id'>> {
    const { api } = this.#slots;
    for (;;) {
      const read = await this.#slots.read(fault, attempt);
      if (read === undefined) return { result: 'gone' };
      const { record } = read.slot;
      const { namespace = '' } = read.live.metadata;
      if (record === undefined || !isHeldBy(read.slot, fault)) return { result: 'lapsed' };
      const fuse = await readFuse(fault, namespace, api, attempt);
      const nowMs = api.nowMs();
      if (!isBurning(fuse, nowMs) || record.endsMs <= nowMs) return { result: 'lapsed' };
      if (read.live.metadata.labels[FAULT_LABEL] !== keyOf(fault) || !(await hasPolicy(fault, namespace, api, attempt)))
        return { result: 'lapsed', detail: 'somebody else has taken its policy away' };
      if (await moveFuse(fuse, Math.min(nowMs + fault.ttlMs, record.endsMs), api, attempt))
        return { result: 'renewed' };
    }
  }

  async revert(faults: readonly Fault<Params>[], attempt: Attempt): Promise<readonly Outcome<RevertResult>[]> {
    return outcomes(faults, attempt, async (fault) => {
      const { namespace = '' } = parseTarget(fault.target, ['pod']);
      const wasHeld = await this.#fence(fault, attempt);
      const wasThere = await removeAll(fault, namespace, this.#slots.api, attempt);
      return { result: wasHeld || wasThere ? 'reverted' : 'absent' };
    });
  }

  /** Fences the fault and takes its label from the pod; whether it held the slot. */
  async #fence(fault: Fault<Params>, attempt: Attempt): Promise<boolean> {
    for (;;) {
      const read: Read<Pod> | undefined = await this.#slots.read(fault, attempt);
      if (read === undefined) return false;
      const { live, slot, path } = read;
      const held = isHeldBy(slot, fault);
      if (!held && isFenced(slot, fault)) return false;
      const fenced = fence(slot, RESOURCE, fault, this.#slots.api.nowMs());
      if (await this.#slots.write(path, live, held ? labelled(fenced, null) : fenced, {}, attempt)) return held;
    }
  }

  async verify(faults: readonly Fault<Params>[], attempt: Attempt): Promise<readonly Verification[]> {
    return Promise.all(
      faults.map(async (fault): Promise<Verification> => {
        try {
          const { namespace = '' } = parseTarget(fault.target, ['pod']);
          const read = await this.#slots.read(fault, attempt);
          if (read !== undefined && isHeldBy(read.slot, fault)) return 'active';
          const { api } = this.#slots;
          const isThere =
            (await hasPolicy(fault, namespace, api, attempt)) ||
            (await readFuse(fault, namespace, api, attempt)) !== undefined;
          return isThere ? 'active' : 'absent';
        } catch {
          return 'unknown';
        }
      }),
    );
  }

  async *leftovers(): AsyncGenerator<Leftover<Params>> {
    for await (const { fault, record, found } of this.#slots.held<Params>(KIND)) {
      const { api } = this.#slots;
      const fuse = await readFuse(fault, found.metadata.namespace ?? '', api, unhurried());
      const nowMs = api.nowMs();
      const isOn = isBurning(fuse, nowMs) || record.expiresMs > nowMs;
      yield { fault, expired: record.endsMs <= nowMs || !isOn };
    }
  }
}

/** Whether a fuse will still end what it owns, and has not yet. */
function isBurning(fuse: Fuse | undefined, nowMs: number): fuse is Fuse {
  return fuse?.endsMs !== undefined && !fuse.isSpent && fuse.endsMs > nowMs;
}

function labelled({ labels, annotations }: MetadataPatch, key: string | null): MetadataPatch {
  return { labels: { ...labels, [FAULT_LABEL]: key }, annotations };
}
