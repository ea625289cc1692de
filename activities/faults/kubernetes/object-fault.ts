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
  Reversal,
  RevertResult,
  TargetId,
  Verification,
} from '../../../domain/fault.ts';
import { unhurried } from '../../kubernetes/api.ts';
import type { KubernetesApi } from '../../kubernetes/api.ts';
import type { Metadata, ObjectKind } from '../../kubernetes/objects.ts';
import type { KubernetesSettings } from '../../targets/kubernetes-settings.ts';
import { isOver } from '../driver.ts';
import type { Attempt, DriverFactory, FaultDriver, Leftover, Permission, Site } from '../driver.ts';
import { fence, fenceAndRemember, hold, isFenced, isHeldBy, recordOf, remembered } from './slot.ts';
import { NO_SECTION, outcomes, OVER, SlottedObjects } from './slotted.ts';
import type { SlotRecord } from './slot.ts';
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
  /** Default: reverted. */
  readonly reversal?: Reversal;
  /** Which of these targets it must not be done to, and why. Default: it may be done to all. */
  readonly unfit?: (targets: readonly TargetId[], params: Params, site: Looking) => Promise<Map<TargetId, string>>;
  /** What else there is to be done once the change is made. Asked by every attempt, which may find it half done. */
  readonly follow?: (fault: Fault<Params>, holding: Holding<Undo>) => Promise<Omit<Outcome<InjectResult>, 'id'>>;
  /** What of it is to heal by itself, and has not, once the change is taken back; undefined when all has. */
  readonly unhealed?: (live: Live, undo: Undo, looking: Looking, fault: Fault<Params>) => Promise<string | undefined>;
}

/** How a fault looks beyond its object. */
export interface Looking {
  readonly api: KubernetesApi;
  readonly settings: KubernetesSettings;
  readonly attempt: Attempt;
}

/** How a fault acts beyond its object, as long as it holds it. */
export interface Holding<Undo> extends Looking {
  /** Whether the fault still holds the object, read anew. */
  holds(): Promise<boolean>;
  /**
   * Moves the fault's time, and writes down what `change` makes of its undo record, before that is done. The record as it is
   * then; undefined where the fault does not hold the object any more.
   */
  keep(change?: (undo: Undo) => Undo): Promise<Undo | undefined>;
}

/** Builds the driver of such a fault. */
export function objectFault<Params, Live extends { readonly metadata: Metadata }, Undo>(
  what: ObjectFault<Params, Live, Undo>,
): DriverFactory<Params> {
  return (site) => new ObjectDriver(what, site);
}

function moved(record: SlotRecord, { ttlMs }: Fault<unknown>, nowMs: number): SlotRecord {
  return { ...record, expiresMs: Math.min(nowMs + ttlMs, record.endsMs) };
}

const FOREIGN = 'somebody else has changed it meanwhile, which was left';

class ObjectDriver<Params, Live extends { readonly metadata: Metadata }, Undo> implements FaultDriver<Params> {
  readonly kind;
  readonly summary;
  readonly params;
  readonly reversal;
  readonly expiry = 'none';
  readonly permissions;
  readonly undo;
  /** What heals by itself is not held, and needs nobody who goes on saying that it is wanted. */
  readonly renew?: NonNullable<FaultDriver<Params>['renew']>;
  readonly #what: ObjectFault<Params, Live, Undo>;
  readonly #slots: SlottedObjects<Live>;

  constructor(what: ObjectFault<Params, Live, Undo>, site: Site) {
    ({ kind: this.kind, summary: this.summary, params: this.params } = what);
    ({ permissions: this.permissions, undo: this.undo } = what);
    this.reversal = what.reversal ?? 'reverted';
    if (this.reversal === 'reverted') this.renew = (faults, attempt) => this.#renew(faults, attempt);
    this.#what = what;
    this.#slots = new SlottedObjects(site, what);
  }

  async check(): Promise<readonly string[]> {
    return this.#slots.missing(this.permissions);
  }

  async occupied(targets: readonly TargetId[]): Promise<ReadonlyMap<TargetId, string>> {
    return this.#slots.occupied(targets);
  }

  async unfit(targets: readonly TargetId[], params: Params): Promise<ReadonlyMap<TargetId, string>> {
    return (await this.#what.unfit?.(targets, params, this.#looking(unhurried()))) ?? new Map();
  }

  #looking(attempt: Attempt): Looking {
    const { settings, api } = this.#slots;
    if (settings === undefined) throw new Error(NO_SECTION);
    return { api, settings, attempt };
  }

