/** A made-up game day as its room sees it. */
import assert from 'node:assert/strict';
import type { GameDayEvent } from '../../domain/game-day-events.ts';
import { summariesOf } from '../../domain/game-day-faults.ts';
import { gameDayReport } from '../../domain/game-day-report.ts';
import { dayStory } from '../../domain/game-day-story.ts';
import { timelineOf } from '../../domain/game-day-timeline.ts';
import { charts } from '../../report/game-day/charts.ts';
import type { DaySeen } from '../../report/room/seen.ts';
import type { Told } from './game-days.ts';

/** The day, as it was when the last of its events was heard. */
export function seenOf({ record, journals }: Told, change: Partial<DaySeen> = {}): DaySeen {
  const story = dayStory(record);
  const report = gameDayReport(record, journals);
  assert.ok(story && report);
  return {
    day: record.day,
    execution: 'an execution',
    state: story.state,
    lines: timelineOf(record.events, story, summariesOf(journals)),
    report,
    charts: charts(report),
    atMs: story.lastAtMs,
    silent: undefined,
    unreadable: undefined,
    lost: undefined,
    ...change,
  };
}

/** The day until this event, and no further. */
export function untilEvent({ record, journals }: Told, last: (event: GameDayEvent) => boolean): Told {
  const at = record.events.findIndex(last);
  assert.ok(at >= 0, 'there is no such event');
  const events = record.events.slice(0, at + 1);
  const endsMs = events.at(-1)?.atMs ?? 0;
  return {
    record: { ...record, events },
    journals: journals.map((journal) => ({ ...journal, events: journal.events.filter(({ atMs }) => atMs <= endsMs) })),
  };
}
