/**
 * How many requests the bare client should make at once, and what that costs somebody else.
 *
 * Owns the choice: the fastest of a few. What a bystander waits meanwhile says what any client could do for it on this machine.
 */
import { timed } from './bare.ts';
import type { BareClient } from './bare.ts';
import { bystander, p99 } from './bystander.ts';

const TRIED = [1, 2, 4, 8, 16, 32, 64];

/** So many requests at once: how long all took, and the 99th percentile of a bystander's read meanwhile, in milliseconds. */
export interface AtOnce {
  readonly atOnce: number;
  readonly tookMs: number;
  readonly bystanderMs: number;
}

/** Tries each number on `paths`, while a bystander reads the first of them. */
export async function tryAtOnce(paths: readonly string[], client: BareClient): Promise<readonly AtOnce[]> {
  const tried = [];
  for (const atOnce of TRIED) {
    const watched = bystander(client, paths[0] ?? '');
    const tookMs = await timed(paths, atOnce, client.writing('tried')).finally(() => watched.end().catch(() => []));
    tried.push({ atOnce, tookMs, bystanderMs: p99(await watched.end()) });
  }
  return tried;
}

/** The number with which they were the fastest. */
export function fastest(tried: readonly AtOnce[]): number {
  return tried.reduce((best, one) => (one.tookMs < best.tookMs ? one : best)).atOnce;
}
