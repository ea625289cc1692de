/** A game day's way into the audit. What is audited at all is a table in `domain/game-day-audit.ts`. */
import { createHash } from 'node:crypto';
import { auditOfDayEvent } from '../../domain/game-day-audit.ts';
import type { GameDayEvent } from '../../domain/game-day-events.ts';
import type { JournalStore } from '../journal/store.ts';

/** Audits those of a day's events that are somebody's doing. `store` has the events already. */
export async function auditDay(
  store: Pick<JournalStore, 'days' | 'audit'>,
  day: string,
  events: readonly GameDayEvent[],
): Promise<void> {
  const audited = events.filter((event) => auditOfDayEvent(day, event) !== undefined);
  if (audited.length === 0) return;
  const hash = hashIn(events) ?? hashIn((await store.days.read(day))?.events ?? []);
  const records = audited.map((event) => auditOfDayEvent(day, event, hash));
  await store.audit.append(records.filter((record) => record !== undefined));
}

/** SHA-256 of the day as it was called, in hex. */
function hashIn(events: readonly GameDayEvent[]): string | undefined {
  const called = events.find((event) => event.type === 'called');
  return called && createHash('sha256').update(JSON.stringify(called.gameDay)).digest('hex');
}
