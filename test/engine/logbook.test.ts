/** A journal that is away in mid-run loses nothing of the run: on the time-skipping server, since it is waited for, for minutes. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { activityInfo } from '@temporalio/activity';
import type { JournalEvent } from '../../domain/journal.ts';
import type { RunResult, Story } from '../../workflows/messages.ts';
import { Skipping } from './skipping.ts';

const MINUTE_MS = 60_000;

/** The journal of one run: what it took, and what it could not take. */
interface Book {
  /** The writings that find no journal, counted from the first of the run. */
  readonly away: readonly number[];
  /** Writings in their order. Each is tried again for ten minutes. */
  readonly writings: string[];
  readonly taken: { readonly writing: number; readonly events: readonly JournalEvent[] }[];
  readonly refused: Map<number, readonly JournalEvent[]>;
}

describe('a journal that is away', () => {
  const books = new Map<string, Book>();
  let skipping: Skipping;
  const record = (run: string, events: readonly JournalEvent[]): unknown => {
    const { away, writings, taken, refused } = books.get(run) ?? assert.fail(run);
    const { activityId } = activityInfo();
    if (!writings.includes(activityId)) writings.push(activityId);
    const writing = writings.indexOf(activityId);
    if (away.includes(writing)) {
      refused.set(writing, events);
      throw new Error('the disk is full');
    }
    taken.push({ writing, events });
    return { searchAttributes: false };
  };
  before(async () => (skipping = await Skipping.open({ record })));
  after(() => skipping.close());

  /** The book of a run that ended, once everything that the run says of itself was found in it. */
  async function kept(run: string, holdMs: number, away: readonly number[]): Promise<Book> {
    const book: Book = { away, writings: [], taken: [], refused: new Map() };
    books.set(run, book);
    const handle = await skipping.start(run, [1, 2], holdMs);
    const { status, reason } = (await handle.result()) as RunResult;
    // The stub of a watch sees nothing.
    assert.deepEqual([status, reason], ['inconclusive', 'stage 1 was watched for only 0% of its hold']);
    assert.deepEqual([...book.refused.keys()], away, 'it was away');
    const { events } = await handle.query<Story, [number]>('story', 0);
    const inJournal = book.taken.flatMap(({ events: some }) => some.map(({ seq, type }) => `${seq} ${type}`));
    assert.deepEqual(
      inJournal.toSorted((one, other) => Number.parseInt(one) - Number.parseInt(other)),
      events.map(({ seq, type }) => `${seq} ${type}`),
      'each event is there, and once',
    );
    return book;
  }

  it('for ten minutes gets what it missed a minute later, although nothing more is said', async () => {
    // The first writing is the beginning, without which there is no fault; the second says that a stage is held.
    const { taken, refused } = await kept('missed', 60 * MINUTE_MS, [1]);
    const missed = refused.get(1) ?? assert.fail();
    const next = taken.find(({ writing }) => writing === 2) ?? assert.fail();
    assert.deepEqual(next.events, missed, 'the writing after it is of the same events');
  });

  it('for half an hour gets all of it', async () => {
    const { refused } = await kept('long', 60 * MINUTE_MS, [1, 2, 3]);
    assert.deepEqual(refused.get(3), refused.get(1));
  });

  it('until the run ends gets what it missed with the end', async () => {
    const { taken, refused } = await kept('end', MINUTE_MS, [1]);
    const missed = refused.get(1)?.map(({ seq }) => seq) ?? assert.fail();
    const last = taken.at(-1)?.events.map(({ seq }) => seq) ?? [];
    assert.ok(
      missed.every((seq) => last.includes(seq)),
      `${missed.join()} are not all in ${last.join()}`,
    );
  });
});
