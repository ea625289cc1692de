/**
 * Somebody else who uses the API server: reads one object again and again, and notes how long each answer takes.
 *
 * Owns its connection and its pace, which is too slow to matter.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { BareClient } from './bare.ts';

const EVERY_MS = 25;

/** Reads `path` until it is ended; the times of all answers in milliseconds. */
export function bystander(client: BareClient, path: string): { readonly end: () => Promise<number[]> } {
  const took: number[] = [];
  let over = false;
  const reading = (async () => {
    while (!over) {
      const fromMs = performance.now();
      await client.send('GET', path);
      took.push(performance.now() - fromMs);
      await sleep(EVERY_MS);
    }
  })();
  // Heard where it is ended.
  reading.catch(() => undefined);
  return {
    async end() {
      over = true;
      await reading;
      return took;
    },
  };
}

/** The 99th percentile by nearest rank; 0 of nothing. */
export function p99(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(0.99 * values.length) - 1)] ?? 0;
}
