/**
 * Making readings.
 *
 * Owns the step from what a source said to a reading in canonical units. Nothing that is not a finite number passes.
 */
import type { Reading } from '../../domain/probe.ts';

/** A reading of `value`, in the source's unit, times `scale`. */
export function reading(value: number, scale: number): Reading {
  const scaled = value * scale;
  return Number.isFinite(scaled) ? { ok: true, value: scaled } : noData(`it read ${value}`);
}

/** No data, and why. */
export function noData(why: string): Reading {
  return { ok: false, why };
}

/** What a caught error says, in one bounded line. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replaceAll(/\s+/g, ' ').trim().slice(0, 200);
}
