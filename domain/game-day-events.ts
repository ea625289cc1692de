/**
 * The record of a game day: what happened, in order.
 *
 * Owns the versioned schema; report, room and status are derived from it. The experiments of a day have journals of their own, which it
 * names.
 */
import type { GameDay, Role } from './game-day.ts';
import type { SeriesByProbe } from './probe.ts';

/** The schema's name and version; readers refuse another major version. */
export const GAME_DAY_SCHEMA = 'squall/game-day/v1';

/** One day's record, as the store writes it. */
export interface GameDayRecord {
  readonly schema: typeof GAME_DAY_SCHEMA;
  readonly day: string;
  readonly events: readonly GameDayEvent[];
}

/**
 * One thing that happened. `atMs`: milliseconds since the Unix epoch, on the workflow's clock; of samples and alerts, which are written beside
 * the workflow, on that of whoever took them, and their `seq` is 0.
 */
export type GameDayEvent = { readonly seq: number; readonly atMs: number } & GameDayEntry;

/** Who did something, and as what. */
export interface By {
  /** A name that nobody proved says so. */
  readonly by: string;
  /** From which machine, as they say. */
  readonly from?: string;
}

/** Whether something was as it should be. `unknown`: nobody could tell; it counts as not met. */
export type CriterionVerdict = 'met' | 'missed' | 'unknown';

/** How a scenario ended. */
export type ScenarioEnding = 'done' | 'skipped' | 'timed-out' | 'aborted';

/** How a day ended. `aborted`: by a person or a rule; `interrupted`: its workflow was cancelled, or an emergency stop was pulled. */
export type DayEnding = 'completed' | 'aborted' | 'interrupted';

/** The part of an event that differs by type. `scenario` and `criterion` are indexes, from 0. */
export type GameDayEntry =
  | ({
      readonly type: 'called';
      readonly gameDay: GameDay;
      readonly documentHash: string;
      readonly installation: string;
    } & By)
  | ({ readonly type: 'begun' } & By)
  | { readonly type: 'baseline'; readonly readings: Readonly<Record<string, number>> }
  | { readonly type: 'scenario-due'; readonly scenario: number }
  | ({ readonly type: 'scenario-begun'; readonly scenario: number } & Partial<By>)
  | { readonly type: 'run'; readonly scenario: number; readonly run: string; readonly experiment: string }
  | {
      readonly type: 'run-ended';
      readonly scenario: number;
      readonly run: string;
      /** A run's `status`, or how its execution ended: `terminated`. */
      readonly status: string;
      readonly deviated: boolean | null;
      readonly reason: string;
      /** From the fault's verified end to the steady state, in milliseconds; absent where it did not return, or no fault was on. */
      readonly recoveredMs?: number;
    }
  | { readonly type: 'step-asked'; readonly scenario: number; readonly step: string }
  | ({ readonly type: 'step-done'; readonly scenario: number; readonly step: string; readonly tookMs: number } & By)
  | {
      readonly type: 'criterion';
      readonly scenario: number;
      readonly criterion: number;
      readonly verdict: CriterionVerdict;
      /** In words: what was read, or what somebody said. */
      readonly evidence: string;
      readonly by?: string;
      readonly from?: string;
    }
  | ({
      readonly type: 'scenario-ended';
      readonly scenario: number;
      readonly ending: ScenarioEnding;
      readonly why: string;
    } & Partial<By>)
  | ({ readonly type: 'paused'; readonly why: string } & By)
  | ({ readonly type: 'resumed' } & By)
  /** The day, or where it says one a scenario, may take so much longer. */
  | ({ readonly type: 'extended'; readonly byMs: number; readonly scenario?: number } & By)
  | ({ readonly type: 'note'; readonly as: Role | 'guest'; readonly text: string } & By)
  /** What was learnt, and what is to be done about it. */
  | ({ readonly type: 'finding'; readonly text: string; readonly scenario?: number } & By)
  | ({ readonly type: 'action'; readonly text: string; readonly owner: string; readonly scenario?: number } & By)
  | {
      readonly type: 'edge';
      readonly edge: 'breach-begins' | 'breach-ends' | 'no-data';
      readonly probe: string;
      readonly evidence: string;
    }
  /** Said at the first look, and at each change; `null`: nobody could tell. */
  | { readonly type: 'alert'; readonly alert: string; readonly firing: boolean | null }
  /** Whether the Alertmanagers can be asked: at the first look, and at each change. */
  | { readonly type: 'alerts'; readonly readable: boolean }
  | { readonly type: 'samples'; readonly series: SeriesByProbe }
  | ({ readonly type: 'day-ended'; readonly ending: DayEnding; readonly why: string } & Partial<By>);
