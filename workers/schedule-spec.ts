/**
 * When a cadence's ticks come, as Temporal says it.
 *
 * Owns the translation of a calendar's times, in the very form in which Temporal describes them back, so that the two can be compared.
 */
import type { CalendarSpecDescription, ScheduleSpecDescription } from '@temporalio/client';
import { isDeepStrictEqual } from 'node:util';
import { calendarDaysOf, formatCalendarTime } from '../domain/calendar-time.ts';
import type { CalendarRange, CalendarTime } from '../domain/calendar-time.ts';
import type { Cadence } from '../domain/program.ts';

type Times = Pick<Cadence, 'everyMs' | 'at'>;
type Month = CalendarSpecDescription['month'][number]['start'];
type DayOfWeek = CalendarSpecDescription['dayOfWeek'][number]['start'];

const MONTHS: readonly Month[] = [
  'JANUARY',
  'FEBRUARY',
  'MARCH',
  'APRIL',
  'MAY',
  'JUNE',
  'JULY',
  'AUGUST',
  'SEPTEMBER',
  'OCTOBER',
  'NOVEMBER',
  'DECEMBER',
];
const DAYS: readonly DayOfWeek[] = ['SUNDAY', 'MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY'];

/** When ticks come. */
export function specOf({ everyMs, at }: Times): Pick<ScheduleSpecDescription, 'calendars' | 'intervals' | 'timezone'> {
  if (at === undefined) return { intervals: [{ every: everyMs, offset: 0 }] };
  return { calendars: calendarsOf(at), timezone: at.timeZone };
}

/** Whether a schedule's times are these, and no others. */
export function comesAt(spec: ScheduleSpecDescription, times: Times): boolean {
  const { calendars = [], intervals = [], timezone } = specOf(times);
  const { startAt, endAt, skip = [] } = spec;
  const found = {
    calendars: spec.calendars ?? [],
    intervals: (spec.intervals ?? []).map(({ every, offset }) => ({ every, offset: offset ?? 0 })),
    timezone: spec.timezone === '' ? undefined : spec.timezone,
  };
  const whole = startAt === undefined && endAt === undefined && skip.length === 0 && (spec.jitter ?? 0) === 0;
  return whole && isDeepStrictEqual(found, { calendars, intervals, timezone });
}

function calendarsOf(at: CalendarTime): CalendarSpecDescription[] {
  const one = (number: number): CalendarRange => ({ start: number, end: number, step: 1 });
  const days: CalendarRange = at.weekday === undefined ? { start: 0, end: 6, step: 1 } : one(at.weekday);
  return calendarDaysOf(at).map(({ daysOfMonth, months, years }) => ({
    second: [one(0)],
    minute: [one(at.minute)],
    hour: [one(at.hour)],
    dayOfMonth: [daysOfMonth],
    month: months.map((range) => named(MONTHS, range, 1)),
    year: [...years],
    dayOfWeek: [named(DAYS, days, 0)],
    comment: formatCalendarTime(at),
  }));
}

/** A range by its names, the first of which has the number `from`. */
function named<T>(
  names: readonly T[],
  { start, end, step }: CalendarRange,
  from: number,
): { start: T; end: T; step: number } {
  const [first, last] = [names[start - from], names[end - from]];
  if (first === undefined || last === undefined) throw new RangeError(`there is nothing from ${start} to ${end}`);
  return { start: first, end: last, step };
}
