/**
 * The slots of an object: which fault holds it, how it was before, and which faults may never be put on it again.
 *
 * Owns the annotations and the label in which they are written. Pure: whoever changes an object writes the slot with the
 * same patch, made for the `resourceVersion` that was read, so each change is a compare-and-swap. Times are the server's.
 */
import { z } from 'zod';
import { targetKey } from '../../../domain/target-key.ts';
import type { Fault } from '../../../domain/fault.ts';
import type { Metadata } from '../../kubernetes/objects.ts';

/** The longest record that is written down, in characters: an object has room for 262,144 bytes of annotations. */
const RECORD_MAX = 32_768;
/** Fences are kept this long, in milliseconds: no attempt of an activity can be alive after it. */
const FENCE_MS = 3_600_000;
/** The most fences of one object and resource. */
const FENCES_MAX = 1_000;

const recordSchema = z.object({
  installation: z.string(),
  id: z.string(),
  run: z.string(),
  kind: z.string(),
  params: z.unknown(),
  /** How the object was, as the fault's driver has written it. */
  undo: z.unknown(),
  ttlMs: z.number(),
  notAfterMs: z.number(),
  /** When the fault may be swept, and when it may be at the latest, in milliseconds since 1970. */
  expiresMs: z.number(),
  endsMs: z.number(),
});

/** A fault that holds an object. */
export type SlotRecord = z.infer<typeof recordSchema>;

/** When a fault was fenced, in milliseconds since 1970, by the key of its installation and id. */
const fencesSchema = z.record(z.string(), z.number());
type Fences = z.infer<typeof fencesSchema>;

/** What the fault that was fenced last had written down: what is to heal is counted by it. */
const lastSchema = z.object({ installation: z.string(), id: z.string(), undo: z.unknown() });
type Last = z.infer<typeof lastSchema>;

/** What is written of one resource on one object. */
export interface Slot {
  readonly record: SlotRecord | undefined;
  readonly fences: Fences;
}

/** What a merge patch writes into an object's metadata; null takes away. */
export interface MetadataPatch {
  readonly labels: Readonly<Record<string, string | null>>;
  readonly annotations: Readonly<Record<string, string | null>>;
}

/** The label by which objects with slots of `resource` are listed: `held`, or `ended` while only fences are left. */
export function labelOf(resource: string): string {
  return `squall/${resource}`;
}

const recordKey = (resource: string): string => `squall/${resource}`;
const fencesKey = (resource: string): string => `squall/${resource}-ended`;
const lastKey = (resource: string): string => `squall/${resource}-last`;
const keyOf = ({ installation, id }: Pick<Fault<unknown>, 'installation' | 'id'>): string =>
  targetKey(`${installation} ${id}`);

/**
 * Reads the slots of `resource`. Throws where they cannot be read: somebody has changed them by hand, or has put all annotations back as
 * they once were, as `kubectl rollout undo` does.
 */
export function readSlot({ annotations, labels, name }: Metadata, resource: string): Slot {
  const read = <T>(key: string, schema: z.ZodType<T>): T | undefined => {
    const text = annotations[key];
    if (text === undefined) return undefined;
    try {
      return schema.parse(JSON.parse(text.slice(0, 2 * RECORD_MAX)));
    } catch (error) {
      throw new Error(`annotation ${key} of ${name} cannot be read`, { cause: error });
    }
  };
  const written = read(recordKey(resource), recordSchema);
  const fences = read(fencesKey(resource), fencesSchema) ?? {};
  const isHeld = labels[labelOf(resource)] === 'held';
  // Brought back with an old revision: what was fenced and holds nothing is over.
  const record = !isHeld && written !== undefined && Object.hasOwn(fences, keyOf(written)) ? undefined : written;
  if (record === undefined && isHeld)
    throw new Error(
      `${name} is marked as held (${labelOf(resource)}=held), but nobody can say how it was: annotation ${recordKey(resource)} is gone; make it as it should be, and take the label away`,
    );
  return { record, fences };
}

/** Whether this very fault holds the slot. */
export function isHeldBy({ record }: Slot, { installation, id }: Fault<unknown>): boolean {
  return record?.installation === installation && record.id === id;
}

/** Whether a fault was reverted, so that it must not be put on. */
export function isFenced({ fences }: Slot, fault: Fault<unknown>): boolean {
  return Object.hasOwn(fences, keyOf(fault));
}

