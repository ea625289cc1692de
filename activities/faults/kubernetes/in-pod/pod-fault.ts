/**
 * Faults that are an ephemeral container of the pod they are done to.
 *
 * Owns the order: the slot on the pod and the undo record in it first, by compare-and-swap; then the container, added to the
 * very version of the pod that was seen to hold the slot, so that what is fenced is never put on. The program ends the
 * fault when renewal stops (`deploy/fault/`). Must never know what the harm is: `kind-of-pod-fault.ts` says what differs.
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
import { reasonOf } from '../../../probes/reading.ts';
import { isOver } from '../../driver.ts';
import type { Attempt, DriverFactory, FaultDriver, Leftover, Site } from '../../driver.ts';
import { tellOwner, WRITE_EVENTS } from '../owner-event.ts';
import { fence, fencedAtMs, fenceHolder, hold, isFenced, isHeldBy, recordOf } from '../slot.ts';
import type { MetadataPatch } from '../slot.ts';
import { outcomes, OVER, SlottedObjects } from '../slotted.ts';
import type { Read } from '../slotted.ts';
import { parseTarget } from '../target.ts';
import { refusalOf as podRefusal, unfitPods } from './admittance.ts';
import { containerName, faultContainer, leaveOf } from './container.ts';
import type { PodFault } from './kind-of-pod-fault.ts';
import { Looks } from './looks.ts';
import { isOverForGood, noRoom, podSchema, stateOf } from './pod.ts';
import type { ContainerState, Pod } from './pod.ts';
import { refusalOf, speak, wayOf } from './program.ts';
import type { Answer, Where } from './program.ts';
import { addContainer, cannotAct, isLeftBehind, TakeOff } from './take-off.ts';

/** Each costs an API server about 9 ms of a core, and a node about 60: `npm run bench -- --only renewals`. */
const EXECS_PER_SECOND = 50;
/** Looks until a pod has said that a program which no longer answers has ended. */
const LOOKS = 8;

/** What it takes to put such a fault on a pod that is known, and off again. */
export const IN_A_POD = [
  permission('', ['pods'], ['get', 'list', 'patch']),
  permission('', ['pods/ephemeralcontainers'], ['patch']),
  // Which of the two a server asks for depends on its version.
  permission('', ['pods/exec'], ['get', 'create']),
  WRITE_EVENTS,
];
const EVERY_FAULT = [...IN_A_POD, FIND_PODS];
export const NO_IMAGE = 'this site’s `kubernetes:` section names no `faultImage`';

const undoRecord = z.object({ image: z.string() });

/** Builds the driver of such a fault. */
export function podFault<Params>(what: PodFault<Params>): DriverFactory<Params> {
  return (site) => new PodFaultDriver(what, site);
}

class PodFaultDriver<Params> implements FaultDriver<Params> {
  readonly kind;
  readonly summary;
  readonly params;
  readonly reversal = 'reverted';
  readonly expiry = 'renewed';
  readonly renewalsPerSecond = EXECS_PER_SECOND;
  readonly permissions;
  readonly undo;
  readonly #what: PodFault<Params>;
  readonly #slots: SlottedObjects<Pod>;

  constructor(what: PodFault<Params>, site: Site) {
    ({ kind: this.kind, summary: this.summary, params: this.params, undo: this.undo } = what);
    this.permissions = [...EVERY_FAULT, ...what.permissions];
    this.#what = what;
    this.#slots = new SlottedObjects(site, { resource: what.resource, objects: ['pod'], object: podSchema });
  }

  async check(params: Params): Promise<readonly string[]> {
    const { permissions, permissionsFor = () => permissions } = this.#what;
    const missing = await this.#slots.missing([...EVERY_FAULT, ...permissionsFor(params)]);
    return this.#slots.settings?.faultImage === undefined ? [...missing, NO_IMAGE] : missing;
  }

