/** Histories as the server keeps them: how long they are, and how large their largest payload is. */
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

/** Of some runs the fewest events: answers that come together share a workflow task, or each have their own three events. */
export function fewest(weights: readonly RunWeight[]): { readonly run: number; readonly lease: number } {
  return {
    run: Math.min(...weights.map(({ run }) => run.events)),
    lease: Math.min(...weights.map(({ lease }) => lease.events)),
  };
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
