/**
 * When a game day is planned for: a date, a time and a time zone.
 *
 * Owns the way from a time on a wall clock to an instant. A time that is not there, or is there twice, since the clocks are changed, is
 * refused with what to write instead; nothing is guessed.
 */
import { Temporal } from 'temporal-polyfill';
import { z } from 'zod';
import { isTimeZone } from './written.ts';

const DATE = 'expected a date such as 2026-12-04 10:00 America/Los_Angeles, or now';

/** An instant, and the time zone that it was written in. */
interface Planned {
  /** Milliseconds since the Unix epoch. */
  readonly atMs: number;
  /** An IANA name. */
  readonly zone: string;
}

/** A date, a time and a time zone, or `now`, which is undefined. */
export const plannedDate = z
  .string(DATE)
  .transform((written, context): Planned | undefined => {
    if (written === 'now') return undefined;
    const [, date = '', time = '', zone = ''] = /^(2\d{3}-\d\d-\d\d) +(\d\d:\d\d) +(\S{1,64})$/.exec(written) ?? [];
    const found = date === '' ? DATE : instantOf(date, time, zone);
    if (typeof found !== 'string') return found;
    context.addIssue({ code: 'custom', message: found });
    return z.NEVER;
  })
  .describe('When it is planned for: 2026-12-04 10:00 America/Los_Angeles; or now, which is whenever it is begun.');

/** The instant, or what was expected. */
function instantOf(date: string, time: string, zone: string): Planned | string {
  // An offset is none: what it says of the day depends on the season.
  if (!/^[A-Za-z]/.test(zone) || !isTimeZone(zone))
    return 'expected an IANA time zone, such as America/Los_Angeles or UTC';
  const there = localOf(date, time);
  if (there === undefined) return 'expected a day of the calendar, and a time from 00:00 to 23:59';
  const earlier = there.toZonedDateTime(zone, { disambiguation: 'earlier' });
  const later = there.toZonedDateTime(zone, { disambiguation: 'later' });
  const atMs = earlier.epochMilliseconds;
  if (atMs === later.epochMilliseconds) return { atMs, zone };
  if (!earlier.toPlainDateTime().equals(there)) {
    const instead = [earlier, later].map((at) => `${minute(at)} ${zone}`).join(' or ');
    return `expected a time that there is: clocks are set forward over this one; write ${instead}`;
  }
  const instead = [earlier, later].map((at) => `${minute(at.withTimeZone('UTC'))} UTC`).join(' or ');
  return `expected a time that there is once: clocks are set back over this one; write ${instead}`;
}

function localOf(date: string, time: string): Temporal.PlainDateTime | undefined {
  try {
    return Temporal.PlainDateTime.from(`${date}T${time}`, { overflow: 'reject' });
  } catch {
    return undefined;
  }
}

/** `2026-12-04 10:00`. */
function minute(at: Temporal.ZonedDateTime): string {
  return at.toPlainDateTime().toString({ smallestUnit: 'minute' }).replace('T', ' ');
}
