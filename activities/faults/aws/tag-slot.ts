/**
 * The slot of a resource, in its tags: which fault holds it, how it was before, and which faults may never be put on it again.
 *
 * Owns the tags in which it is written. Pure. Tags have no compare-and-swap: `docs/decisions/018` says what is done without one.
 * Times are AWS's.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { z } from 'zod';
import type { Fault } from '../../../domain/fault.ts';
import { targetKey } from '../../../domain/target-key.ts';

/** Tags by key. */
export type Tags = Readonly<Record<string, string>>;
/** What is to be written: null takes a tag away. */
export type TagPatch = Readonly<Record<string, string | null>>;

/** The kind of the fault that holds a resource: what carries it is found by it. */
export const FAULT = 'squall:fault';
/** When the sweep may end the fault. */
export const EXPIRES = 'squall:expires';
const ORIGINAL = 'squall:original';
const ENDED = 'squall:ended-';
/** How the keys of a slot begin. */
const KEYS = [FAULT, EXPIRES, ORIGINAL, ENDED];

/** A tag's value has at most this many characters: https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html */
const VALUE_MAX = 256;
/** A resource has at most this many tags (the same page). */
const TAGS_MAX = 50;
/** The most characters a record is inflated to. */
const RECORD_MAX = 32_768;
/** Fences are kept this long, in milliseconds: no attempt of an activity can be alive after it. */
const FENCE_MS = 3_600_000;
/** The same where something is to heal after the fault: whether it has is asked until it has. */
const LEFT_MS = 86_400_000;

const recordSchema = z.object({
  /** Whose record it is: tags are copied, by whoever launches more like this one. */
  target: z.string(),
  installation: z.string(),
  id: z.string(),
  run: z.string(),
  params: z.unknown(),
  /** How the resource was, as the fault's driver has written it. */
  undo: z.unknown(),
  ttlMs: z.number(),
  notAfterMs: z.number(),
  /** When the fault may be swept at the latest, in milliseconds since 1970. */
  endsMs: z.number(),
});

/** A fault that holds a resource. */
export interface TagRecord extends z.infer<typeof recordSchema> {
  readonly kind: string;
  /** When the fault may be swept, in milliseconds since 1970. */
  readonly expiresMs: number;
}

/** A fault that was ended. */
interface Fence {
  /** In milliseconds since 1970; undefined where that cannot be read. */
  readonly atMs: number | undefined;
  /** What is to heal still, as its driver has written it. */
  readonly left: unknown;
}

/** What is written on one resource. */
export interface TagSlot {
  readonly record: TagRecord | undefined;
  readonly fences: ReadonlyMap<string, Fence>;
  /** The slot's keys that are there. */
  readonly written: readonly string[];
  /** How many tags the resource has besides. */
  readonly others: number;
  /** The time that a late renewal has written where nothing is held, in milliseconds since 1970. */
  readonly strayMs?: number;
}

/** What a fault is called in a key. */
export const keyOf = ({ installation, id }: Pick<Fault<unknown>, 'installation' | 'id'>): string =>
  targetKey(`${installation} ${id}`);

/** Reads the slot of `name`. Throws where it cannot be read: somebody has changed it by hand. */
export function readTagSlot(tags: Tags, name: string): TagSlot {
  const written = Object.keys(tags).filter((key) => KEYS.some((known) => key.startsWith(known)));
  const fences = new Map(
    written
      .filter((key) => key.startsWith(ENDED))
      .map((key): [string, Fence] => [key.slice(ENDED.length), readFence(tags[key] ?? '')]),
  );
  const others = Object.keys(tags).length - written.length;
  const kind = tags[FAULT];
  const strayMs = Date.parse(tags[EXPIRES] ?? '');
  if (kind === undefined)
    return { record: undefined, fences, written, others, ...(Number.isFinite(strayMs) ? { strayMs } : {}) };
  try {
    const packed = originalKeys(written)
      .map((key) => tags[key] ?? '')
      .join('');
    // Of which nobody can say when it ends is over.
    const expiresMs = z.iso.datetime().transform(Date.parse).catch(0).parse(tags[EXPIRES]);
    return { record: { ...recordSchema.parse(unpack(packed)), kind, expiresMs }, fences, written, others };
  } catch (error) {
    throw new Error(
      `${name} is held by ${kind}, but how it was cannot be read from its tags ${ORIGINAL}…; make it as it should be, and take its squall: tags away`,
      { cause: error },
    );
  }
}

/** It is one by its key, whatever it says. */
function readFence(value: string): Fence {
  try {
    const [at = '', left] = value.split(' ');
    const atMs = z.iso.datetime().transform(Date.parse).parse(at);
    return { atMs, left: left === undefined ? undefined : unpack(left) };
  } catch {
    return { atMs: undefined, left: undefined };
  }
}

/** `squall:original`, `squall:original-2` and so on, in their order. */
function originalKeys(written: readonly string[]): string[] {
  const number = (key: string): number => Number(key.slice(ORIGINAL.length + 1) || 1);
  return written.filter((key) => key.startsWith(ORIGINAL)).toSorted((a, b) => number(a) - number(b));
}

/** Not every service takes every character in a tag, so it is base64url. */
function pack(what: unknown): string {
  return deflateRawSync(JSON.stringify(what)).toString('base64url');
}

