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
import { alertEvents } from './alert-events.ts';
import type { AlertSource } from './alerts.ts';
import type { AttendDayInput } from './interface.ts';
import { liveSamples } from './live-samples.ts';
import { lookEvery } from './looks.ts';

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
  /** Whether they could be asked, by the record. */
  readonly readable?: boolean;
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
  for await (const nowMs of ticks(lookEvery(everyMs), signal)) {
    const live = await liveSamples(client, day, execution).catch(() => undefined);
    const fresh = live && since(live.series, attended.sampledMs);
    const events: GameDayEvent[] = fresh ? [{ seq: 0, atMs: fresh.lastMs, type: 'samples', series: fresh.series }] : [];
    let next = fresh ? { ...attended, sampledMs: fresh.lastMs } : attended;
    if (alerts.length > 0 || names.length > 0) {
      const firing = await firingNow(alerts, names, signal);
      unreadable = firing === undefined ? unreadable + 1 : 0;
      // Once is not told: the next look may come through.
      if (firing !== undefined || unreadable >= UNREADABLE_MAX || alerts.length === 0) {
        const told = alertEvents({ attended, firing, names, nowMs, everyMs });
        events.push(...told);
        const known = told.map(({ alert, firing: is }) => [alert, is] as const);
        next = { ...next, firing: { ...next.firing, ...Object.fromEntries(known) }, readable: firing !== undefined };
        if (next.readable !== attended.readable)
          events.push({ seq: 0, atMs: nowMs, type: 'alerts', readable: firing !== undefined });
      }
      if (firing !== undefined) next = { ...next, lookedMs: nowMs };
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
  let readable: boolean | undefined;
  for (const event of events) {
    if (event.type === 'samples') sampledMs = Math.max(sampledMs, event.atMs);
    if (event.type === 'alert') firing[event.alert] = event.firing;
    if (event.type === 'alerts') readable = event.readable;
  }
  // Whoever looked last is not known; it was no later than that.
  const lookedMs = readable === true ? sampledMs : 0;
  return { sampledMs, lookedMs, firing, ...(readable === undefined ? {} : { readable }) };
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

/** What fires, and since when; undefined where nobody can say. */
async function firingNow(
  sources: readonly AlertSource[],
  names: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number> | undefined> {
  if (sources.length === 0) return undefined;
  try {
    const all = await Promise.all(sources.map((source) => source.firing(names, signal)));
    const since = new Map<string, number>();
    for (const [alert, ms] of all.flatMap((one) => [...one])) since.set(alert, Math.min(ms, since.get(alert) ?? ms));
    return since;
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
