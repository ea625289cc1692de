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
import { missingAccess } from '../../kubernetes/access.ts';
import { kubernetesApi, METADATA_ONLY, unhurried } from '../../kubernetes/api.ts';
import type { KubernetesApi } from '../../kubernetes/api.ts';
import { bareSchema, listPath } from '../../kubernetes/objects.ts';
import type { Metadata, ObjectKind } from '../../kubernetes/objects.ts';
import { reasonOf } from '../../probes/reading.ts';
import { usableKubernetes } from '../../targets/kubernetes-settings.ts';
import type { KubernetesSettings } from '../../targets/kubernetes-settings.ts';
import { isOver } from '../driver.ts';
import type { Attempt, DriverFactory, FaultDriver, Leftover, Permission, Site } from '../driver.ts';
import { fence, forget, hold, isFenced, isHeldBy, labelOf, readSlot, recordOf } from './slot.ts';
import type { MetadataPatch, Slot } from './slot.ts';
import { parseTarget, pathOf, targetId } from './target.ts';

/** The change of an object, as a merge patch without metadata. */
export type Change = Readonly<Record<string, unknown>>;

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

const NO_SECTION = 'this site has no `kubernetes:` section';
const FOREIGN = 'somebody else has changed it meanwhile, which was left';
const OVER = { result: 'failed', detail: 'the attempt is over' } as const;

/** An object as it was read. */
interface Read<Live> {
  readonly live: Live;
  readonly slot: Slot;
  readonly path: string;
}

class ObjectDriver<Params, Live extends { readonly metadata: Metadata }, Undo> implements FaultDriver<Params> {
  readonly kind;
  readonly summary;
  readonly params;
  readonly reversal = 'reverted';
  readonly expiry = 'none';
  readonly permissions;
  readonly undo;
  readonly #what: ObjectFault<Params, Live, Undo>;
  readonly #site: Site;
  readonly #settings: KubernetesSettings | undefined;

  constructor(what: ObjectFault<Params, Live, Undo>, site: Site) {
    ({ kind: this.kind, summary: this.summary, params: this.params } = what);
    ({ permissions: this.permissions, undo: this.undo } = what);
    this.#what = what;
    this.#site = site;
    this.#settings = usableKubernetes(site.settings['kubernetes']);
  }

  get #api(): KubernetesApi {
    if (this.#settings === undefined) throw new Error(NO_SECTION);
    return kubernetesApi(this.#settings);
  }

  async check(): Promise<readonly string[]> {
    const settings = this.#settings;
    if (settings === undefined) return [NO_SECTION];
    const namespaces = this.#what.objects.includes('node') ? undefined : settings.namespaces;
    return missingAccess(this.permissions, namespaces, this.#api, unhurried()).catch((error: unknown) => [
      reasonOf(error),
    ]);
  }

  async occupied(targets: readonly TargetId[]): Promise<ReadonlyMap<TargetId, string>> {
    const { resource, objects } = this.#what;
    for (const target of targets) parseTarget(target, objects);
    const wanted = new Set(targets);
    const found = new Map<TargetId, string>();
    for await (const [target, metadata] of this.#marked('held')) {
      const { record } = readSlot(metadata, resource);
      if (record !== undefined && wanted.has(target)) found.set(target, record.id);
    }
    return found;
  }

  async inject(faults: readonly Fault<Params>[], attempt: Attempt): Promise<readonly Outcome<InjectResult>[]> {
    return this.#each(faults, attempt, async (fault) => this.#injectOne(fault, attempt));
  }

