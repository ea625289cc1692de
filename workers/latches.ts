/**
 * Latches that are gone: emergency stops that somebody ended in Temporal instead of resuming.
 *
 * Owns the looking for them, so that the audit has an end to every stop. Such an end frees everything at once and asks nobody:
 * all that can be done is to say so.
 */
import type { Client } from '@temporalio/client';
import type { JournalStore } from '../activities/journal/store.ts';
import { reasonOf } from '../activities/probes/reading.ts';
import { ticks } from '../activities/watch.ts';
import { auditOfLostStop } from '../domain/audit-events.ts';
import { stopOf } from '../domain/emergency-stop.ts';

/** Time between two looks, in milliseconds. */
const EVERY_MS = 60_000;
/** A release completes its latch; a cancel is not heeded by it, and stands here for one that nobody served. */
const GONE = "WorkflowType = 'emergencyStop' AND ExecutionStatus IN ('Terminated', 'Failed', 'Canceled', 'TimedOut')";

/** Looks now, and then until it is stopped. Several workers may look: each latch is audited once. */
export function followLatches(client: Client, store: JournalStore, log: (line: string) => void): { stop(): void } {
  const stopped = new AbortController();
  const known = new Set<string>();
  const follow = async (): Promise<void> => {
    let told = '';
    for await (const _ of ticks(EVERY_MS, stopped.signal)) {
      const problem = await look(client, store, known).then(
        () => '',
        (error: unknown) => `an emergency stop that was ended in Temporal cannot be audited: ${reasonOf(error)}`,
      );
      if (problem !== '' && problem !== told && !stopped.signal.aborted) log(problem);
      told = problem;
    }
  };
  void follow();
  return { stop: () => stopped.abort() };
}

async function look(client: Client, store: JournalStore, known: Set<string>): Promise<void> {
  for await (const { workflowId, runId, status, closeTime } of client.workflow.list({ query: GONE })) {
    const stop = stopOf(workflowId);
    if (!stop || closeTime === undefined || known.has(runId)) continue;
    const how = status.name.toLowerCase().replaceAll('_', ' ');
    await store.audit.append([auditOfLostStop(`${workflowId} ${runId}`, stop.site, how, closeTime.getTime())]);
    known.add(runId);
  }
}
