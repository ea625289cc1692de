/**
 * What a look at the alerts adds to a day's record: what has changed since the look before.
 *
 * Owns when an alert is said to have begun, and what was not seen. Pure. Alerts that no criterion names are kept too: a breach for which none
 * fired is a gap.
 */
import type { GameDayEvent } from '../../domain/game-day-events.ts';
import type { Attended } from './attend.ts';
import { isPause } from './looks.ts';

/** The most alerts that a day's record knows besides those that are named. */
const OTHERS_MAX = 200;

type AlertEvent = Extract<GameDayEvent, { type: 'alert' }>;

/** A look. Times are milliseconds since the Unix epoch. */
interface Look {
  readonly attended: Pick<Attended, 'lookedMs' | 'firing'>;
  /** What fires, and since when as its Alertmanager says; undefined where nobody can say. */
  readonly firing: ReadonlyMap<string, number> | undefined;
  /** Those that criteria ask for. */
  readonly names: readonly string[];
  readonly nowMs: number;
  /** How often the day is sampled, in milliseconds. */
  readonly everyMs: number;
}

/** What is new, alert by alert. */
export function alertEvents({ attended, firing, names, nowMs, everyMs }: Look): readonly AlertEvent[] {
  const { lookedMs } = attended;
  const paused = lookedMs > 0 && isPause(nowMs - lookedMs, everyMs);
  const others = [...Object.keys(attended.firing), ...(firing?.keys() ?? [])].filter((name) => !names.includes(name));
  const known = [...names, ...[...new Set(others)].slice(0, OTHERS_MAX)];
  return known.flatMap((alert): AlertEvent[] => {
    const event = (is: boolean | null, atMs: number): AlertEvent => ({
      seq: 0,
      atMs,
      type: 'alert',
      alert,
      firing: is,
    });
    const sinceMs = firing?.get(alert);
    const now = firing === undefined ? null : sinceMs !== undefined;
    const before = attended.firing[alert];
    const beganMs = now === true && sinceMs !== undefined ? dated(sinceMs, lookedMs, nowMs) : nowMs;
    // What was between two looks that are far apart is not known.
    if (paused && before !== undefined && before !== null)
      return now === null ? [event(null, lookedMs + 1)] : [event(null, lookedMs + 1), event(now, beganMs)];
    // Nobody asked for it, but it was not there at the look before.
    if (before === undefined && now === true && lookedMs > 0 && !paused)
      return [event(false, lookedMs), event(true, beganMs)];
    return before === now ? [] : [event(now, beganMs)];
  });
}

/** Since when it fires. What is said to be older than the look that did not find it came in late: nobody could be told of it before. */
function dated(sinceMs: number, lookedMs: number, nowMs: number): number {
  return sinceMs > lookedMs ? Math.min(nowMs, sinceMs) : nowMs;
}
