/**
 * Times of a calendar: `daily 10:00 Europe/Zurich`, `Thursday 14:00 Europe/Zurich`, `last Friday of month 14:00 Europe/Zurich`.
 *
 * Owns their spelling, and which days of which months and years they are: a schedule knows days by number and by day of the week, and nothing of a last one.
 */

/** Sunday first, as schedules count them. */
export const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'] as const;

/** On the wall clock of its time zone, whatever that does with daylight saving. */
export interface CalendarTime {
  /** From 0 for Sunday; absent: every day. */
  readonly weekday?: number;
  /** Only the last of each month. */
  readonly last?: true;
  readonly hour: number;
  readonly minute: number;
  /** An IANA name. */
  readonly timeZone: string;
}

/** Numbers from `start` to `end`, both included, each `step`th. */
export interface CalendarRange {
  readonly start: number;
  readonly end: number;
  readonly step: number;
}

/** Days on which a time comes: those that are in a range of each. An empty list of years is every year. */
export interface CalendarDays {
  readonly daysOfMonth: CalendarRange;
  /** From 1 for January. */
  readonly months: readonly CalendarRange[];
  readonly years: readonly CalendarRange[];
}

const DAY_MS = 86_400_000;

/** What is expected of whoever writes one. */
export const CALENDAR_TIME =
  'daily, a day such as Thursday, or `last Friday of month`, with time and time zone: Thursday 14:00 Europe/Zurich';

/** A written time of a calendar, or undefined. */
export function parseCalendarTime(text: string): CalendarTime | undefined {
  const written = /^(?:daily|(last )?([a-z]+)( of month)?) ([01]\d|2[0-3]):([0-5]\d) ([\w+/-]{1,60})$/i.exec(text);
  if (!written) return undefined;
  const [, last, day, ofMonth, hour, minute, zone = ''] = written;
  const weekday = WEEKDAYS.findIndex((name) => name.toLowerCase() === day?.toLowerCase());
  const timeZone = timeZoneOf(zone);
  if (timeZone === undefined || (day !== undefined && weekday < 0)) return undefined;
  if ((last === undefined) !== (ofMonth === undefined)) return undefined;
  return {
    ...(day === undefined ? {} : { weekday }),
    ...(last === undefined ? {} : { last: true }),
    hour: Number(hour),
    minute: Number(minute),
    timeZone,
  };
}

/** As it is written. */
export function formatCalendarTime({ weekday, last, hour, minute, timeZone }: CalendarTime): string {
  const day = weekday === undefined ? 'daily' : WEEKDAYS[weekday];
  const clock = [hour, minute].map((number) => String(number).padStart(2, '0')).join(':');
  return `${last ? `last ${day} of month` : day} ${clock} ${timeZone}`;
}

/** From one to the next at least, in milliseconds, but for an hour where the clock is changed. */
export function calendarPeriodMs({ weekday, last }: CalendarTime): number {
  if (weekday === undefined) return DAY_MS;
  return last ? 28 * DAY_MS : 7 * DAY_MS;
}

/** The days on which it may come, as far as they depend on more than the day of the week. */
export function calendarDaysOf({ last }: CalendarTime): readonly CalendarDays[] {
  return last ? LAST_WEEKS : [{ daysOfMonth: range(1, 31), months: [range(1, 12)], years: [] }];
}

function range(start: number, end = start, step = 1): CalendarRange {
  return { start, end, step };
}

/** The years that a schedule knows; of them 2000 is a leap year, and 2100 is none. */
const YEARS = { first: 2000, last: 2100 };
const LEAP_YEARS = [range(YEARS.first, YEARS.last - 4, 4)];
const COMMON_YEARS = [
  ...[1, 2, 3].map((after) => range(YEARS.first + after, YEARS.last - 4 + after, 4)),
  range(YEARS.last),
];
const FEBRUARY = [range(2)];

/** The last seven days of each month: the last one of any day of the week is among them, and no other is. */
const LAST_WEEKS: readonly CalendarDays[] = [
  { daysOfMonth: range(25, 31), months: [1, 3, 5, 7, 8, 10, 12].map((month) => range(month)), years: [] },
  { daysOfMonth: range(24, 30), months: [4, 6, 9, 11].map((month) => range(month)), years: [] },
  { daysOfMonth: range(23, 29), months: FEBRUARY, years: LEAP_YEARS },
  { daysOfMonth: range(22, 28), months: FEBRUARY, years: COMMON_YEARS },
];

/** The name as the time zone database has it; undefined where there is none. An alias stays as it is written. */
function timeZoneOf(name: string): string | undefined {
  try {
    const { timeZone } = new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions();
    return timeZone.toLowerCase() === name.toLowerCase() ? timeZone : name;
  } catch {
    return undefined;
  }
}
