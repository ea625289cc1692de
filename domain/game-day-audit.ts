/**
 * Which events of a game day are audited, and as what.
 *
 * Owns the table: what somebody's word begins, goes on with, or ends. What is learnt in a day is in its record alone. Pure.
 */
import { recordOf, signedBy } from './audit.ts';
import type { AuditRecord } from './audit.ts';
import type { GameDayEvent } from './game-day-events.ts';
import { eventKey } from './journal.ts';
import { formatDuration } from './units.ts';

/** What an event of `day` is audited as; undefined where it is not, or nobody did it. `hash`: SHA-256 of the day as parsed, in hex. */
export function auditOfDayEvent(day: string, event: GameDayEvent, hash?: string): AuditRecord | undefined {
  const why = wordsOf(event);
  const by = 'by' in event ? event.by : undefined;
  if (why === undefined || by === undefined) return undefined;
  const from = 'from' in event ? event.from : undefined;
  return recordOf({
    key: `game-day ${day} ${eventKey(event)}`,
    atMs: event.atMs,
    what: 'game-day',
    ...signedBy(by, from),
    why: `${day}: ${why}`,
    ...(hash === undefined ? {} : { hash }),
  });
}

function wordsOf(event: GameDayEvent): string | undefined {
  const scenario = 'scenario' in event && event.scenario !== undefined ? `scenario ${event.scenario + 1}` : 'the day';
  switch (event.type) {
    case 'called':
      return `called: ${event.gameDay.purpose}`;
    case 'begun':
      return 'begun';
    case 'scenario-begun':
      return `${scenario} approved`;
    case 'scenario-ended':
      return `${scenario} ${event.ending}: ${event.why}`;
    case 'paused':
      return `paused: ${event.why}`;
    case 'resumed':
      return 'resumed';
    case 'extended':
      return `${scenario} extended by ${formatDuration(event.byMs)}`;
    case 'day-ended':
      return `${event.ending}: ${event.why}`;
    default:
      return undefined;
  }
}
