/** The journals of a game day's runs, as far as they can be read. */
import { JournalError } from '../activities/journal/store.ts';
import type { JournalStore } from '../activities/journal/store.ts';
import type { GameDayRecord } from '../domain/game-day-events.ts';
import type { Journal } from '../domain/journal.ts';

/** Of every run that the record names. A day whose run has a damaged journal has a report all the same, which says what it lacks. */
export async function journalsOf(store: JournalStore, { events }: GameDayRecord): Promise<readonly Journal[]> {
  const runs = new Set(events.flatMap((event) => (event.type === 'run' ? [event.run] : [])));
  const journals: Journal[] = [];
  for (const run of runs) journals.push(...(await journalOf(store, run)));
  return journals;
}

async function journalOf(store: JournalStore, run: string): Promise<readonly Journal[]> {
  try {
    const journal = await store.read(run);
    return journal ? [journal] : [];
  } catch (error) {
    if (error instanceof JournalError) return [];
    throw error;
  }
}
