/** Histories as the server keeps them: how long they are, and how large their largest payload is. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Client } from '@temporalio/client';

/** What one workflow's history weighs. */
export interface Weight {
  readonly events: number;
  /** The largest single payload, in bytes. */
  readonly largest: number;
}

/** What a run's history weighs, and what the heaviest of its leases' does. */
export interface RunWeight {
  readonly run: Weight;
  readonly lease: Weight;
}

/** The histories of a run that has ended and of its leases, one a stage. */
export async function weighRun(client: Client, run: string, stages: number): Promise<RunWeight> {
  const leases = Array.from({ length: stages }, (_, i) => `${run}/stage-${i + 1}`);
  // A run ends when its leases have reverted, a moment before they end. One after the other: a server that skips time
  // does so for one caller at a time.
  for (const lease of leases) await client.workflow.getHandle(lease).result();
  const weights = await Promise.all(leases.map((lease) => weigh(client, lease)));
  const lease = {
    events: Math.max(...weights.map(({ events }) => events)),
    largest: Math.max(...weights.map(({ largest }) => largest)),
  };
  return { run: await weigh(client, run), lease };
}

/** Events, in words, of runs that were held for a time. */
export interface Held {
  readonly weights: readonly RunWeight[];
  /** `10 s`. */
  readonly held: string;
}

/**
 * Asserts that time adds no events. Answers that come together share a workflow task, or each have their own three events, so
 * the same run does not weigh the same twice; the median of some does, within five.
 */
export function assertFlat(t: TestContext, short: Held, long: Held): void {
  for (const what of ['run', 'lease'] as const) {
    const [few, many] = [short, long].map(({ weights }) => weights.map((weight) => weight[what].events)) as [
      number[],
      number[],
    ];
    const found = `${what}: ${range(few)} events in ${short.held}, ${range(many)} in ${long.held}`;
    t.diagnostic(found);
    assert.ok(Math.abs(median(many) - median(few)) <= 5, found);
    assert.ok(Math.max(...many) <= 250, found);
  }
}

function median(counts: readonly number[]): number {
  return counts.toSorted((a, b) => a - b)[Math.floor(counts.length / 2)] ?? NaN;
}

function range(counts: readonly number[]): string {
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  return least === most ? `${least}` : `${least} to ${most}`;
}

/** The history of a run, or of a lease. */
export async function weigh(client: Client, workflowId: string): Promise<Weight> {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  return { events: events?.length ?? 0, largest: Math.max(0, ...payloads(events ?? [])) };
}

/** Bytes of every payload anywhere in `value`. */
function payloads(value: unknown): number[] {
  if (value instanceof Uint8Array) return [value.length];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(payloads);
}
