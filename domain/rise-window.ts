/**
 * How far a running total rose within a sliding window, in bounded memory.
 *
 * Owns a ring of {@link SLOTS} slots of equal length. The oldest slot counts whole as long as any of it is inside the
 * window, so a rise is over-counted by at most one slot (a twelfth of the window) and never missed.
 */

/** Slots a window is divided into; one more is kept, the one that is only partly inside. */
const SLOTS = 12;
/** Significant digits of a slot's rise: keeps the state small whatever the total counts. */
const DIGITS = 9;

/** The rises seen, oldest first; plain JSON. */
export interface RiseWindow {
  /** The running total as last read; null before the first reading, which is where counting starts. */
  readonly total: number | null;
  /** The number of the newest slot since the Unix epoch. */
  readonly slot: number;
  /** The rise in each slot, the newest last, at most {@link SLOTS} + 1. */
  readonly rises: readonly number[];
}

/** A window before the first reading. */
export const NEW_WINDOW: RiseWindow = { total: null, slot: 0, rises: [] };

/** The window after the total was read as `total` at `atMs`. A total that fell was reset, and has risen from zero since. */
export function addTotal(window: RiseWindow, total: number, atMs: number, withinMs: number): RiseWindow {
  const slotNow = Math.floor(atMs / Math.max(1, withinMs / SLOTS));
  if (window.total === null) return { total, slot: slotNow, rises: [0] };
  const rise = total >= window.total ? total - window.total : Math.max(0, total);
  // A clock that was set back leaves the newest slot the newest.
  const slot = Math.max(slotNow, window.slot);
  const passed = Math.min(SLOTS + 1, slot - window.slot);
  const rises = [...window.rises, ...Array.from({ length: passed }, () => 0)].slice(-(SLOTS + 1));
  const newest = (rises.pop() ?? 0) + rise;
  return { total, slot, rises: [...rises, Number(newest.toPrecision(DIGITS))] };
}

/** The rise within the window, as of its newest reading. */
export function riseWithin({ rises }: RiseWindow): number {
  return rises.reduce((sum, rise) => sum + rise, 0);
}