  async inject(faults: readonly Fault<Params>[], attempt: Attempt): Promise<readonly Outcome<InjectResult>[]> {
    const { follow } = this.#what;
    return outcomes(faults, attempt, async (fault) => {
      const outcome = await this.#injectOne(fault, attempt);
      if (follow === undefined || outcome.result !== 'injected') return outcome;
      return follow(fault, this.#holding(fault, attempt));
    });
  }

  #holding(fault: Fault<Params>, attempt: Attempt): Holding<Undo> {
    const { resource, undoRecord } = this.#what;
    const read = async (): ReturnType<SlottedObjects<Live>['read']> => {
      const found = await this.#slots.read(fault, attempt);
      const { record } = found?.slot ?? {};
      if (found === undefined || record === undefined || !isHeldBy(found.slot, fault)) return undefined;
      return record.expiresMs > this.#slots.api.nowMs() ? found : undefined;
    };
    return {
      ...this.#looking(attempt),
      holds: async () => (await read()) !== undefined,
      keep: async (change = (undo) => undo) => {
        for (;;) {
          const found = await read();
          const { record } = found?.slot ?? {};
          if (found === undefined || record === undefined) return undefined;
          const undo = change(undoRecord.parse(record.undo));
          const kept = { ...moved(record, fault, this.#slots.api.nowMs()), undo };
          if (await this.#slots.write(found.path, found.live, hold(found.slot, resource, kept), {}, attempt))
            return undo;
        }
      },
    };
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
      const harmed = await harm(live, fault, this.#looking(attempt));
      if (typeof harmed === 'string') return { result: 'failed', detail: harmed };
      if (isOver(attempt)) return OVER;
      const record = recordOf(kind, fault, harmed.undo, this.#slots.api.nowMs());
      const written = await this.#slots.write(path, live, hold(slot, resource, record), harmed.change, attempt);
      if (written) return { result: 'injected' };
    }
  }

  async #renew(faults: readonly Fault<Params>[], attempt: Attempt): Promise<readonly Outcome<RenewResult>[]> {
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
        const later = hold(slot, resource, moved(record, fault, nowMs));
        if (await this.#slots.write(path, live, later, {}, attempt)) return { result: 'renewed' };
      }
    };
    return Promise.all(faults.map(async (fault) => ({ id: fault.id, ...(await renewOne(fault)) })));
  }

  async revert(faults: readonly Fault<Params>[], attempt: Attempt): Promise<readonly Outcome<RevertResult>[]> {
    const { heal, isOn, resource, undoRecord, unhealed } = this.#what;
    return outcomes(faults, attempt, async (fault) => {
      for (;;) {
        const read = await this.#slots.read(fault, attempt);
        if (read === undefined) return { result: 'absent' };
        const { live, slot, path } = read;
        const held = isHeldBy(slot, fault);
        if (!held && isFenced(slot, fault))
          return { result: 'absent', ...said(await this.#unhealed(live, fault, attempt)) };
        const record = held ? undoRecord.parse(slot.record?.undo) : undefined;
        const change = record === undefined ? {} : heal(live, record);
        const nowMs = this.#slots.api.nowMs();
        const fenced =
          record === undefined || unhealed === undefined
            ? fence(slot, resource, fault, nowMs)
            : fenceAndRemember(slot, resource, fault, nowMs);
        if (!(await this.#slots.write(path, live, fenced, change, attempt))) continue;
        if (record === undefined) return { result: 'absent' };
        return { result: 'reverted', ...said(isOn(live, record) ? undefined : FOREIGN) };
      }
    });
  }

  async verify(faults: readonly Fault<Params>[], attempt: Attempt): Promise<readonly Verification[]> {
    return Promise.all(
      faults.map(async (fault): Promise<Verification> => {
        try {
          const read = await this.#slots.read(fault, attempt);
          if (read === undefined) return 'absent';
          if (isHeldBy(read.slot, fault)) return 'active';
          return (await this.#unhealed(read.live, fault, attempt)) === undefined ? 'absent' : 'active';
        } catch {
          return 'unknown';
        }
      }),
    );
  }

  /** What of a fault that was reverted has not healed; undefined where all has, or this fault was not the last one here. */
  async #unhealed(live: Live, fault: Fault<Params>, attempt: Attempt): Promise<string | undefined> {
    const { resource, undoRecord, unhealed } = this.#what;
    const left = unhealed && remembered(live.metadata, resource, fault);
    if (unhealed === undefined || left === undefined) return undefined;
    return unhealed(live, undoRecord.parse(left.undo), this.#looking(attempt), fault);
  }

  async *leftovers(): AsyncGenerator<Leftover<Params>> {
    for await (const { fault, record } of this.#slots.held<Params>(this.kind))
      yield { fault, expired: record.expiresMs <= this.#slots.api.nowMs() };
  }
}

function said(detail: string | undefined): { readonly detail?: string } {
  return detail === undefined ? {} : { detail };
}
