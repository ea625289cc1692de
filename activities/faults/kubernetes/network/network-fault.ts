/**
 * Faults of a pod's network: an ephemeral container whose program is the fault.
 *
 * Owns the order: the slot on the pod and the undo record in it first, by compare-and-swap; then the container, added to the
 * very version of the pod that was seen to hold the slot, so that what is fenced is never put on. The program ends the
 * fault when renewal stops, and the kernel does when the program is killed (`deploy/fault/`).
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
} from '../../../../domain/fault.ts';
import { FIND_PODS, permission } from '../../../kubernetes/access.ts';
import { pause } from '../../../pause.ts';
import { reasonOf } from '../../../probes/reading.ts';
import { isOver } from '../../driver.ts';
import type { Attempt, DriverFactory, FaultDriver, Leftover, Site } from '../../driver.ts';
import { fence, fencedAtMs, fenceHolder, hold, isFenced, isHeldBy, recordOf } from '../slot.ts';
import type { MetadataPatch } from '../slot.ts';
import { outcomes, OVER, SlottedObjects } from '../slotted.ts';
import type { Read } from '../slotted.ts';
import { parseTarget } from '../target.ts';
import { refusalOf as podRefusal, unfitPods } from './admittance.ts';
import { containerName, faultContainer, leaveOf } from './container.ts';
import type { Common } from './params.ts';
import { commonArguments } from './params.ts';
import { addressesOf } from './peers.ts';
import { isOverForGood, podSchema, stateOf, unfit } from './pod.ts';
import type { ContainerState, Pod } from './pod.ts';
import { mechanismOf, refusalOf, speak } from './program.ts';
import { addContainer, hasNoLeave, isLeftBehind, TakeOff } from './take-off.ts';

/** What two faults must not both hold of one pod. */
const RESOURCE = 'network';
/** Between two looks at a pod, at first and at most, in milliseconds. */
const LOOK_MS = 150;
const LOOK_MAX_MS = 1_000;
/** What is left of an attempt to say how far it has come, in milliseconds. */
const LAST_WORDS_MS = 1_500;
/** Looks until a pod has said that a program which no longer answers has ended. */
const LOOKS = 8;

const EVERY_FAULT = [
  permission('', ['pods'], ['get', 'list', 'patch']),
  permission('', ['pods/ephemeralcontainers'], ['patch']),
  // Which of the two a server asks for depends on its version.
  permission('', ['pods/exec'], ['get', 'create']),
  FIND_PODS,
];
/** What only peers that are services need besides. */
const PEERS = [permission('', ['services'], ['get']), permission('discovery.k8s.io', ['endpointslices'], ['list'])];

const NO_IMAGE = 'this site’s `kubernetes:` section names no `faultImage`';

/** What differs between faults of a pod's network. */
export interface NetworkFault<Params extends Common> {
  readonly kind: `kubernetes/pod-${string}`;
  readonly summary: string;
  readonly params: z.ZodType<Params>;
  /** The program's word for it, and the arguments that only this fault has. */
  readonly harm: (params: Params) => readonly string[];
}

const undoRecord = z.object({ image: z.string() });

/** Builds the driver of such a fault. */
export function networkFault<Params extends Common>(what: NetworkFault<Params>): DriverFactory<Params> {
  return (site) => new NetworkDriver(what, site);
}

class NetworkDriver<Params extends Common> implements FaultDriver<Params> {
  readonly kind;
  readonly summary;
  readonly params;
  readonly reversal = 'reverted';
  readonly expiry = 'renewed';
  readonly permissions = [...EVERY_FAULT, ...PEERS];
  readonly undo =
    'the program in the pod takes the fault off when it is told to, or renewal stops; when it is killed, the kernel ends the fault, and another container takes off what is left';
  readonly #what: NetworkFault<Params>;
  readonly #slots: SlottedObjects<Pod>;

  constructor(what: NetworkFault<Params>, site: Site) {
    ({ kind: this.kind, summary: this.summary, params: this.params } = what);
    this.#what = what;
    this.#slots = new SlottedObjects(site, { resource: RESOURCE, objects: ['pod'], object: podSchema });
  }

  async check(params: Params): Promise<readonly string[]> {
    const services = params.peers?.some((peer) => typeof peer !== 'string') ?? false;
    const missing = await this.#slots.missing(services ? this.permissions : EVERY_FAULT);
    return this.#slots.settings?.faultImage === undefined ? [...missing, NO_IMAGE] : missing;
  }

