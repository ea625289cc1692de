/**
 * What a room sees of its day: where it is, from its own mouth, and what was sampled, from its record.
 *
 * Owns how often either is asked, whoever looks: not at all while nobody does. What was seen last stays when nobody answers, with its time
 * and the reason. Must never do anything to the day.
 */
import type { Client, WorkflowHandle } from '@temporalio/client';
import type { JournalStore } from '../../activities/journal/store.ts';
import { GAME_DAY_SCHEMA } from '../../domain/game-day-events.ts';
import type { GameDayEvent, GameDayRecord } from '../../domain/game-day-events.ts';
import { summariesOf } from '../../domain/game-day-faults.ts';
import { gameDayReport } from '../../domain/game-day-report.ts';
import type { DayState } from '../../domain/game-day-state.ts';
import { dayStory } from '../../domain/game-day-story.ts';
import type { GameDayReport } from '../../domain/game-day-summary.ts';
import { timelineOf } from '../../domain/game-day-timeline.ts';
import type { Journal } from '../../domain/journal.ts';
import { charts } from '../../report/game-day/charts.ts';
import type { Markup } from '../../report/markup.ts';
import type { DaySeen } from '../../report/room/seen.ts';
import { journalsOf } from '../day-journals.ts';
import { storyOf } from '../the-day.ts';

/** What was seen is good for so long, in milliseconds. */
const FRESH_MS = 800;
/** Whoever looks waits for so long for something newer, in milliseconds; and where nobody answered just now. */
const WAIT_MS = 6_000;
const SILENT_WAIT_MS = 1_500;
/** How long Temporal may take to describe the day, in milliseconds. */
const DESCRIBE_MS = 5_000;
/** Between two looks into the record, in milliseconds; the time that a look takes, times this, where that is more. */
const RECORD_MS = 3_000;
const RECORD_TIMES = 10;

/** What the day has said of itself. */
interface Heard {
  readonly execution: string;
  readonly state: DayState;
  readonly events: readonly GameDayEvent[];
  /** Temporal's word for an execution that is over, where the day has not said that it is. */
  readonly lost: string | undefined;
}

/** What its record says besides. */
interface Recorded {
  readonly record: GameDayRecord;
  readonly journals: readonly Journal[];
  readonly report: GameDayReport | undefined;
  /** Drawn once, for whoever looks. */
  readonly charts: Markup | undefined;
}

/** Looks at one day. */
export class Sight {
  readonly #client: Client;
  readonly #handle: WorkflowHandle;
  readonly #store: JournalStore;
  #heard: Heard | undefined;
  #heardAtMs = 0;
  #silent: string | undefined;
  #recorded: Recorded | undefined;
  #unreadable: string | undefined;
  #recordDueMs = 0;
  #looking: Promise<void> | undefined;
  #reading: Promise<void> | undefined;

  constructor(client: Client, handle: WorkflowHandle, store: JournalStore) {
    this.#client = client;
    this.#handle = handle;
    this.#store = store;
  }

  /** Whether there is nothing new to see: the day is over, and its record says so. */
  get #over(): boolean {
    const ended = this.#heard?.state.phase === 'ended';
    return ended && this.#recorded?.report?.endedAtMs !== null;
  }

  /** The day as it is now, or was seen last; undefined where it was never seen. `anew`: whatever was seen just now. */
  async look(anew = false): Promise<DaySeen | undefined> {
    if (this.#over && this.#heard && this.#recorded) return this.#seen();
    if (anew) await this.#looking;
    if (anew || Date.now() - this.#heardAtMs > FRESH_MS) this.#looking ??= this.#ask();
    if (Date.now() >= this.#recordDueMs) this.#reading ??= this.#read();
    const waitMs = this.#silent === undefined ? WAIT_MS : SILENT_WAIT_MS;
    await Promise.race([Promise.all([this.#looking, this.#recorded ?? this.#reading]), pause(waitMs)]);
    return this.#seen();
  }

  /** The day's report as far as it has come, from the record as it is now; undefined where there is none. Rejects where it cannot be read. */
  async report(): Promise<GameDayReport | undefined> {
    const record = await this.#store.days.read(this.#handle.workflowId);
    return record && gameDayReport(record, await journalsOf(this.#store, record));
  }

  #seen(): DaySeen | undefined {
    const heard = this.#heard;
    const recorded = this.#recorded;
    if (heard === undefined) return undefined;
    const beside = recorded?.record.events.filter(({ type }) => type === 'alert') ?? [];
    const record: GameDayRecord = {
      schema: GAME_DAY_SCHEMA,
      day: this.#handle.workflowId,
      events: [...heard.events, ...beside],
    };
    const story = dayStory(record);
    return {
      day: this.#handle.workflowId,
      execution: heard.execution,
      state: heard.state,
      lines: story ? timelineOf(record.events, story, summariesOf(recorded?.journals ?? [])) : [],
      report: recorded?.report,
      charts: recorded?.charts,
      atMs: this.#heardAtMs,
      silent: this.#silent,
      unreadable: this.#unreadable,
      lost: heard.lost,
    };
  }

  async #ask(): Promise<void> {
    try {
      const { status } = await this.#client.withDeadline(Date.now() + DESCRIBE_MS, () => this.#handle.describe());
      const before = this.#heard;
      let story = await storyOf(this.#client, this.#handle, nextOf(before));
      const another = story !== undefined && before !== undefined && story.execution !== before.execution;
      if (another) story = await storyOf(this.#client, this.#handle);
      if (story === undefined) {
        this.#silent = 'no control worker answers for the day; it goes on once one does';
        return;
      }
      const { execution, state, events } = story;
      const open = status.name === 'RUNNING' || status.name === 'PAUSED' || state.phase === 'ended';
      this.#heard = {
        execution,
        state,
        events: another ? events : [...(before?.events ?? []), ...events],
        lost: open ? undefined : status.name.toLowerCase(),
      };
      this.#silent = undefined;
      this.#heardAtMs = Date.now();
    } catch {
      this.#silent = 'Temporal does not answer; what runs ends by itself if it stays away';
    } finally {
      this.#looking = undefined;
    }
  }

  async #read(): Promise<void> {
    const fromMs = Date.now();
    try {
      const record = await this.#store.days.read(this.#handle.workflowId);
      if (record) {
        const journals = await journalsOf(this.#store, record);
        const report = gameDayReport(record, journals);
        this.#recorded = { record, journals, report, charts: report && charts(report) };
      }
      this.#unreadable = record ? undefined : 'there is no record of it here; is --config that of the control worker?';
    } catch (error) {
      this.#unreadable = error instanceof Error ? error.message : String(error);
    } finally {
      this.#recordDueMs = Date.now() + Math.max(RECORD_MS, RECORD_TIMES * (Date.now() - fromMs));
      this.#reading = undefined;
    }
  }
}

/** The first event that was not heard of. */
function nextOf(heard: Heard | undefined): number {
  return (heard?.events.at(-1)?.seq ?? -1) + 1;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
