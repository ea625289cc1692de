/**
 * The objects of a site's cluster that have slots of one resource.
 *
 * Owns how they are read, written by compare-and-swap, found by their label, and rid of the last trace of ours. Must never
 * decide what a slot means for a fault: its driver does.
 */
import type { z } from 'zod';
import type { Fault, Outcome, TargetId } from '../../../domain/fault.ts';
import { missingAccess, rulesOf, Skipped } from '../../kubernetes/access.ts';
import { kubernetesApi, METADATA, METADATA_LIST, unhurried } from '../../kubernetes/api.ts';
import type { KubernetesApi } from '../../kubernetes/api.ts';
import { bareSchema, listPath } from '../../kubernetes/objects.ts';
import type { Metadata, ObjectKind } from '../../kubernetes/objects.ts';
import { reasonOf } from '../../probes/reading.ts';
import { usableKubernetes } from '../../targets/kubernetes-settings.ts';
import type { KubernetesSettings } from '../../targets/kubernetes-settings.ts';
import { isOver } from '../driver.ts';
import type { Attempt, Permission, Site } from '../driver.ts';
import { ridCopies } from './copies.ts';
import { forget, isWritten, labelOf, readSlot } from './slot.ts';
import type { MetadataPatch, Slot, SlotRecord } from './slot.ts';
import { parseTarget, pathOf, targetId } from './target.ts';

/** Why nothing can be done at a site without a cluster. */
export const NO_SECTION = 'this site has no `kubernetes:` section';
/** The outcome of what is not begun any more. */
export const OVER = { result: 'failed', detail: 'the attempt is over' } as const;

/** The change of an object, as a merge patch without metadata. */
export type Change = Readonly<Record<string, unknown>>;

/** An object as it was read. */
export interface Read<Live> {
  readonly live: Live;
  readonly slot: Slot;
  readonly path: string;
}

/** A fault that holds an object, as its record tells it. */
export interface Held<Params, Found> {
  readonly fault: Fault<Params>;
  readonly record: SlotRecord;
  readonly found: Found;
}

/** Any object, of which at least the metadata is known. */
interface Known {
  readonly metadata: Metadata;
}

/** What is read of the objects of a list. */
export interface Listed<Found extends Known> {
  readonly schema: z.ZodType<Found>;
  readonly accept?: string;
}

/** Nothing but the metadata: it is enough to tell who holds what. */
const BARE: Listed<Known> = { schema: bareSchema, accept: METADATA_LIST };

/** What is to be known of the objects. */
export interface Slotted<Live> {
  /** What two faults must not both hold of one object. */
  readonly resource: string;
  readonly objects: readonly ObjectKind[];
  readonly object: z.ZodType<Live>;
}

/** The objects of one site. */
export class SlottedObjects<Live extends Known> {
  /** Undefined where the site has no cluster. */
  readonly settings: KubernetesSettings | undefined;
  readonly #site: Site;
  readonly #what: Slotted<Live>;

  constructor(site: Site, what: Slotted<Live>) {
    this.#site = site;
    this.#what = what;
    this.settings = usableKubernetes(site.settings['kubernetes']);
  }

  /** Throws where the site has no cluster. */
  get api(): KubernetesApi {
    if (this.settings === undefined) throw new Error(NO_SECTION);
    return kubernetesApi(this.settings);
  }

  /** What this worker lacks for `permissions`, or to have a cluster at all, one sentence each. */
  async missing(permissions: readonly Permission[]): Promise<readonly string[]> {
    const { settings } = this;
    if (settings === undefined) return [NO_SECTION];
    const rules = rulesOf(permissions);
    // What is in no namespace is allowed in the whole cluster, or not at all.
    const asked = [true, false].map((isWide) => {
      const some = rules.filter(({ resources }) => resources.includes('nodes') === isWide);
      const namespaces = isWide ? undefined : settings.namespaces;
      return missingAccess([{ needs: '', rules: some }], namespaces, this.api, unhurried());
    });
    return Promise.all(asked).then(
      (missing) => missing.flat(),
      (error: unknown) => [reasonOf(error)],
    );
  }

  /** Which of `targets` are held, and by which faults. */
  async occupied(targets: readonly TargetId[]): Promise<ReadonlyMap<TargetId, string>> {
    const { resource, objects } = this.#what;
    for (const target of targets) parseTarget(target, objects);
    const wanted = new Set(targets);
    const found = new Map<TargetId, string>();
    for await (const [target, { metadata }] of this.#marked('held', BARE)) {
      if (!wanted.has(target)) continue;
      const { record } = readSlot(metadata, resource);
      if (record !== undefined) found.set(target, record.id);
    }
    return found;
  }