  async unfit(targets: readonly TargetId[]): Promise<ReadonlyMap<TargetId, string>> {
    const image = this.#slots.settings?.faultImage;
    return image === undefined ? new Map() : unfitPods(this.#slots.api, image, targets);
  }

  async occupied(targets: readonly TargetId[]): Promise<ReadonlyMap<TargetId, string>> {
    return this.#slots.occupied(targets);
  }

  async inject(faults: readonly Fault<Params>[], attempt: Attempt): Promise<readonly Outcome<InjectResult>[]> {
    return outcomes(faults, attempt, async (fault): Promise<Omit<Outcome<InjectResult>, 'id'>> => {
      const look = new Looks(attempt);
      for (;;) {
        if (isOver(attempt)) return OVER;
        const read = await this.#slots.read(fault, attempt);
        if (read === undefined || read.live.metadata.deletionTimestamp !== undefined) return { result: 'gone' };
        const { live, slot } = read;
        if (isFenced(slot, fault)) return { result: 'fenced' };
        if (slot.record !== undefined && !isHeldBy(slot, fault)) return { result: 'occupied', detail: slot.record.id };
        const state = stateOf(live, containerName(fault));
        const outcome =
          state.is === 'none' ? await this.#put(read, fault, attempt) : await this.#judge(state, fault, attempt);
        if (outcome !== undefined) return outcome;
        if (look.isLast) return { result: 'failed', detail: 'its container has not put it on in time' };
        if (state.is !== 'none') await look.next();
      }
    });
  }

  /** Takes the slot, or, once it is taken, adds the container; an outcome only where neither may be done. */
  async #put(
    read: Read<Pod>,
    fault: Fault<Params>,
    attempt: Attempt,
  ): Promise<Omit<Outcome<InjectResult>, 'id'> | undefined> {
    const { live, slot, path } = read;
    const { namespace = '' } = live.metadata;
    const image = this.#slots.settings?.faultImage;
    if (image === undefined) return { result: 'failed', detail: NO_IMAGE };
    const why = unfit(live);
    if (why !== undefined) return { result: 'failed', detail: why };
    const nowMs = this.#slots.api.nowMs();
    if (slot.record === undefined) {
      const claim = withLeave(hold(slot, RESOURCE, recordOf(this.kind, fault, { image }, nowMs)), fault, true);
      await this.#slots.write(path, live, claim, {}, attempt);
      return undefined;
    }
    const leftMs = slot.record.endsMs - nowMs;
    if (leftMs <= 0) return { result: 'lapsed', detail: 'its time was over before it was put on' };
    const peers = await addressesOf(this.#slots.api, fault.params.peers, namespace, attempt);
    const node = live.status.hostIPs.map(({ ip }) => ip);
    const harm = [...this.#what.harm(fault.params), ...commonArguments(fault.params, peers, node)];
    try {
      await addContainer(this.#slots.api, live, path, faultContainer(image, fault, harm, leftMs), attempt);
      return undefined;
    } catch (error) {
      return { result: 'failed', detail: podRefusal(error, namespace) };
    }
  }

  /** What has become of the container; undefined while that is open. */
  async #judge(
    state: Exclude<ContainerState, { is: 'none' }>,
    fault: Fault<Params>,
    attempt: Attempt,
  ): Promise<Omit<Outcome<InjectResult>, 'id'> | undefined> {
    if (state.is === 'ended')
      return { result: state.code === 2 || state.code === 3 ? 'failed' : 'lapsed', detail: state.why };
    if (state.is === 'waiting' && state.problem !== undefined)
      return { result: 'failed', detail: `its container cannot start: ${state.problem}` };
    try {
      // A program that can be renewed has put it on; that its time begins anew makes up for the time that seeing it takes.
      const { code, line } = await speak(this.#slots.api, whereIs(fault), 'renew', fault, attempt);
      return code === 0 ? { result: 'injected', detail: mechanismOf(line) } : undefined;
    } catch {
      // It may not have started yet, which the pod says later than it is so.
      return undefined;
    }
  }

  async renew(faults: readonly Fault<Params>[], attempt: Attempt): Promise<readonly Outcome<RenewResult>[]> {
    // All are tried before the first that nobody can tell of is an error.
    const settled = await Promise.allSettled(faults.map((fault) => this.#renewOne(fault, attempt)));
    return settled.map((outcome) => {
      if (outcome.status === 'rejected') throw outcome.reason;
      return outcome.value;
    });
  }

  async #renewOne(fault: Fault<Params>, attempt: Attempt): Promise<Outcome<RenewResult>> {
    const { id } = fault;
    const look = new Looks(attempt);
    for (;;) {
      let problem: string;
      try {
        const { code, line } = await speak(this.#slots.api, whereIs(fault), 'renew', fault, attempt);
        if (code === 0) return { id, result: 'renewed' };
        problem = `its program answered ${code} ${line === undefined ? '' : refusalOf(line)}`;
        if (code === 4) return { id, result: 'lapsed', detail: problem };
      } catch (error) {
        problem = reasonOf(error);
      }
      const read = await this.#slots.read(fault, attempt);
      if (read === undefined) return { id, result: 'gone' };
      if (!isHeldBy(read.slot, fault) || isFenced(read.slot, fault))
        return { id, result: 'lapsed', detail: 'it was reverted, or never put on' };
      const state = stateOf(read.live, containerName(fault));
      if (state.is === 'ended') return { id, result: 'lapsed', detail: state.why };
      if (state.is === 'none') return { id, result: 'lapsed', detail: 'it was never put on' };
      if (look.isLast || look.count >= LOOKS) throw new Error(`${id} cannot be renewed: ${problem}`);
      await look.next();
    }
  }

  async revert(faults: readonly Fault<Params>[], attempt: Attempt): Promise<readonly Outcome<RevertResult>[]> {
    return outcomes(faults, attempt, async (fault): Promise<Omit<Outcome<RevertResult>, 'id'>> => {
      const look = new Looks(attempt);
      let takeOff: TakeOff | undefined;
      for (;;) {
        const read = await this.#slots.read(fault, attempt);
        if (read === undefined) return { result: 'absent' };
        const { live, slot, path } = read;
        const nowMs = this.#slots.api.nowMs();
        const held = isHeldBy(slot, fault);
        const fencedMs = fencedAtMs(slot, fault);
        if (!held && fencedMs !== undefined) return { result: 'absent' };
        if (fencedMs === undefined) {
          const tombstone = (held ? fenceHolder : fence)(slot, RESOURCE, fault, nowMs);
          await this.#slots.write(path, live, withLeave(tombstone, fault, false), {}, attempt);
          continue;
        }
        takeOff ??= new TakeOff(this.#slots.api, fault, undoRecord.parse(slot.record?.undo).image);
        const step = await takeOff.step(live, path, nowMs - fencedMs, attempt);
        if (step.off) {
          if (await this.#slots.write(path, live, fence(slot, RESOURCE, fault, nowMs), {}, attempt))
            return { result: 'reverted' };
        } else if (step.stuck === true || look.isLast) return { result: 'failed', detail: step.why };
        else await look.next();
      }
    });
  }

  async verify(faults: readonly Fault<Params>[], attempt: Attempt): Promise<readonly Verification[]> {
    return Promise.all(faults.map((fault) => this.#verifyOne(fault, attempt).catch(() => 'unknown' as const)));
  }

  async #verifyOne(fault: Fault<Params>, attempt: Attempt): Promise<Verification> {
    const look = new Looks(attempt);
    for (;;) {
      const read = await this.#slots.read(fault, attempt);
      if (read === undefined || isOverForGood(read.live)) return 'absent';
      const { live, slot } = read;
      const state = stateOf(live, containerName(fault));
      // Whose container has not begun acts only with a leave, which goes before the slot does.
      const late = fencedAtMs(slot, fault);
      const mayCome = late === undefined ? isHeldBy(slot, fault) : !hasNoLeave(this.#slots.api.nowMs() - late);
      if (state.is === 'none') return isHeldBy(slot, fault) && late === undefined ? 'unknown' : 'absent';
      if (state.is === 'waiting') return mayCome ? 'unknown' : 'absent';
      if (state.is === 'ended') return !state.clean && isLeftBehind(live, fault) ? 'unknown' : 'absent';
      try {
        const { line } = await speak(this.#slots.api, live.metadata, 'status', fault, attempt);
        if (line?.state === 'active') return 'active';
        // Somebody else's is not this one.
        return line?.state === 'absent' || line?.state === 'occupied' ? 'absent' : 'unknown';
      } catch {
        // It may have ended just now, which the pod says a little later.
        if (look.isLast || look.count >= LOOKS) return 'unknown';
        await look.next();
      }
    }
  }

  async *leftovers(): AsyncGenerator<Leftover<Params>> {
    for await (const { fault, record, found } of this.#slots.heldAs<Params, Pod>(this.kind, { schema: podSchema })) {
      const nowMs = this.#slots.api.nowMs();
      const { is } = stateOf(found, containerName(fault));
      // A program that runs ends the fault when renewal stops; it alone knows when it was renewed last.
      const untilMs = is === 'running' ? record.endsMs : record.expiresMs;
      const fenced = found.metadata.annotations[leaveOf(fault).key] === undefined;
      yield { fault, expired: is === 'ended' || fenced || untilMs <= nowMs };
    }
  }
}

/** Looks at a pod, ever more seldom, within an attempt. */
class Looks {
  readonly #attempt: Attempt;
  #everyMs = LOOK_MS;
  count = 0;

  constructor(attempt: Attempt) {
    this.#attempt = attempt;
  }

  /** Whether there is no time for another one. */
  get isLast(): boolean {
    return isOver(this.#attempt) || this.#attempt.remainingMs() - this.#everyMs < LAST_WORDS_MS;
  }

  async next(): Promise<void> {
    this.count += 1;
    await pause(this.#everyMs, this.#attempt.signal);
    this.#everyMs = Math.min(LOOK_MAX_MS, this.#everyMs * 1.4);
  }
}

function whereIs({ target }: Fault<unknown>): { readonly namespace: string; readonly name: string } {
  const { namespace = '', name } = parseTarget(target, ['pod']);
  return { namespace, name };
}

/** Gives the leave with the slot, or takes it with the fence. */
function withLeave(patch: MetadataPatch, fault: Fault<unknown>, given: boolean): MetadataPatch {
  const { key, value } = leaveOf(fault);
  return { ...patch, annotations: { ...patch.annotations, [key]: given ? value : null } };
}
