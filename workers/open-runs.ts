/**
 * Open runs: which runs the metrics' gauges speak of.
 *
 * Owns the comparison of what this worker has heard with what Temporal says is open: a worker that was restarted takes up
 * the runs that hold, and a run that was terminated, which writes no end into its journal, is forgotten.
 */
import type { Client } from '@temporalio/client';
import type { JournalStore } from '../activities/journal/store.ts';
import type { RunMetrics } from './metrics.ts';

/** Time between two comparisons, in milliseconds. */
const EVERY_MS = 15_000;
/** Open runs taken into account; a server's list is bounded. */
const OPEN_MAX = 1_000;

/** Compares now, and then until it is stopped. A comparison that fails is made again next time. */
export function followOpenRuns(client: Client, metrics: RunMetrics, store: JournalStore): { stop(): void } {
  const openRuns = async (): Promise<Set<string>> => {
    const open = new Set<string>();
    const query = "WorkflowType = 'experiment' AND ExecutionStatus = 'Running'";
    for await (const { workflowId } of client.workflow.list({ query }))
      if (open.add(workflowId).size >= OPEN_MAX) break;
    return open;
  };
  const journal = async (run: string): ReturnType<Parameters<RunMetrics['compare']>[1]> =>
    (await store.read(run))?.events ?? [];
  let comparing = false;
  const compare = (): void => {
    if (comparing) return;
    comparing = true;
    metrics
      .compare(openRuns, journal)
      .catch(() => undefined)
      .finally(() => (comparing = false));
  };
  compare();
  const timer = setInterval(compare, EVERY_MS);
  return { stop: () => clearInterval(timer) };
}
