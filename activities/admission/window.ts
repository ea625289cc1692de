/**
 * `window`: chaos only while people are there to look.
 *
 * Owns the rule: open hours by day of the week on the wall clock of the window's time zone, whatever its daylight saving
 * does; no holiday; no change freeze. A calendar that cannot be read refuses.
 */
import { Temporal } from 'temporal-polyfill';
import type { Guard } from './guard.ts';

/** The days of a week, as they are written, Monday first as in ISO 8601. */
export const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

/** When experiments may be done. */
export interface Window {
  /** An IANA name. */
  readonly timeZone: string;
  /** By ISO day of the week, 1 for Monday: from the first time of the day to just before the second. */
  readonly open: ReadonlyMap<number, readonly (readonly [from: string, to: string])[]>;
  /** Dates in ISO 8601 on which it is closed. */
  readonly holidays: ReadonlySet<string>;
  readonly freezes: readonly Calendar[];
}

/** A calendar whose events are change freezes. */
export interface Calendar {
  readonly name: string;
  /** The title of an event that is on at this time; undefined where there is none. Rejects where it cannot be read. */
  frozen(at: Temporal.ZonedDateTime, signal: AbortSignal): Promise<string | undefined>;
}

/** Refuses outside the window that the experiment names. */
export function windowGuard(windows: ReadonlyMap<string, Window>, now: () => number): Guard {
  return {
    name: 'window',
    async ask({ experiment }, signal) {
      const { window: name, windowOverride } = experiment.preconditions ?? {};
      if (name === undefined) return { passed: true, found: 'the experiment asks for none' };
      const window = windows.get(name);
      if (!window) {
        const known = windows.size === 0 ? 'none' : [...windows.keys()].join(', ');
        return { passed: false, found: `there is no window ${name} on this control worker; there are: ${known}` };
      }
      const at = Temporal.Instant.fromEpochMilliseconds(now()).toZonedDateTimeISO(window.timeZone);
      const clock = `${DAYS[at.dayOfWeek - 1] ?? ''} ${at.toPlainDateTime().toString({ smallestUnit: 'minute' })} in ${window.timeZone}`;
      const closed = await whyClosed(window, at, signal);
      const found = `${name} is ${closed ?? 'open'}, at ${clock}`;
      if (closed === undefined) return { passed: true, found };
      return { passed: false, found, ...(windowOverride === 'approval' ? { overridable: true } : {}) };
    },
  };
}

async function whyClosed(
  { open, holidays, freezes }: Window,
  at: Temporal.ZonedDateTime,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (holidays.has(at.toPlainDate().toString())) return 'closed for a holiday';
  const time = at.toPlainTime().toString({ smallestUnit: 'minute' });
  const hours = open.get(at.dayOfWeek) ?? [];
  if (!hours.some(([from, to]) => from <= time && time < to))
    return hours.length === 0 ? 'closed today' : `closed outside ${hours.map((pair) => pair.join('-')).join(', ')}`;
  for (const calendar of freezes) {
    const event = await calendar.frozen(at, signal);
    if (event !== undefined) return `closed by a change freeze, ${event} (${calendar.name})`;
  }
  return undefined;
}
