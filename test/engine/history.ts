/** Histories as the server keeps them: how long they are, and how large their largest payload is. */
import type { Client } from '@temporalio/client';

/** What one workflow's history weighs. */
export interface Weight {
  readonly events: number;
  /** The largest single payload, in bytes. */
  readonly largest: number;
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