/** What a fault that is put on now writes down. */
export function recordOf(kind: string, fault: Fault<unknown>, undo: unknown, nowMs: number): SlotRecord {
  const { installation, id, run, params, ttlMs, notAfterMs } = fault;
  const expiresMs = nowMs + Math.min(ttlMs, notAfterMs);
  return { installation, id, run, kind, params, undo, ttlMs, notAfterMs, expiresMs, endsMs: nowMs + notAfterMs };
}

/** Takes the slot, or moves what is written in it. Throws where it could not be read again: nobody could revert it. */
export function hold(slot: Slot, resource: string, record: SlotRecord): MetadataPatch {
  const text = JSON.stringify(record);
  if (text.length > RECORD_MAX) throw new Error(`what is to be written down has more than ${RECORD_MAX} characters`);
  if (Object.keys(slot.fences).length >= FENCES_MAX)
    throw new Error(`${FENCES_MAX} faults were reverted here within an hour, and are fenced still`);
  return { labels: { [labelOf(resource)]: 'held' }, annotations: { [recordKey(resource)]: text } };
}

/** Fences `fault`, and frees the slot where it held it. */
export function fence(slot: Slot, resource: string, fault: Fault<unknown>, nowMs: number): MetadataPatch {
  const record = isHeldBy(slot, fault) ? undefined : slot.record;
  const fences = { ...living(slot.fences, nowMs), [keyOf(fault)]: Math.round(nowMs) };
  return {
    labels: { [labelOf(resource)]: record ? 'held' : 'ended' },
    annotations: {
      ...(record ? {} : { [recordKey(resource)]: null }),
      [fencesKey(resource)]: JSON.stringify(fences),
    },
  };
}

/** Fences `fault`, which holds the slot, frees it, and keeps what it has written down for {@link remembered}. */
export function fenceAndRemember(slot: Slot, resource: string, fault: Fault<unknown>, nowMs: number): MetadataPatch {
  const { labels, annotations } = fence(slot, resource, fault, nowMs);
  const { installation, id, undo } = slot.record ?? {};
  return { labels, annotations: { ...annotations, [lastKey(resource)]: JSON.stringify({ installation, id, undo }) } };
}

/** What `fault` had written down when it was fenced; undefined where it was not the last one here. */
export function remembered({ annotations }: Metadata, resource: string, fault: Fault<unknown>): Last | undefined {
  const text = annotations[lastKey(resource)];
  const last = text === undefined ? undefined : lastSchema.parse(JSON.parse(text.slice(0, 2 * RECORD_MAX)));
  return last?.installation === fault.installation && last.id === fault.id ? last : undefined;
}

/** Fences `fault`, which goes on holding the slot until what it has done is undone as well. */
export function fenceHolder(slot: Slot, resource: string, fault: Fault<unknown>, nowMs: number): MetadataPatch {
  const { annotations } = fence(slot, resource, fault, nowMs);
  const { [recordKey(resource)]: _freed, ...fences } = annotations;
  return { labels: { [labelOf(resource)]: 'held' }, annotations: fences };
}

/** When a fault was fenced, in milliseconds since 1970; undefined where it was not. */
export function fencedAtMs({ fences }: Slot, fault: Fault<unknown>): number | undefined {
  return fences[keyOf(fault)];
}

/** Takes the last trace away, once every fence is old; undefined where one is not. */
export function forget(slot: Slot, resource: string, nowMs: number): MetadataPatch | undefined {
  if (slot.record !== undefined || Object.keys(living(slot.fences, nowMs)).length > 0) return undefined;
  return { labels: { [labelOf(resource)]: null }, annotations: unwritten(resource) };
}

/** Takes away whatever is written of `resource`. */
export function unwritten(resource: string): MetadataPatch['annotations'] {
  return { [recordKey(resource)]: null, [fencesKey(resource)]: null, [lastKey(resource)]: null };
}

/** Whether anything is written of `resource`. */
export function isWritten({ annotations }: Metadata, resource: string): boolean {
  return Object.keys(unwritten(resource)).some((key) => Object.hasOwn(annotations, key));
}

function living(fences: Fences, nowMs: number): Fences {
  return Object.fromEntries(Object.entries(fences).filter(([, atMs]) => nowMs - atMs < FENCE_MS));
}
