/**
 * The logbook: a run's journal as the workflow writes it.
 *
 * Owns the numbering of events and their way to the journal, in the background and in order. Must never delay a revert:
 * writing is awaited at the start (no journal, no fault) and at the end, and nowhere between.
 */
import { CancellationScope, patched, sleep, workflowInfo } from '@temporalio/workflow';
import type { Recorded } from '../activities/interface.ts';
import type { Claim } from '../domain/identity.ts';
import type { JournalEntry, JournalEvent } from '../domain/journal.ts';
import { journal } from './proxies.ts';

/** Time between two tries of a journal that cannot be written for ten minutes, in milliseconds. */
const AGAIN_MS = 60_000;

/** Events kept for the story query; older samples and targets are in the journal only. */
export class Logbook {
  readonly #events: JournalEvent[] = [];
  #unwritten: JournalEvent[] = [];
  #writing: Promise<unknown> = Promise.resolve();
  #known = false;

  /** Whether the journal has been written. */
  get known(): boolean {
    return this.#known;
  }

  /** Adds an event at the workflow's time. */
  add(entry: JournalEntry): void {
    const stamp = { seq: this.#events.length, atMs: Date.now() };
    this.#unwritten.push({ ...stamp, ...entry });
    this.#events.push({ ...stamp, ...withoutBulk(entry) });
  }

  /** Events from `fromSeq` on, without samples and targets. */
  since(fromSeq: number): readonly JournalEvent[] {
    return this.#events.slice(fromSeq);
  }

  /** Writes what is unwritten; `startedBy` proves who started it. Rejects when the journal cannot be written, which at the start refuses the run. */
  async write(startedBy?: Claim): Promise<Recorded> {
    const events = this.#unwritten;
    this.#unwritten = [];
    const written = this.#writing
      .catch(() => undefined)
      .then(() =>
        journal(this.#known).record.executeWithOptions(
          { summary: `journal: ${summaryOf(events)}` },
          startedBy === undefined
            ? [workflowInfo().workflowId, events]
            : [workflowInfo().workflowId, events, startedBy],
        ),
      );
    this.#writing = written;
    try {
      const recorded = await written;
      this.#known = true;
      return recorded;
    } catch (failure) {
      // The next writing takes them along: they are in order by their numbers, whenever they arrive.
      this.#unwritten = [...events, ...this.#unwritten];
      throw failure;
    }
  }

  /** Writes in the background. What cannot be written for ten minutes is tried again with what comes next; the fault is not affected. */
  writeSoon(): void {
    if (this.#unwritten.length === 0) return;
    const again = async (): Promise<void> => {
      // Nothing else may come for a long time: a run that is stuck has nothing to say.
      await sleep(AGAIN_MS, { summary: 'before the journal is tried again' });
      this.writeSoon();
    };
    const write = (): Promise<unknown> =>
      this.write().catch(() => (patched('unwritten-is-tried-again') ? again().catch(() => undefined) : undefined));
    // Whatever a message begins in a run that was cancelled is cancelled too, and these events would be lost.
    if (CancellationScope.current().consideredCancelled && patched('abort-is-written'))
      CancellationScope.nonCancellable(write).catch(() => undefined);
    else write().catch(() => undefined);
  }

  /** Writes all that is left and waits for it, whether it succeeds or not. */
  async close(): Promise<void> {
    await this.write().catch(() => undefined);
    // A remark may have come meanwhile.
    if (this.#unwritten.length > 0 && patched('log-is-emptied')) await this.write().catch(() => undefined);
  }
}

/** Samples and targets are large, and nobody asks a running workflow for them. */
function withoutBulk(entry: JournalEntry): JournalEntry {
  if (entry.type === 'samples') return { ...entry, series: {} };
  return entry.type === 'stage-opened' ? { ...entry, targets: [] } : entry;
}

function summaryOf(events: readonly JournalEvent[]): string {
  const types = [...new Set(events.map((event) => event.type))];
  return types.length <= 4 ? types.join(', ') : `${types.slice(0, 4).join(', ')} …`;
}
