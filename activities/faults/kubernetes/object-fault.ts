/**
 * Faults that are one change of one object: a cordon, a taint, a number of replicas.
 *
 * Owns the order in which the slot and the change are written, which is one patch: whoever sees the change sees its undo
 * record, and a revert takes both away at once. Nothing on the server ends such a fault by itself; the sweep does.
 */
import type { z } from 'zod';
import type {
  Fault,
  InjectResult,
  Outcome,
  RenewResult,
  RevertResult,
  TargetId,
  Verification,
} from '../../../domain/fault.ts';
import type { KubernetesApi } from '../../kubernetes/api.ts';
import type { Metadata, ObjectKind } from '../../kubernetes/objects.ts';
import { isOver } from '../driver.ts';
import type { Attempt, DriverFactory, FaultDriver, Leftover, Permission, Site } from '../driver.ts';
import { fence, hold, isFenced, isHeldBy, recordOf } from './slot.ts';
import { outcomes, OVER, SlottedObjects } from './slotted.ts';
import type { Change } from './slotted.ts';

/** What differs between faults that are one change. */
export interface ObjectFault<Params, Live extends { readonly metadata: Metadata }, Undo> {
  readonly kind: `kubernetes/${string}`;
  readonly summary: string;
  readonly params: z.ZodType<Params>;
  /** What two faults must not both hold of one object. */
  readonly resource: string;
  readonly objects: readonly ObjectKind[];
  readonly permissions: readonly Permission[];
  readonly undo: string;
  readonly object: z.ZodType<Live>;
  readonly undoRecord: z.ZodType<Undo>;
  /** What is to be changed and how it was, or why it must not be; may look at what else there is. */
  readonly harm: (
    live: Live,
    fault: Fault<Params>,
    looking: Looking,
  ) => Promise<{ readonly undo: Undo; readonly change: Change } | string>;
  /** Whether the change is still as it was made. */
  readonly isOn: (live: Live, undo: Undo) => boolean;
  /** What makes the object as it was; what others have changed since is theirs. */
  readonly heal: (live: Live, undo: Undo) => Change;
}

/** How a fault looks beyond its object. */
export interface Looking {
  readonly api: KubernetesApi;
  readonly attempt: Attempt;
}

/** Builds the driver of such a fault. */
export function objectFault<Params, Live extends { readonly metadata: Metadata }, Undo>(
  what: ObjectFault<Params, Live, Undo>,
): DriverFactory<Params> {
  return (site) => new ObjectDriver(what, site);
}

const FOREIGN = 'somebody else has changed it meanwhile, which was left';

class ObjectDriver<Params, Live extends { readonly metadata: Metadata }, Undo> implements FaultDriver<Params> {
  readonly kind;
  readonly summary;
  readonly params;
  readonly reversal = 'reverted';
  readonly expiry = 'none';
  readonly permissions;
  readonly undo;
  readonly #what: ObjectFault<Params, Live, Undo>;
  readonly #slots: SlottedObjects<Live>;

  constructor(what: ObjectFault<Params, Live, Undo>, site: Site) {
    ({ kind: this.kind, summary: this.summary, params: this.params } = what);
    ({ permissions: this.permissions, undo: this.undo } = what);
    this.#what = what;
    this.#slots = new SlottedObjects(site, what);
  }

  async check(): Promise<readonly string[]> {
    return this.#slots.missing(this.permissions);
  }

  async occupied(targets: readonly TargetId[]): Promise<ReadonlyMap<TargetId, string>> {
    return this.#slots.occupied(targets);
  }