  async unfit(targets: readonly TargetId[], params: Params): Promise<ReadonlyMap<TargetId, string>> {
    const image = this.#slots.settings?.faultImage;
    return image === undefined
      ? new Map()
      : unfitPods({ api: this.#slots.api, what: this.#what, image, params }, targets);
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
        if (outcome?.result === 'injected') await this.#tellOwner(live, fault, attempt);
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
    const why = this.#what.unfit(live, fault.params) ?? noRoom(live);
    if (why !== undefined) return { result: 'failed', detail: why };
    const nowMs = this.#slots.api.nowMs();
    if (slot.record === undefined) {
      const claim = withLeave(
        hold(slot, this.#what.resource, recordOf(this.kind, fault, { image }, nowMs)),
        fault,
        true,
      );
      await this.#slots.write(path, live, claim, {}, attempt);
      return undefined;
    }
    const leftMs = slot.record.endsMs - nowMs;
    if (leftMs <= 0) return { result: 'lapsed', detail: 'its time was over before it was put on' };
    try {
      const harm = await this.#what.harm({ api: this.#slots.api, pod: live, params: fault.params, attempt });
      const container = faultContainer(image, fault, harm, leftMs, this.#what.shape(live, fault.params));
      await addContainer(this.#slots.api, live, path, container, attempt);
      return undefined;
    } catch (error) {
      return { result: 'failed', detail: podRefusal(error, namespace, this.#what.shape(live, fault.params)) };
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
      const { code, line } = await this.#speak(whereIs(fault), 'renew', fault, attempt);
      return code === 0 ? { result: 'injected', detail: wayOf(line) } : undefined;
    } catch {
      // It may not have started yet, which the pod says later than it is so.
      return undefined;
    }
  }

  /** Whoever has made the pod: of a deployment's, its replica set. */
  async #tellOwner({ metadata }: Pod, fault: Fault<Params>, attempt: Attempt): Promise<void> {
    const { namespace = '', name: pod, ownerReferences } = metadata;
    const owner = ownerReferences.find(({ controller }) => controller);
    const told = { namespace, pod, fault: this.kind, what: `put ${this.kind} on` };
    if (owner !== undefined) await tellOwner(owner, fault, told, this.#slots.api, attempt);
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
        const { code, line } = await this.#speak(whereIs(fault), 'renew', fault, attempt);
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
      let takeOff: TakeOff<Params> | undefined;
      for (;;) {
        const read = await this.#slots.read(fault, attempt);
        if (read === undefined) return { result: 'absent' };
        const { live, slot, path } = read;
        const nowMs = this.#slots.api.nowMs();
        const held = isHeldBy(slot, fault);
        const fencedMs = fencedAtMs(slot, fault);
        if (!held && fencedMs !== undefined) return { result: 'absent' };
        if (fencedMs === undefined) {
          const tombstone = (held ? fenceHolder : fence)(slot, this.#what.resource, fault, nowMs);
          await this.#slots.write(path, live, withLeave(tombstone, fault, false), {}, attempt);
          continue;
        }
        takeOff ??= new TakeOff(this.#slots.api, this.#what, fault, undoRecord.parse(slot.record?.undo).image);
        const step = await takeOff.step(live, path, nowMs - fencedMs, attempt);
        if (step.off) {
          if (await this.#slots.write(path, live, fence(slot, this.#what.resource, fault, nowMs), {}, attempt))
            return { result: 'reverted', ...(takeOff.effect === undefined ? {} : { detail: takeOff.effect }) };
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
      const late = fencedAtMs(slot, fault);
      const held = isHeldBy(slot, fault);
      if (state.is === 'none') return held && late === undefined ? 'unknown' : 'absent';
      // Whose container has not begun acts only with a leave, which goes before the slot does.
      const fencedForMs = late === undefined ? (held ? 0 : Infinity) : this.#slots.api.nowMs() - late;
      if (state.is === 'waiting' && cannotAct(state, fencedForMs, fault.ttlMs)) return 'absent';
      if (state.is === 'ended')
        return this.#what.outlives && !state.clean && isLeftBehind(live, fault) ? 'unknown' : 'absent';
      try {
        const { line } = await this.#speak(live.metadata, 'status', fault, attempt);
        if (line?.state === 'active') return 'active';
        // Somebody else's is not this one.
        return line?.state === 'absent' || line?.state === 'occupied' ? 'absent' : 'unknown';
      } catch {
        // It may have begun or ended just now, which the pod says a little later.
        if (look.isLast || look.count >= LOOKS) return 'unknown';
        await look.next();
      }
    }
  }

  async #speak(where: Where, verb: 'renew' | 'status', fault: Fault<Params>, attempt: Attempt): Promise<Answer> {
    return speak({ api: this.#slots.api, where, what: this.#what }, verb, fault, attempt);
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

function whereIs({ target }: Fault<unknown>): Where {
  const { namespace = '', name } = parseTarget(target, ['pod']);
  return { namespace, name };
}

/** Gives the leave with the slot, or takes it with the fence. */
function withLeave(patch: MetadataPatch, fault: Fault<unknown>, given: boolean): MetadataPatch {
  const { key, value } = leaveOf(fault);
  return { ...patch, annotations: { ...patch.annotations, [key]: given ? value : null } };
}