  async #injectOne(fault: Fault<Params>, attempt: Attempt): Promise<Omit<Outcome<InjectResult>, 'id'>> {
    const { harm, isOn, kind, resource, undoRecord } = this.#what;
    for (;;) {
      if (isOver(attempt)) return OVER;
      const read = await this.#read(fault, attempt);
      if (read === undefined || read.live.metadata.deletionTimestamp !== undefined) return { result: 'gone' };
      const { live, slot, path } = read;
      const nowMs = this.#api.nowMs();
      if (isFenced(slot, fault)) return { result: 'fenced' };
      if (slot.record !== undefined) {
        if (!isHeldBy(slot, fault)) return { result: 'occupied', detail: slot.record.id };
        const on = slot.record.expiresMs > nowMs && isOn(live, undoRecord.parse(slot.record.undo));
        return { result: on ? 'injected' : 'lapsed' };
      }
      const harmed = await harm(live, fault, { api: this.#api, attempt });
      if (typeof harmed === 'string') return { result: 'failed', detail: harmed };
      if (isOver(attempt)) return OVER;
      const record = recordOf(kind, fault, harmed.undo, this.#api.nowMs());
      const written = await this.#write(path, live, hold(slot, resource, record), harmed.change, attempt);
      if (written) return { result: 'injected' };
    }
  }

  async renew(faults: readonly Fault<Params>[], attempt: Attempt): Promise<readonly Outcome<RenewResult>[]> {
    const { isOn, resource, undoRecord } = this.#what;
    const renewOne = async (fault: Fault<Params>): Promise<Omit<Outcome<RenewResult>, 'id'>> => {
      for (;;) {
        const read = await this.#read(fault, attempt);
        if (read === undefined) return { result: 'gone' };
        const { live, slot, path } = read;
        const nowMs = this.#api.nowMs();
        const { record } = slot;
        if (record === undefined || !isHeldBy(slot, fault) || record.expiresMs <= nowMs) return { result: 'lapsed' };
        if (!isOn(live, undoRecord.parse(record.undo)))
          return { result: 'lapsed', detail: 'somebody else has undone it' };
        const moved = { ...record, expiresMs: Math.min(nowMs + fault.ttlMs, record.endsMs) };
        if (await this.#write(path, live, hold(slot, resource, moved), {}, attempt)) return { result: 'renewed' };
      }
    };
    return Promise.all(faults.map(async (fault) => ({ id: fault.id, ...(await renewOne(fault)) })));
  }

  async revert(faults: readonly Fault<Params>[], attempt: Attempt): Promise<readonly Outcome<RevertResult>[]> {
    const { heal, isOn, resource, undoRecord } = this.#what;
    return this.#each(faults, attempt, async (fault) => {
      for (;;) {
        const read = await this.#read(fault, attempt);
        if (read === undefined) return { result: 'absent' };
        const { live, slot, path } = read;
        const held = isHeldBy(slot, fault);
        if (!held && isFenced(slot, fault)) return { result: 'absent' };
        const record = held ? undoRecord.parse(slot.record?.undo) : undefined;
        const change = record === undefined ? {} : heal(live, record);
        const fenced = fence(slot, resource, fault, this.#api.nowMs());
        if (!(await this.#write(path, live, fenced, change, attempt))) continue;
        if (record === undefined) return { result: 'absent' };
        return { result: 'reverted', ...(isOn(live, record) ? {} : { detail: FOREIGN }) };
      }
    });
  }

  async verify(faults: readonly Fault<Params>[], attempt: Attempt): Promise<readonly Verification[]> {
    return Promise.all(
      faults.map(async (fault): Promise<Verification> => {
        try {
          const read = await this.#read(fault, attempt);
          return read !== undefined && isHeldBy(read.slot, fault) ? 'active' : 'absent';
        } catch {
          return 'unknown';
        }
      }),
    );
  }

  async *leftovers(): AsyncGenerator<Leftover<Params>> {
    if (this.#settings === undefined) return;
    const { kind, resource } = this.#what;
    let problem: Error | undefined;
    for await (const [target, metadata] of this.#marked('held')) {
      try {
        const { record } = readSlot(metadata, resource);
        if (record?.kind !== kind || record.installation !== this.#site.installation) continue;
        const { installation, id, run, ttlMs, notAfterMs, expiresMs } = record;
        const fault = { installation, id, run, target, params: record.params as Params, ttlMs, notAfterMs };
        yield { fault, expired: expiresMs <= this.#api.nowMs() };
      } catch (error) {
        // It must not keep the others on, nor be passed over in silence.
        problem ??= error instanceof Error ? error : new Error(String(error));
      }
    }
    await this.#forget();
    if (problem !== undefined) throw problem;
  }

  /** Takes our last trace from objects whose fences are all old. */
  async #forget(): Promise<void> {
    const { resource, objects } = this.#what;
    const attempt = unhurried();
    for await (const [target, metadata] of this.#marked('ended')) {
      const forgotten = forget(readSlot(metadata, resource), resource, this.#api.nowMs());
      if (forgotten === undefined) continue;
      // Whoever writes it at the same time has a fence to keep.
      await this.#write(pathOf(parseTarget(target, objects)), { metadata }, forgotten, {}, attempt);
    }
  }

  /** Objects that carry our mark, wherever this site may look. */
  async *#marked(state: 'held' | 'ended'): AsyncGenerator<readonly [TargetId, Metadata]> {
    const { objects, resource } = this.#what;
    const query = { labelSelector: `${labelOf(resource)}=${state}` };
    const attempt = unhurried();
    for (const kind of objects) {
      const places = kind === 'node' ? [undefined] : (this.#settings?.namespaces ?? [undefined]);
      for (const place of places) {
        for await (const { metadata } of this.#api.list(
          listPath(kind, place),
          query,
          bareSchema,
          attempt,
          METADATA_ONLY,
        )) {
          const { namespace, name, uid } = metadata;
          yield [targetId({ kind, name, uid, ...(namespace === undefined ? {} : { namespace }) }), metadata];
        }
      }
    }
  }

  /** The fault's object, if it is the very one. */
  async #read({ target: id }: Fault<unknown>, attempt: Attempt): Promise<Read<Live> | undefined> {
    const target = parseTarget(id, this.#what.objects);
    const path = pathOf(target);
    const live = await this.#api.get(path, this.#what.object, attempt);
    if (live?.metadata.uid !== target.uid) return undefined;
    return { live, slot: readSlot(live.metadata, this.#what.resource), path };
  }

  /** Writes metadata and change in one step; false where the object has changed since it was read, or is gone. */
  async #write(
    path: string,
    { metadata: { uid, resourceVersion } }: { readonly metadata: Metadata },
    metadata: MetadataPatch,
    change: Change,
    attempt: Attempt,
  ): Promise<boolean> {
    const body = { ...change, metadata: { uid, resourceVersion, ...metadata } };
    const written = await this.#api.patch(path, body, bareSchema, attempt);
    return written !== undefined && written !== 'conflict';
  }

  /** One outcome for each fault: what goes wrong with one is its own. */
  async #each<Result extends string>(
    faults: readonly Fault<Params>[],
    attempt: Attempt,
    work: (fault: Fault<Params>) => Promise<Omit<Outcome<Result | 'failed'>, 'id'>>,
  ): Promise<readonly Outcome<Result | 'failed'>[]> {
    return Promise.all(
      faults.map(async (fault) => {
        if (isOver(attempt)) return { id: fault.id, ...OVER };
        try {
          return { id: fault.id, ...(await work(fault)) };
        } catch (error) {
          return { id: fault.id, result: 'failed' as const, detail: reasonOf(error) };
        }
      }),
    );
  }
}
