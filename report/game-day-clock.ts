/**
 * The wall clock of a game day's time zone.
 *
 * Owns its spelling.
 */

/** `Friday 4 December 2026`, in an IANA time zone. */
export function calendarDay(atMs: number, timeZone: string): string {
  const parts = new Intl.DateTimeFormat('en-GB', {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    year: 'numeric',
    timeZone,
  });
  return parts.format(atMs).replace(',', '');
}

/** `10:00`, in an IANA time zone. */
export function clockTime(atMs: number, timeZone: string): string {
  return new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', timeZone }).format(atMs);
}
