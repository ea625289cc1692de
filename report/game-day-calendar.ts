/**
 * The calendar of a game day: an iCalendar (RFC 5545) of the day and of each of its scenarios.
 *
 * Owns what is invited to, and whom. All times are instants in UTC, so that each calendar shows them on its own wall clock and none has to
 * be told when clocks are changed.
 */
import ical, { ICalAttendeeRole } from 'ical-generator';
import type { ICalEvent } from 'ical-generator';
import type { GameDay, Roles } from '../domain/game-day.ts';
import { exactDuration, nameAndAsked } from '../domain/game-day-words.ts';

/** What is not in the document. */
export interface CalendarOptions {
  /** When it is written, in milliseconds since the Unix epoch. */
  readonly nowMs: number;
  /** Where people who are named without an address have theirs. Without one they get an address that leads nowhere. */
  readonly mailDomain?: string;
}

/** Whoever is named so is told of by a calendar, and reached by nobody: `.invalid` is no domain, by RFC 2606. */
const NOWHERE = 'people.invalid';

/** The calendar of a day that is planned; undefined of one that is begun whenever it is. */
export function gameDayCalendar(day: GameDay, { nowMs, mailDomain }: CalendarOptions): string | undefined {
  const { planned } = day;
  if (planned === undefined) return undefined;
  const calendar = ical({
    name: `Game day ${day.name}`,
    prodId: { company: 'squall', product: 'game-day', language: 'EN' },
  });
  const add = (id: string, offsetMs: number, lastsMs: number, summary: string, description: string): void => {
    const startMs = planned.atMs + offsetMs;
    const event = calendar.createEvent({
      // The same at each writing, so that a calendar that has it already is brought up to date.
      id: `${id}.${day.name}@${day.site}.squall`,
      stamp: new Date(nowMs),
      start: new Date(startMs),
      end: new Date(startMs + lastsMs),
      summary,
      description: plain(description),
      organizer: personOf(day.roles.commander, mailDomain),
    });
    invite(event, day.roles, mailDomain);
  };
  add('day', 0, day.durationMs, `Game day ${day.name}`, [day.purpose, day.briefing].filter(Boolean).join('\n\n'));
  for (const { name, offsetMs, timeoutMs, expected, criteria } of day.scenarios) {
    const asked = criteria.map((criterion) => `- ${nameAndAsked(criterion)}`);
    const description = `${expected}\n\nMet when:\n${asked.join('\n')}\n\nTakes at most ${exactDuration(timeoutMs)}.`;
    add(`scenario.${name}`, offsetMs, timeoutMs, `${day.name}: ${name}`, description);
  }
  return `${calendar.toString()}\r\n`;
}

/** Everybody once, by the first of their roles. */
function invite(event: ICalEvent, { commander, scribe, communications, observers }: Roles, domain?: string): void {
  const roles = new Map<string, string[]>();
  const named = [
    [commander, 'commander'],
    [scribe, 'scribe'],
    [communications, 'communications'],
  ] as const;
  for (const [name, role] of [...named, ...observers.map((one) => [one, 'observer'] as const)])
    if (name !== undefined) roles.set(name, [...(roles.get(name) ?? []), role]);
  for (const [name, held] of roles) {
    const { email } = personOf(name, domain);
    const role = held.includes('commander') ? ICalAttendeeRole.CHAIR : ICalAttendeeRole.REQ;
    event.createAttendee({ name: `${name} (${held.join(', ')})`, email, role, rsvp: true });
  }
}

function personOf(name: string, domain = NOWHERE): { readonly name: string; readonly email: string } {
  const isAddress = /^[^\s@,;:]+@[^\s@,;:]+\.[^\s@,;:]+$/.test(name);
  return { name, email: isAddress ? name : `${encodeURIComponent(name)}@${domain}` };
}

/** The text with its lines, and without any other control character. */
function plain(text: string): string {
  return text.replace(/\r\n?/g, '\n').replace(/[^\P{Cc}\n]/gu, ' ');
}
