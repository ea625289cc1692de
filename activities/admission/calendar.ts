/**
 * Calendars of change freezes, in iCalendar (RFC 5545), from a file or a URL.
 *
 * Owns which events are on now. An event of whole days is on by the window's own calendar date; one without a time zone is
 * in that of this worker. A calendar is read at every question.
 */
import { setImmediate as breathe } from 'node:timers/promises';
import ical from 'node-ical';
import type { ParameterValue, VEvent } from 'node-ical';
import { Temporal } from 'temporal-polyfill';
import { readBounded } from '../bounded-file.ts';
import { boundedGet } from '../probes/bounded-fetch.ts';
import { credentialHeaders, readSecretUrl } from '../probes/secret.ts';
import type { Credentials, SecretRef } from '../probes/secret.ts';
import type { Calendar } from './window.ts';

const BYTES_MAX = 1024 * 1024;
const ANSWER_MS = 3_000;
const DAY_MS = 86_400_000;
const TITLE_MAX = 80;
/** What bounds the work that one calendar asks for, in a process that has other things to do. */
const EVENTS_MAX = 500;
const EXCEPTIONS_MAX = 1_000;
const TIMES_MAX = 1_000;
const REPEATED_MAX_MS = 31 * DAY_MS;

/** The calendar in the file at `path`. */
export function fileCalendar(path: string): Calendar {
  return {
    name: path,
    frozen: async (at, signal) => frozenBy(await readWhole(path), at, signal),
  };
}

/** Where a calendar is: an address, or where the address is, which is itself a secret. */
export type CalendarAddress = Credentials & {
  readonly url?: string | undefined;
  readonly urlFrom?: SecretRef | undefined;
};

/** The calendar at an address. A secret address is called by its reference. */
export function urlCalendar({ url, urlFrom, ...credentials }: CalendarAddress): Calendar {
  return {
    name: urlFrom === undefined ? new URL(url ?? '').host : 'env' in urlFrom ? urlFrom.env : urlFrom.file,
    async frozen(at, signal) {
      const headers = await credentialHeaders(credentials);
      const from = urlFrom === undefined ? (url ?? '') : (await readSecretUrl(urlFrom)).href;
      const fetched = await boundedGet(from, { timeoutMs: ANSWER_MS, signal, headers });
      if (!fetched.ok) throw new Error(`the calendar cannot be read: ${fetched.failure.why}`);
      if (fetched.answer.status !== 200)
        throw new Error(`the calendar cannot be read: status ${fetched.answer.status}`);
      return frozenBy(fetched.answer.body, at, signal);
    },
  };
}

async function readWhole(path: string): Promise<string> {
  const bytes = await readBounded(path, BYTES_MAX, 'no-pipes');
  if (bytes.length > BYTES_MAX) throw new Error(`${path} is larger than ${BYTES_MAX} bytes`);
  return bytes.toString();
}

async function frozenBy(text: string, at: Temporal.ZonedDateTime, signal: AbortSignal): Promise<string | undefined> {
  const events = eventsOf(text.replace(/\r?\n[\t ]/g, ''));
  const nowMs = at.epochMilliseconds;
  const around = { from: new Date(nowMs - DAY_MS), to: new Date(nowMs + DAY_MS), expandOngoing: true };
  const today = at.toPlainDate();
  for (const event of events) {
    await breathe();
    signal.throwIfAborted();
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
 * Every event of a calendar whose folded lines are whole. The parser takes what it can read, and a freeze that is passed
 * over is a freeze that is broken: a calendar of which anything is missing or not understood is refused.
 */
function eventsOf(text: string): VEvent[] {
  if (!/^\s*BEGIN:VCALENDAR\s/i.test(text)) throw new Error('the calendar is no iCalendar');
  if (!/\sEND:VCALENDAR\s*$/i.test(text)) throw new Error('the calendar is cut off');
  const written = count(text, /^BEGIN:VEVENT\s*$/gim);
  const why = whyNot(text, written);
  if (why !== undefined) throw new Error(`the calendar has ${why}`);
  const events = Object.values(ical.sync.parseICS(text)).filter((part): part is VEvent => part?.type === 'VEVENT');
  const overrides = events.flatMap(({ recurrences = {} }) => [...new Set(Object.values(recurrences))]);
  if (events.length + overrides.length !== written)
    throw new Error(
      `the calendar has ${written} events, of which only ${events.length + overrides.length} can be read`,
    );
  if (events.some(({ start, end }) => !isDate(start) || (end !== undefined && !isDate(end))))
    throw new Error('the calendar has an event whose time cannot be read');
  for (const { start, end, exdate = {}, recurrenceid } of [...events, ...overrides])
    for (const date of [start, end, recurrenceid, ...Object.values(exdate as Record<string, unknown>)])
      if (!isZone(date, text)) throw new Error('the calendar has a time in a time zone that is none of IANA’s');
  if (events.some(({ rrule, start, end }) => rrule && (end?.getTime() ?? 0) - start.getTime() > REPEATED_MAX_MS))
    throw new Error('the calendar repeats an event of more than 31 days');
  return events;
}

/** What in the text is not understood, or too much, before anything is parsed. */
function whyNot(text: string, written: number): string | undefined {
  if (count(text, /^BEGIN:VCALENDAR\s*$/gim) > 1) return 'several calendars in one file';
  if (written > EVENTS_MAX) return `${written} events, expected at most ${EVENTS_MAX}`;
  if (/^RDATE[;:]/im.test(text)) return 'dates by RDATE, which are not understood';
  const lines = text.match(/^(?:BEGIN|END|UID|DT(?:START|END)|DURATION|RRULE|EXDATE|RECURRENCE-ID)[;:].*$/gim) ?? [];
  const odd = lines.find((line) => !/^[A-Z-]+(?:;[\w-]+=(?:"[^"]*"|[^":;]+))*:/.test(line));
  if (odd !== undefined) return `a line that is not understood: ${JSON.stringify(odd.slice(0, TITLE_MAX))}`;
  // The parser takes this worker's own time zone for Microsoft's custom ones.
  if (/[;:](?:TZID[=:])?"?(?:tzone:|Customized Time Zone)/im.test(text))
    return 'a time in a time zone that is none of IANA’s';
  const rules = lines.filter((line) => line.startsWith('RRULE'));
  if (rules.some((rule) => /FREQ=(?:SECONDLY|MINUTELY)|BYSECOND=|BYMINUTE=/i.test(rule)))
    return 'an event that repeats by seconds or minutes';
  if (rules.some((rule) => Number(/COUNT=(\d+)/i.exec(rule)?.[1] ?? 0) > TIMES_MAX))
    return `an event that repeats more than ${TIMES_MAX} times`;
  const exceptions = lines
    .filter((line) => line.startsWith('EXDATE'))
    .reduce((sum, line) => sum + count(line, /,|:/g), 0);
  return exceptions > EXCEPTIONS_MAX ? `more than ${EXCEPTIONS_MAX} exceptions` : undefined;
}

/** Whether the time of `date` is known: it names a time zone of IANA's, or none. */
function isZone(date: unknown, text: string): boolean {
  const { tz } = (date ?? {}) as { readonly tz?: string };
  if (tz === undefined) return true;
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(tz);
  } catch {
    return false;
  }
  // An offset is the parser's guess at a time zone that the calendar describes by itself.
  return !/^(?:[+-]|Etc\/GMT[+-])/.test(tz) || text.includes(`TZID=${tz}:`);
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
