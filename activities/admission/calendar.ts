/**
 * Calendars of change freezes, in iCalendar (RFC 5545), from a file or a URL.
 *
 * Owns which events are on now. An event of whole days is on by the window's own calendar date; one without a time zone is
 * in that of this worker. A calendar is read at every question.
 */
import ical from 'node-ical';
import type { ParameterValue, VEvent } from 'node-ical';
import { Temporal } from 'temporal-polyfill';
import { readBounded } from '../bounded-file.ts';
import { boundedGet } from '../probes/bounded-fetch.ts';
import { credentialHeaders } from '../probes/secret.ts';
import type { Credentials } from '../probes/secret.ts';
import type { Calendar } from './window.ts';

const BYTES_MAX = 1024 * 1024;
const ANSWER_MS = 3_000;
const DAY_MS = 86_400_000;
const TITLE_MAX = 80;

/** The calendar in the file at `path`. */
export function fileCalendar(path: string): Calendar {
  return {
    name: path,
    frozen: async (at) => frozenBy(await readWhole(path), at),
  };
}

/** The calendar at `url`. */
export function urlCalendar({ url, ...credentials }: Credentials & { readonly url: string }): Calendar {
  return {
    name: new URL(url).host,
    async frozen(at, signal) {
      const headers = await credentialHeaders(credentials);
      const fetched = await boundedGet(url, { timeoutMs: ANSWER_MS, signal, headers });
      if (!fetched.ok) throw new Error(`the calendar cannot be read: ${fetched.failure.why}`);
      if (fetched.answer.status !== 200)
        throw new Error(`the calendar cannot be read: status ${fetched.answer.status}`);
      return frozenBy(fetched.answer.body, at);
    },
  };
}

async function readWhole(path: string): Promise<string> {
  const bytes = await readBounded(path, BYTES_MAX, 'no-pipes');
  if (bytes.length > BYTES_MAX) throw new Error(`${path} is larger than ${BYTES_MAX} bytes`);
  return bytes.toString();
}

function frozenBy(text: string, at: Temporal.ZonedDateTime): string | undefined {
  const events = eventsOf(text);
  const nowMs = at.epochMilliseconds;
  const around = { from: new Date(nowMs - DAY_MS), to: new Date(nowMs + DAY_MS), expandOngoing: true };
  const today = at.toPlainDate();
  for (const event of events) {
    for (const { start, end, isFullDay, summary } of ical.expandRecurringEvent(event, around)) {
      const on = isFullDay
        ? !isBefore(today, dateOf(start)) && isBefore(today, dateOf(end))
        : start.getTime() <= nowMs && nowMs < end.getTime();
      if (on) return titleOf(summary);
    }
  }
  return undefined;
}

/**
 * Every event of a calendar. The parser takes what it can read, and a freeze that is passed over is a freeze that is broken:
 * a calendar of which anything is missing or not understood is refused.
 */
function eventsOf(text: string): VEvent[] {
  if (!/^\s*BEGIN:VCALENDAR\s/.test(text)) throw new Error('the calendar is no iCalendar');
  if (!/\sEND:VCALENDAR\s*$/.test(text)) throw new Error('the calendar is cut off');
  if (count(text, /^BEGIN:VCALENDAR\s*$/gm) > 1) throw new Error('the calendar is several calendars in one file');
  if (/^RDATE[;:]/m.test(text)) throw new Error('the calendar has dates by RDATE, which are not understood');
  const events = Object.values(ical.sync.parseICS(text)).filter((part): part is VEvent => part?.type === 'VEVENT');
  const overrides = events.reduce((sum, { recurrences = {} }) => sum + new Set(Object.values(recurrences)).size, 0);
  const written = count(text, /^BEGIN:VEVENT\s*$/gm);
  if (events.length + overrides !== written)
    throw new Error(`the calendar has ${written} events, of which only ${events.length + overrides} can be read`);
  if (events.some(({ start, end }) => !isDate(start) || (end !== undefined && !isDate(end))))
    throw new Error('the calendar has an event whose time cannot be read');
  return events;
}

function isDate(date: unknown): boolean {
  return date instanceof Date && !Number.isNaN(date.getTime());
}

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}

/** The date that was written, which the parser puts at this process's own midnight. */
function dateOf(date: Date): Temporal.PlainDate {
  return Temporal.PlainDate.from({ year: date.getFullYear(), month: date.getMonth() + 1, day: date.getDate() });
}

function isBefore(one: Temporal.PlainDate, other: Temporal.PlainDate): boolean {
  return Temporal.PlainDate.compare(one, other) < 0;
}

function titleOf(summary: ParameterValue): string {
  return JSON.stringify((typeof summary === 'string' ? summary : summary.val).slice(0, TITLE_MAX));
}
