/**
 * The logbook: a run's journal, or a game day's record, as the workflow writes it.
 *
 * Owns the numbering of events and their way to the journal, in the background and in order. Must never delay a revert:
 * writing is awaited at the start (no journal, no fault) and at the end, and nowhere between.
 */
import { CancellationScope, patched, sleep, workflowInfo } from '@temporalio/workflow';
import type { Recorded } from '../activities/interface.ts';
import type { Claim } from '../domain/identity.ts';
import type { JournalEntry } from '../domain/journal.ts';
import { journal } from './proxies.ts';

/** Time between two tries of a journal that cannot be written for ten minutes, in milliseconds. */
const AGAIN_MS = 60_000;

/** An entry, with its number and its time. */
export type Logged<Entry> = { readonly seq: number; readonly atMs: number } & Entry;

/** Where a logbook is written, and what of an entry is kept for whoever asks a workflow for its story. */
export interface Keeping<Entry, Answer> {
  /** `known`: whether it has been written before. */
  readonly write: (
    events: readonly Logged<Entry>[],
    how: { readonly known: boolean; readonly summary: string },
    startedBy?: Claim,
  ) => Promise<Answer>;
  readonly thin: (entry: Entry) => Entry;
}

/** A run's. */
export function runLogbook(): Logbook<JournalEntry, Recorded> {
  const { workflowId } = workflowInfo();
  return new Logbook({
    write: (events, { known, summary }, startedBy) =>
      journal(known).record.executeWithOptions(
        { summary: `journal: ${summary}` },
        startedBy === undefined ? [workflowId, events] : [workflowId, events, startedBy],
      ),
    thin: withoutBulk,
  });
}

/** Events kept for the story query; older samples and targets are in the journal only. */
export class Logbook<Entry extends { readonly type: string }, Answer> {
  readonly #keeping: Keeping<Entry, Answer>;
  readonly #events: Logged<Entry>[] = [];
  #unwritten: Logged<Entry>[] = [];
  #writing: Promise<unknown> = Promise.resolve();
  #known = false;

  constructor(keeping: Keeping<Entry, Answer>) {
    this.#keeping = keeping;
  }

  /** Whether the journal has been written. */
  get known(): boolean {
    return this.#known;
  }

  /** Adds an event at the workflow's time. */
  add(entry: Entry): Logged<Entry> {
    const stamp = { seq: this.#events.length, atMs: Date.now() };
    const event = { ...stamp, ...entry };
    this.#unwritten.push(event);
    this.#events.push({ ...stamp, ...this.#keeping.thin(entry) });
    return event;
  }

  /** Events from `fromSeq` on, without samples and targets. */
  since(fromSeq: number): readonly Logged<Entry>[] {
    return this.#events.slice(fromSeq);
  }

  /** Writes what is unwritten; `startedBy` proves who started it. Rejects when the journal cannot be written, which at the start refuses the run. */
  async write(startedBy?: Claim): Promise<Answer> {
    const events = this.#unwritten;
    this.#unwritten = [];
    const written = this.#writing
      .catch(() => undefined)
      .then(() => this.#keeping.write(events, { known: this.#known, summary: summaryOf(events) }, startedBy));
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

function summaryOf(events: readonly { readonly type: string }[]): string {
  const types = [...new Set(events.map((event) => event.type))];
  return types.length <= 4 ? types.join(', ') : `${types.slice(0, 4).join(', ')} …`;
}
