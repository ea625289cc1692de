/**
 * The game day: scenarios on a timeline, with roles, criteria and a report.
 *
 * Owns the typed value that the workflow, the plan and the report work from, made once at the border (`documents/`). Plain JSON. Must
 * never hold a URL or a credential.
 */
import type { Experiment, StopCondition, Tolerance } from './experiment.ts';

/** One game-day document. Offsets count from the moment at which the commander begins it. */
export interface GameDay {
  /** Lower-case letters, digits and dashes. */
  readonly name: string;
  /** One sentence: what the team wants to learn. */
  readonly purpose: string;
  /** When it is planned for, in milliseconds since the Unix epoch, and in which time zone that was written; absent: whenever it is begun. */
  readonly planned?: { readonly atMs: number; readonly zone: string };
  /** How long it may take, in milliseconds. What is still open then is skipped. */
  readonly durationMs: number;
  /** Where the day's own probes are read: those of its criteria, its rules and its charts. */
  readonly site: string;
  readonly roles: Roles;
  /** What everybody is told before it begins. */
  readonly briefing: string;
  /** What ends the whole day. */
  readonly abortOn: readonly StopCondition[];
  /** Probes that are drawn, besides those of criteria and rules. */
  readonly watched: readonly WatchedProbe[];
  /** How often the day's probes are read, in milliseconds. */
  readonly sampleEveryMs: number;
  /** At least one, in the order of their offsets. */
  readonly scenarios: readonly Scenario[];
}

/** Who does what, each as `--by` and the policy's keys name people. One person may have several roles. */
export interface Roles {
  /** Starts, approves, pauses, skips, extends, aborts. */
  readonly commander: string;
  /** Writes down what happens. */
  readonly scribe?: string;
  /** Tells those outside. */
  readonly communications?: string;
  /** Judge what no probe can. */
  readonly observers: readonly string[];
}
export type Role = 'commander' | 'scribe' | 'communications' | 'observer';

/** A probe of the day. One that stands for `business` is compared with its baseline, and what it lost is summed up. */
export interface WatchedProbe {
  readonly probe: string;
  readonly stands: 'business' | 'availability' | 'system';
}

export interface Scenario {
  /** Lower-case letters, digits and dashes; unique in its day. */
  readonly name: string;
  /** From the day's beginning to this scenario's, at the earliest, in milliseconds. Scenarios do not overlap. */
  readonly offsetMs: number;
  readonly work: Work;
  /** What should happen, in words. */
  readonly expected: string;
  readonly criteria: readonly Criterion[];
  /** Then its experiments are aborted, its people are not waited for any more, and what is not met is missed; in milliseconds. */
  readonly timeoutMs: number;
  /** Who lets it begin. */
  readonly approve: 'commander' | 'auto';
}

/** What is done. `by-hand` is a step that people take, and that is timed: no driver does it. Its words are its own in its scenario. */
export type Work =
  | { readonly kind: 'experiment'; readonly experiment: Experiment; readonly documentHash: string }
  | { readonly kind: 'sequence' | 'parallel'; readonly of: readonly Work[] }
  | { readonly kind: 'by-hand'; readonly step: string };

/** What is to be found true. `name` is in people's words, and unique in its scenario. */
export type Criterion = { readonly name: string } & Asked;

type Asked =
  | {
      /** A probe's readings: all of them from the scenario's beginning on (`throughout`), the one at its end, or one within a time after its beginning, which is then kept to. */
      readonly kind: 'measured';
      readonly probe: string;
      readonly accept: Tolerance;
      readonly when: 'throughout' | 'at-end' | { readonly withinMs: number };
    }
  /** From the verified end of each fault to the steady state, by the experiments' journals; at most so many milliseconds. */
  | { readonly kind: 'recovery'; readonly withinMs: number }
  /** No experiment of the scenario deviated. */
  | { readonly kind: 'hypothesis' }
  /** An alert of this name fires at the Alertmanager of the control worker, within so many milliseconds of the scenario's beginning. */
  | { readonly kind: 'alert'; readonly alert: string; readonly withinMs: number }
  /** A person says so. */
  | { readonly kind: 'judged'; readonly by: Role };
export type CriterionKind = Asked['kind'];
