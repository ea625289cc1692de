/**
 * What Squall writes into objects, as the observer reads it: traces of faults, fences, and until when something is kept.
 *
 * Owns how these are read and made old. Pure, and nothing of Squall's own reading.
 */
import type { Live } from './api.ts';

/** Older than anything is kept that waits for its time, in milliseconds. */
const OLD_MS = 2 * 3_600_000;
/** Whatever is written of these, which nobody has to renew. */
const HEALING = ['squall/kill', 'squall/restart'];

/** What an object says of ours, in words; fences are not meant, nor what is kept with them of a fault that heals. */
export function traces({ metadata: { annotations = {}, labels = {} } }: Live): string[] {
  const noted = Object.keys(annotations).filter((key) => key.startsWith('squall/') && !/-(?:ended|last)$/.test(key));
  const labelled = Object.entries(labels).filter(([key, value]) => key.startsWith('squall/') && value !== 'ended');
  return [...noted.map((key) => `annotation ${key}`), ...labelled.map(([key, value]) => `label ${key}=${value}`)];
}

/** All that is written of ours. */
export function keysOf({ metadata: { annotations = {}, labels = {} } }: Live): string[] {
  return [...Object.keys(annotations), ...Object.keys(labels)].filter((key) => key.startsWith('squall/'));
}

/** Whether what is written of a fault that heals is not yet to be swept: nobody renews it, so it is kept until the last moment at which its run can end. */
export function isKept({ metadata: { annotations = {} } }: Live): boolean {
  return HEALING.some((key) => (recordOf(annotations[key])?.expiresMs ?? 0) > Date.now());
}

/** When a fault is to be swept, as its record has it. */
function recordOf(text = 'null'): { readonly expiresMs: number } | null {
  return JSON.parse(text) as { readonly expiresMs: number } | null;
}

/** What makes everything written of ours that waits for its time old: fences, and faults that heal. */
export function aged({ metadata: { annotations = {} } }: Live): Record<string, string> {
  const beforeMs = Date.now() - OLD_MS;
  const old = Object.entries(annotations).flatMap(([key, text]): [string, string][] => {
    if (!key.startsWith('squall/')) return [];
    if (key.endsWith('-ended')) {
      const fences = JSON.parse(text) as Record<string, number>;
      const isOld = Object.values(fences).every((atMs) => atMs <= beforeMs);
      return isOld ? [] : [[key, JSON.stringify(Object.fromEntries(Object.keys(fences).map((of) => [of, beforeMs])))]];
    }
    const record = HEALING.includes(key) ? recordOf(text) : null;
    return record === null || record.expiresMs <= beforeMs
      ? []
      : [[key, JSON.stringify({ ...record, expiresMs: beforeMs, endsMs: beforeMs })]];
  });
  return Object.fromEntries(old);
}
