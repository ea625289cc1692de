/** What a page of the room is made of. */
import type { DayState } from '../../domain/game-day-state.ts';
import type { Markup } from '../markup.ts';
import type { GameDayReport, TimelineLine } from '../../domain/game-day-summary.ts';

/** A day as it was seen. Times are milliseconds since the Unix epoch. */
export interface DaySeen {
  readonly day: string;
  /** What is done is done to this execution. */
  readonly execution: string;
  readonly state: DayState;
  readonly lines: readonly TimelineLine[];
  /** From the record, as it was read last; undefined where there is none. */
  readonly report: GameDayReport | undefined;
  /** Of its probes, drawn from the record. */
  readonly charts: Markup | undefined;
  /** When the day has answered last. */
  readonly atMs: number;
  /** Why it does not answer now. */
  readonly silent: string | undefined;
  /** Why there is nothing of its record. */
  readonly unreadable: string | undefined;
  /** It was ended from outside, in Temporal's word. */
  readonly lost: string | undefined;
}

/** Whoever looks at it. */
export interface Viewer {
  readonly name: string;
  /** What is said to them about what they did last. */
  readonly said?: { readonly tone: 'good' | 'bad'; readonly words: string };
}