  /** The fault's object, if it is the very one. */
  async read({ target: id }: Fault<unknown>, attempt: Attempt): Promise<Read<Live> | undefined> {
    const target = parseTarget(id, this.#what.objects);
    const path = pathOf(target);
    const live = await this.api.get(path, this.#what.object, attempt);
    if (live?.metadata.uid !== target.uid) return undefined;
    return { live, slot: readSlot(live.metadata, this.#what.resource), path };
  }

  /** Writes metadata and change in one step; false where the object has changed since it was read, or is gone. */
  async write(
    path: string,
    { metadata: { uid, resourceVersion } }: Known,
    metadata: MetadataPatch,
    change: Change,
    attempt: Attempt,
  ): Promise<boolean> {
    const body = { ...change, metadata: { uid, resourceVersion, ...metadata } };
    const written = await this.api.patch(path, body, bareSchema, attempt, { accept: METADATA });
    return written !== undefined && written !== 'conflict';
  }

  /** The faults of `kind` that hold objects for this installation. Throws at the end where a record could not be read. */
  held<Params>(kind: string): AsyncGenerator<Held<Params, Known>> {
    return this.heldAs<Params, Known>(kind, BARE);
  }

  /** The same, with as much of each object as `listed` says. */
  async *heldAs<Params, Found extends Known>(kind: string, listed: Listed<Found>): AsyncGenerator<Held<Params, Found>> {
    if (this.settings === undefined) return;
    const skipped = new Skipped();
    for await (const [target, found] of this.#marked('held', listed, skipped)) {
      const record = skipped.try(() => readSlot(found.metadata, this.#what.resource).record);
      if (record?.kind !== kind || record.installation !== this.#site.installation) continue;
      const { installation, id, run, ttlMs, notAfterMs } = record;
      const fault = { installation, id, run, target, params: record.params as Params, ttlMs, notAfterMs };
      yield { fault, record, found };
    }
    await this.#forget(skipped);
    const problem = skipped.unreadable ?? skipped.first;
    if (problem !== undefined) throw problem;
  }

  /** Takes our last trace from objects whose fences are all old. What cannot be read is among `problems`. */
  async #forget(problems: Skipped): Promise<void> {
    const { resource, objects } = this.#what;
    const attempt = unhurried();
    for await (const [target, found] of this.#marked('ended', BARE, new Skipped())) {
      const forgotten = problems.try(() => forget(readSlot(found.metadata, resource), resource, this.api.nowMs()));
      if (forgotten === undefined) continue;
      const { kind } = parseTarget(target, objects);
      const isCopied = kind === 'deployment' && isWritten(found.metadata, resource);
      if (kind === 'deployment' && !isCopied) {
        const problem = await ridCopies(found.metadata, resource, this.api, attempt).catch((error: unknown) => error);
        if (problem !== undefined) {
          problems.note(problem);
          continue;
        }
      }
      // The label is not copied: it stays for the next sweep, until what was copied is gone as well.
      const patch = isCopied ? { ...forgotten, labels: {} } : forgotten;
      // Whoever writes it at the same time has a fence to keep.
      await this.write(pathOf(parseTarget(target, objects)), found, patch, {}, attempt);
    }
  }

  /** Objects that carry our mark, wherever this site may look; where it has no leave at all is `skipped`, if that is given. */
  async *#marked<Found extends Known>(
    state: 'held' | 'ended',
    { schema, accept }: Listed<Found>,
    skipped?: Skipped,
  ): AsyncGenerator<readonly [TargetId, Found]> {
    const { objects, resource } = this.#what;
    const query = { labelSelector: `${labelOf(resource)}=${state}` };
    const attempt = unhurried();
    for (const kind of objects) {
      const places = kind === 'node' ? [undefined] : (this.settings?.namespaces ?? [undefined]);
      for (const place of places) {
        const path = listPath(kind, place);
        const list = this.api.list(path, query, schema, attempt, accept);
        for await (const found of skipped?.over(list, path, this.api, attempt) ?? list) {
          const { namespace, name, uid } = found.metadata;
          yield [targetId({ kind, name, uid, ...(namespace === undefined ? {} : { namespace }) }), found];
        }
      }
    }
  }
}

/** One outcome for each fault: what goes wrong with one is its own. */
export async function outcomes<F extends Fault<unknown>, Result extends string>(
  faults: readonly F[],
  attempt: Attempt,
  work: (fault: F) => Promise<Omit<Outcome<Result | 'failed'>, 'id'>>,
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
