/**
 * What the workflow of a game day may ask of the world, as types.
 *
 * Owns the signatures of its activities, as `activities/interface.ts` does of all others.
 */
import type { Found } from '../../domain/criteria.ts';
import type { GameDayEvent } from '../../domain/game-day-events.ts';
import type { Reading } from '../../domain/probe.ts';

/** Served by the control worker. */
export interface GameDayActivities {
  /** Appends to the day's record; events already there count once. */
  keepDay(day: string, events: readonly GameDayEvent[]): Promise<DayKept>;
  /** Stays with a day: takes its samples, and what the Alertmanagers say, to its record until it is over. Served by `control/hold`. */
  attendDay(input: AttendDayInput): Promise<void>;
  /** Judges criteria by the record and the latest samples, once nothing can change the verdicts any more, or at once. */
  judgeDay(input: JudgeDayInput): Promise<readonly FoundCriterion[]>;
  /** Ends whatever runs of this day are open, by its record, and returns once they have rolled back. */
  endRuns(input: EndRunsInput): Promise<readonly EndedRun[]>;
}

/** Served by a site worker, on its own queue. */
export interface GameDaySiteActivities {
  /** Reads probes so many times, `everyMs` apart. */
  readProbes(input: ReadProbesInput): Promise<ReadProbes>;
}

/** Which execution has written it: another one than before, where the day was reset. */
export interface DayKept {
  readonly execution: string;
}

/** How a day is attended. */
export interface AttendDayInput {
  readonly day: string;
  /** How often its probes are sampled, in milliseconds. */
  readonly everyMs: number;
  /** The names of alerts that its criteria ask for. */
  readonly alerts: readonly string[];
}

/** What is to be judged. Times are milliseconds since the Unix epoch, on the workflow's clock. */
export interface JudgeDayInput {
  readonly day: string;
  readonly scenario: number;
  /** Indexes of criteria that are measured, but for those at the end, or wait for an alert. */
  readonly criteria: readonly number[];
  readonly fromMs: number;
  /** Whether the scenario was ended before its own end, or not all of it was done. */
  readonly cut: boolean;
  /** Present: judge at once, as things were then. Absent: wait until all is settled. */
  readonly asOf?: { readonly toMs: number };
}

/** What was found of one of them. */
export interface FoundCriterion extends Found {
  readonly criterion: number;
}

/** Whose runs are ended, and why. */
export interface EndRunsInput {
  readonly day: string;
  readonly reason: string;
}

/** A run that was ended so, and how: its own word, or Temporal's. */
export interface EndedRun {
  readonly run: string;
  readonly scenario: number;
  readonly status: string;
  readonly deviated: boolean | null;
  readonly reason: string;
}

/** Which probes are read, and how often. */
export interface ReadProbesInput {
  readonly probes: readonly string[];
  readonly samples: number;
  readonly everyMs: number;
}

/** The median of each probe that answered mostly, and what was read last. */
export interface ReadProbes {
  readonly baseline: Readonly<Record<string, number>>;
  readonly readings: Readonly<Record<string, Reading>>;
  /** When it was over, on the site's clock, in milliseconds since the Unix epoch. */
  readonly atMs: number;
}
