/**
 * Calendars of change freezes, in iCalendar (RFC 5545), from a file or a URL.
 *
 * Owns which events are on now. An event of whole days is on by the window's own calendar date; one without a time zone is
 * in that of this worker. A calendar is read at every question.
 */
import ical from 'node-ical';
import type { ParameterValue } from 'node-ical';
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
  if (!/^\s*BEGIN:VCALENDAR/.test(text)) throw new Error('the calendar is no iCalendar');
  const nowMs = at.epochMilliseconds;
  const around = { from: new Date(nowMs - DAY_MS), to: new Date(nowMs + DAY_MS), expandOngoing: true };
  const today = at.toPlainDate();
  for (const part of Object.values(ical.sync.parseICS(text))) {
    if (part?.type !== 'VEVENT') continue;
    for (const { start, end, isFullDay, summary } of ical.expandRecurringEvent(part, around)) {
      const on = isFullDay
        ? !isBefore(today, dateOf(start)) && isBefore(today, dateOf(end))
        : start.getTime() <= nowMs && nowMs < end.getTime();
      if (on) return titleOf(summary);
    }
  }
  return undefined;
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
