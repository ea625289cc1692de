/**
 * An installation to hold game days in, and what people say to one.
 *
 * Owns the clean slate after each: nothing of its runs is left, however it ended.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import { openFileStore } from '../../activities/journal/file.ts';
import type { JournalStore } from '../../activities/journal/store.ts';
import { Lane } from '../../bench/torture/lane.ts';
import type { LaneOptions } from '../../bench/torture/lane.ts';
import type { DayAct } from '../../domain/game-day-acts.ts';
import type { GameDayEvent } from '../../domain/game-day-events.ts';
import type { GameDay } from '../../domain/game-day.ts';
import { startDay } from '../../workers/start-day.ts';
import { dayActUpdate, dayStoryQuery } from '../../workflows/messages.ts';
import type { DayResult, DayStory } from '../../workflows/messages.ts';
import { until } from '../until.ts';

/** One installation. */
export class Days {
  readonly folder: string;
  readonly lane: Lane;
  readonly store: JournalStore;
  readonly env: Record<string, string>;

  private constructor(folder: string, lane: Lane) {
    this.folder = folder;
    this.lane = lane;
    this.store = openFileStore(join(folder, 'journal'));
    this.env = { TEMPORAL_ADDRESS: lane.address, SQUALL_CONFIG: lane.config, SQUALL_AS: 'alice' };
  }

  static async open(options: LaneOptions = { groups: ['victims'] }): Promise<Days> {
    const folder = await mkdtemp(join(tmpdir(), 'squall-days-'));
    const lane = new Lane(folder, 'days', options);
    await lane.up();
    return new Days(folder, lane);
  }

  async close(): Promise<void> {
    await this.lane.down();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Calls a day. */
  async call(name: string, gameDay: GameDay): Promise<Held> {
    const input = { gameDay, documentHash: 'a hash', calledBy: 'a test' };
    return new Held(this, name, await startDay(this.lane.client, name, input));
  }
}

/** A day that was called. */
export class Held {
  readonly name: string;
  readonly #days: Days;

  constructor(days: Days, name: string, _handle: WorkflowHandle) {
    this.#days = days;
    this.name = name;
  }

  /** By name, since a reset day is another execution. */
  get handle(): WorkflowHandle {
    return this.#days.lane.client.workflow.getHandle(this.name);
  }

  story(): Promise<DayStory> {
    return this.handle.query(dayStoryQuery, 0);
  }

  /** Somebody does something. Rejects where they must not. */
  async does(by: string, act: DayAct): Promise<string> {
    const { execution } = await this.story();
    return this.handle.executeUpdate(dayActUpdate, { args: [{ claim: { by }, execution, act }] });
  }

  /** Why somebody must not do something. */
  async refused(by: string, act: unknown, says: RegExp): Promise<void> {
    const { execution } = await this.story();
    const asked = this.handle.executeUpdate<unknown, [unknown]>('act', { args: [{ claim: { by }, execution, act }] });
    await assert.rejects(asked, (error: Error) => {
      assert.match((error.cause as Error | undefined)?.message ?? error.message, says);
      return true;
    });
  }

  /** Waits until an event of the record, as the workflow tells it, is like this. */
  async has(like: Partial<GameDayEvent>): Promise<GameDayEvent> {
    let found: GameDayEvent | undefined;
    let all: readonly GameDayEvent[] = [];
    const looked = until(async () => {
      ({ events: all } = await this.story().catch(() => ({ events: all })));
      found = all.find((event) =>
        Object.entries(like).every(([key, value]) => event[key as keyof GameDayEvent] === value),
      );
      return found !== undefined;
    }, JSON.stringify(like));
    await looked.catch((cause: unknown) => {
      const told = all.map((event) => (event.type === 'called' ? 'called' : JSON.stringify(event)));
      throw new Error(`${this.name} has not ${JSON.stringify(like)}, but:\n${told.join('\n')}`, { cause });
    });
    return found as GameDayEvent;
  }

  async end(): Promise<DayResult> {
    return (await this.handle.result()) as DayResult;
  }

  /** The record as it is kept. */
  async record(): Promise<readonly GameDayEvent[]> {
    return (await this.#days.store.days.read(this.name))?.events ?? [];
  }
}

/** Those of one type. */
export function ofType<T extends GameDayEvent['type']>(
  events: readonly GameDayEvent[],
  type: T,
): Extract<GameDayEvent, { type: T }>[] {
  return events.filter((event): event is Extract<GameDayEvent, { type: T }> => event.type === type);
}
