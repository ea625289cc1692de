/** Histories as the server keeps them: how long they are, and how large their largest payload is. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Client } from '@temporalio/client';

/** The types of a workflow task's events: scheduled, started, completed, timed out, failed. */
const TASKS: ReadonlySet<number> = new Set([5, 6, 7, 8, 9]);

/** The most events of a run of five stages, as `docs/bench.md` counts them, and the most that are not of workflow tasks. */
const EVENTS_MAX = 250;
const BARE_MAX = 120;

/** What one workflow's history weighs. */
export interface Weight {
  readonly events: number;
  /** How many of them are of workflow tasks. */
  readonly ofTasks: number;
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
    ...(weights.toSorted((one, other) => other.events - one.events)[0] as Weight),
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
 * the same run does not weigh the same twice: with its workflow tasks what the runs weigh must be within five of each other. Without
 * them whoever was missed or asked anew only adds to a run: the lightest of the long must be within five of the lightest of the short.
 */
export function assertFlat(t: TestContext, short: Held, long: Held): void {
  for (const what of ['run', 'lease'] as const) {
    const of = ({ weights }: Held, count: (weight: Weight) => number): number[] =>
      weights.map((one) => count(one[what]));
    const all = [short, long].map((held) => of(held, ({ events }) => events)) as [number[], number[]];
    const bare = [short, long].map((held) => of(held, ({ events, ofTasks }) => events - ofTasks)) as [
      number[],
      number[],
    ];
    const words = ([few, many]: [number[], number[]]): string =>
      `${range(few)} in ${short.held}, ${range(many)} in ${long.held}`;
    const found = `${what}: events ${words(all)}; without workflow tasks ${words(bare)}`;
    t.diagnostic(found);
    const within = (few: readonly number[], many: readonly number[]): boolean =>
      Math.min(...many) - Math.max(...few) <= 5 && Math.min(...few) - Math.max(...many) <= 5;
    assert.ok(within(...all), found);
    const [few, many] = bare.map((counts) => Math.min(...counts)) as [number, number];
    assert.ok(Math.abs(many - few) <= 5, found);
    assert.ok(Math.min(...all[1]) <= EVENTS_MAX, found);
    assert.ok(Math.max(few, many) <= BARE_MAX, found);
  }
}

function range(counts: readonly number[]): string {
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  return least === most ? `${least}` : `${least} to ${most}`;
}

/** The history of a run, or of a lease. */
export async function weigh(client: Client, workflowId: string): Promise<Weight> {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  const tasks = (events ?? []).filter(({ eventType }) => TASKS.has(Number(eventType)));
  return { events: events?.length ?? 0, ofTasks: tasks.length, largest: Math.max(0, ...payloads(events ?? [])) };
}

/** Bytes of every payload anywhere in `value`. */
function payloads(value: unknown): number[] {
  if (value instanceof Uint8Array) return [value.length];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(payloads);
}