function unpack(packed: string): unknown {
  return JSON.parse(inflateRawSync(Buffer.from(packed, 'base64url'), { maxOutputLength: RECORD_MAX }).toString());
}

/** Whether this very fault holds the slot. */
export function isTaggedBy({ record }: TagSlot, { installation, id }: Fault<unknown>): boolean {
  return record?.installation === installation && record.id === id;
}

/** Why `fault` holds the slot no longer; undefined where it does, and has time left. */
export function whyNotHeld(slot: TagSlot, fault: Fault<unknown>, nowMs: number): string | undefined {
  if (fenceOf(slot, fault) !== undefined) return 'it was ended';
  if (slot.record === undefined || !isTaggedBy(slot, fault)) return 'its record is not on the resource';
  return slot.record.expiresMs <= nowMs ? 'its time was over' : undefined;
}

/** When a fault was ended and what of it is to heal; undefined where it was not. */
export function fenceOf({ fences }: TagSlot, fault: Fault<unknown>): Fence | undefined {
  return fences.get(keyOf(fault));
}

/** Takes the slot for `fault`, put on now. Throws where there is no room for the record, and for a fence after it. */
export function takeSlot(slot: TagSlot, kind: string, fault: Fault<unknown>, undo: unknown, nowMs: number): TagPatch {
  const { target, installation, id, run, params, ttlMs, notAfterMs } = fault;
  const endsMs = nowMs + notAfterMs;
  const record = { target, installation, id, run, params, undo, ttlMs, notAfterMs, endsMs };
  return written(slot, kind, record, nowMs + Math.min(ttlMs, notAfterMs));
}

/** Writes `undo` in place of what the record has, as long as the fault holds the slot. */
export function rewriteUndo(slot: TagSlot, undo: unknown): TagPatch {
  const { record } = slot;
  if (record === undefined) throw new Error('nothing is held');
  const { kind, expiresMs, ...kept } = record;
  return written(slot, kind, { ...kept, undo }, expiresMs);
}

function written(slot: TagSlot, kind: string, record: z.infer<typeof recordSchema>, expiresMs: number): TagPatch {
  const packed = pack(record);
  const chunks = Array.from({ length: Math.ceil(packed.length / VALUE_MAX) }, (_, i) =>
    packed.slice(i * VALUE_MAX, (i + 1) * VALUE_MAX),
  );
  const originals = chunks.map((chunk, i): [string, string] => [i === 0 ? ORIGINAL : `${ORIGINAL}-${i + 1}`, chunk]);
  const stale = originalKeys(slot.written).filter((key) => !originals.some(([kept]) => kept === key));
  const count = slot.others + slot.fences.size + originals.length + 2;
  if (count + 1 > TAGS_MAX)
    throw new Error(
      `it has ${slot.others} tags of its own, and the undo record takes ${originals.length + 3} of the ${TAGS_MAX} that AWS allows`,
    );
  return {
    ...Object.fromEntries(stale.map((key) => [key, null])),
    ...Object.fromEntries(originals),
    [FAULT]: kind,
    [EXPIRES]: iso(expiresMs),
  };
}

/** Moves the time at which the fault may be swept; the same patch does for all faults of one time-to-live. */
export function moveExpiry(expiresMs: number): TagPatch {
  return { [EXPIRES]: iso(expiresMs) };
}

/** Fences `fault`, which goes on holding the slot where it does; `left` is what is to heal after it. Old fences make room. */
export function fenceSlot(slot: TagSlot, fault: Fault<unknown>, nowMs: number, left?: unknown): TagPatch {
  const value = `${iso(nowMs)}${left === undefined ? '' : ` ${pack(left)}`}`;
  if (value.length > VALUE_MAX) throw new Error(`what is to heal does not fit into a tag of ${VALUE_MAX} characters`);
  return { ...oldFences(slot, nowMs), [`${ENDED}${keyOf(fault)}`]: value };
}

/** Frees the slot; fences stay. */
export function freeSlot(slot: TagSlot): TagPatch {
  const held = [FAULT, EXPIRES, ...originalKeys(slot.written)].filter((key) => slot.written.includes(key));
  return Object.fromEntries(held.map((key) => [key, null]));
}

/** Takes away what is ours and of no use any more: old fences, and a time that a late renewal has written. Empty where nothing is. */
export function tidySlot(slot: TagSlot, nowMs: number): TagPatch {
  const { record, strayMs = 0 } = slot;
  // Not sooner than a fence: whoever takes the slot in this moment would lose its record with it.
  const stray = record === undefined && nowMs - strayMs >= FENCE_MS ? freeSlot(slot) : {};
  return { ...stray, ...oldFences(slot, nowMs) };
}

function oldFences({ fences }: TagSlot, nowMs: number): TagPatch {
  const isOld = ({ atMs = nowMs, left }: Fence): boolean => nowMs - atMs >= (left === undefined ? FENCE_MS : LEFT_MS);
  const old = [...fences].filter(([, fence]) => isOld(fence));
  return Object.fromEntries(old.map(([key]) => [`${ENDED}${key}`, null]));
}

function iso(ms: number): string {
  return new Date(Math.round(ms)).toISOString();
}