  async inject(faults: readonly Fault<Params>[], attempt: Attempt): Promise<readonly Outcome<InjectResult>[]> {
    return outcomes(faults, attempt, async (fault) => this.#injectOne(fault, attempt));
  }

  async #injectOne(fault: Fault<Params>, attempt: Attempt): Promise<Omit<Outcome<InjectResult>, 'id'>> {
    const { harm, isOn, kind, resource, undoRecord } = this.#what;
    for (;;) {
      if (isOver(attempt)) return OVER;
      const read = await this.#slots.read(fault, attempt);
      if (read === undefined || read.live.metadata.deletionTimestamp !== undefined) return { result: 'gone' };
      const { live, slot, path } = read;
      const nowMs = this.#slots.api.nowMs();
      if (isFenced(slot, fault)) return { result: 'fenced' };
      if (slot.record !== undefined) {
        if (!isHeldBy(slot, fault)) return { result: 'occupied', detail: slot.record.id };
        const on = slot.record.expiresMs > nowMs && isOn(live, undoRecord.parse(slot.record.undo));
        return { result: on ? 'injected' : 'lapsed' };
      }
      const harmed = await harm(live, fault, { api: this.#slots.api, attempt });
      if (typeof harmed === 'string') return { result: 'failed', detail: harmed };
      if (isOver(attempt)) return OVER;
      const record = recordOf(kind, fault, harmed.undo, this.#slots.api.nowMs());
      const written = await this.#slots.write(path, live, hold(slot, resource, record), harmed.change, attempt);
      if (written) return { result: 'injected' };
    }
  }

  async renew(faults: readonly Fault<Params>[], attempt: Attempt): Promise<readonly Outcome<RenewResult>[]> {
    const { isOn, resource, undoRecord } = this.#what;
    const renewOne = async (fault: Fault<Params>): Promise<Omit<Outcome<RenewResult>, 'id'>> => {
      for (;;) {
        const read = await this.#slots.read(fault, attempt);
        if (read === undefined) return { result: 'gone' };
        const { live, slot, path } = read;
        const nowMs = this.#slots.api.nowMs();
        const { record } = slot;
        if (record === undefined || !isHeldBy(slot, fault) || record.expiresMs <= nowMs) return { result: 'lapsed' };
        if (!isOn(live, undoRecord.parse(record.undo)))
          return { result: 'lapsed', detail: 'somebody else has undone it' };
        const moved = { ...record, expiresMs: Math.min(nowMs + fault.ttlMs, record.endsMs) };
        if (await this.#slots.write(path, live, hold(slot, resource, moved), {}, attempt)) return { result: 'renewed' };
      }
    };
    return Promise.all(faults.map(async (fault) => ({ id: fault.id, ...(await renewOne(fault)) })));
  }

  async revert(faults: readonly Fault<Params>[], attempt: Attempt): Promise<readonly Outcome<RevertResult>[]> {
    const { heal, isOn, resource, undoRecord } = this.#what;
    return outcomes(faults, attempt, async (fault) => {
      for (;;) {
        const read = await this.#slots.read(fault, attempt);
        if (read === undefined) return { result: 'absent' };
        const { live, slot, path } = read;
        const held = isHeldBy(slot, fault);
        if (!held && isFenced(slot, fault)) return { result: 'absent' };
        const record = held ? undoRecord.parse(slot.record?.undo) : undefined;
        const change = record === undefined ? {} : heal(live, record);
        const fenced = fence(slot, resource, fault, this.#slots.api.nowMs());
        if (!(await this.#slots.write(path, live, fenced, change, attempt))) continue;
        if (record === undefined) return { result: 'absent' };
        return { result: 'reverted', ...(isOn(live, record) ? {} : { detail: FOREIGN }) };
      }
    });
  }

  async verify(faults: readonly Fault<Params>[], attempt: Attempt): Promise<readonly Verification[]> {
    return Promise.all(
      faults.map(async (fault): Promise<Verification> => {
        try {
          const read = await this.#slots.read(fault, attempt);
          return read !== undefined && isHeldBy(read.slot, fault) ? 'active' : 'absent';
        } catch {
          return 'unknown';
        }
      }),
    );
  }

  async *leftovers(): AsyncGenerator<Leftover<Params>> {
    for await (const { fault, record } of this.#slots.held<Params>(this.kind))
      yield { fault, expired: record.expiresMs <= this.#slots.api.nowMs() };
  }
}
