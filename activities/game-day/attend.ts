/**
 * Attending a game day: its samples, and what the Alertmanagers say, go to its record while it lasts.
 *
 * Owns how often it is looked. Nothing of it goes through the workflow, so that a day of a day has the history of one of an hour. Whoever
 * takes over from a lost attempt goes on where the record ends: what the site still keeps is not lost.
 */
import type { Client } from '@temporalio/client';
import type { GameDayEvent } from '../../domain/game-day-events.ts';
import type { SeriesByProbe } from '../../domain/probe.ts';
import type { DayStore } from '../journal/store.ts';
import { ticks } from '../watch.ts';
import type { AlertSource } from './alerts.ts';
import type { AttendDayInput } from './interface.ts';
import { liveSamples } from './live-samples.ts';

/** Time between two looks, in milliseconds, however often or seldom the day is sampled. */
const LOOK_MIN_MS = 1_000;
const LOOK_MAX_MS = 5_000;
/** Alertmanagers that could not be asked so many times in a row cannot say. */
const UNREADABLE_MAX = 3;

/** How far it has come: what its heartbeats say. */
export interface Attended {
  /** The last sample that is in the record, in milliseconds since the Unix epoch. */
  readonly sampledMs: number;
  /** When the Alertmanagers were last asked. */
  readonly lookedMs: number;
  /** What the record says of each alert. */
  readonly firing: Readonly<Record<string, boolean | null>>;
}

/** Whom it works with. */
interface Attending {
  readonly days: DayStore;
  readonly client: Client;
  readonly alerts: readonly AlertSource[];
  readonly execution: string;
  /** Where an earlier attempt ended. */
  readonly before: Attended | undefined;
  readonly signal: AbortSignal;
}

/** Returns when the day is over, or `signal` aborts. A look that fails is made again with the next. */
export async function attendDay(
  { days, client, alerts, execution, before, signal }: Attending,
  { day, everyMs, alerts: names }: AttendDayInput,
  say: (attended: Attended) => void,
): Promise<void> {
  let attended = before ?? (await recorded(days, day));
  let unreadable = 0;
  for await (const nowMs of ticks(Math.min(LOOK_MAX_MS, Math.max(LOOK_MIN_MS, everyMs)), signal)) {
    const events: GameDayEvent[] = [];
    let next = attended;
    const live = await liveSamples(client, day, execution).catch(() => undefined);
    const fresh = live && since(live.series, attended.sampledMs);
    if (fresh) {
      events.push({ seq: 0, atMs: fresh.lastMs, type: 'samples', series: fresh.series });
      next = { ...next, sampledMs: fresh.lastMs };
    }
    if (names.length > 0) {
      const asked = await Promise.all(names.map((name) => firingOf(alerts, name, attended.lookedMs, nowMs, signal)));
      unreadable = asked.includes(undefined) ? unreadable + 1 : 0;
      for (const [index, said] of asked.entries()) {
        const alert = names[index] as string;
        const firing = said === undefined ? null : said !== null;
        const seldom = firing === null && unreadable < UNREADABLE_MAX && alerts.length > 0;
        if (seldom || attended.firing[alert] === firing) continue;
        events.push({ seq: 0, atMs: said ?? nowMs, type: 'alert', alert, firing });
        next = { ...next, firing: { ...next.firing, [alert]: firing } };
      }
      if (unreadable === 0) next = { ...next, lookedMs: nowMs };
    }
    const kept =
      events.length === 0 ||
      (await days.append(day, apart(events)).then(
        () => true,
        () => false,
      ));
    if (kept) say((attended = next));
    if (live?.open === false) return;
  }
}

/** Where the record ends. */
async function recorded(days: DayStore, day: string): Promise<Attended> {
  const { events = [] } = (await days.read(day)) ?? {};
  const firing: Record<string, boolean | null> = {};
  let sampledMs = 0;
  for (const event of events) {
    if (event.type === 'samples') sampledMs = Math.max(sampledMs, event.atMs);
    if (event.type === 'alert') firing[event.alert] = event.firing;
  }
  return { sampledMs, lookedMs: 0, firing };
}

/** The points after `sinceMs`, and when the last of them was taken; undefined where there is none. */
function since(
  series: SeriesByProbe,
  sinceMs: number,
): { readonly series: SeriesByProbe; readonly lastMs: number } | undefined {
  const fresh = Object.entries(series).flatMap(([probe, { dimension, points }]) => {
    const later = points.filter(([atMs]) => atMs > sinceMs);
    return later.length === 0 ? [] : [[probe, { dimension, points: later }] as const];
  });
  const lastMs = Math.max(...fresh.flatMap(([, { points }]) => points.map(([atMs]) => atMs)));
  return fresh.length === 0 ? undefined : { series: Object.fromEntries(fresh), lastMs };
}

/**
 * Since when it fires, as its Alertmanager says; null where it does not, undefined where nobody can say. One that is said to be older
 * than the look that did not find it came in late, and fires since now: nobody could be told of it before.
 */
async function firingOf(
  sources: readonly AlertSource[],
  alert: string,
  lookedMs: number,
  nowMs: number,
  signal: AbortSignal,
): Promise<number | null | undefined> {
  if (sources.length === 0) return undefined;
  try {
    const since = await Promise.all(sources.map((source) => source.firesSinceMs(alert, signal)));
    const first = Math.min(...since.flatMap((ms) => ms ?? []));
    if (first === Infinity) return null;
    return first > lookedMs ? Math.min(nowMs, first) : nowMs;
  } catch {
    return undefined;
  }
}

/** An event is known by its number, time and type: alerts of one time are told apart by a millisecond. */
function apart(events: readonly GameDayEvent[]): GameDayEvent[] {
  const taken = new Set<string>();
  return events.map((event) => {
    let { atMs } = event;
    while (taken.has(`${event.type} ${atMs}`)) atMs += 1;
    taken.add(`${event.type} ${atMs}`);
    return { ...event, atMs };
  });
}
