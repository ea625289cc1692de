/**
 * What people ask of a game day: the shapes of its report.
 *
 * Owns the words that all forms of the report share, and the versioned schema of the one that programs read. Has no rules.
 */
import type { CriterionVerdict, DayEnding, ScenarioEnding } from './game-day-events.ts';
import type { DayPhase, ScenarioPhase } from './game-day-state.ts';
import type { CriterionKind, GameDay, Roles, WatchedProbe } from './game-day.ts';
import type { SeriesByProbe } from './probe.ts';
import type { Dimension } from './quantity.ts';

/** The schema's name and version. A version only grows; a field that changes its meaning, or goes, makes another. */
export const GAME_DAY_REPORT_SCHEMA = 'squall/game-day-report/v1';

/** One day. Times are milliseconds since the Unix epoch; null is "not yet", "never" in a day that is over, or "not known". */
export interface GameDayReport {
  readonly schema: typeof GAME_DAY_REPORT_SCHEMA;
  readonly day: string;
  readonly name: string;
  readonly purpose: string;
  /** The document, parsed. */
  readonly gameDay: GameDay;
  readonly documentHash: string;
  readonly installation: string;
  readonly roles: Roles;
  readonly calledBy: string;
  readonly state: ReportedState;
  /** Why it ended, as was said then. */
  readonly why: string | null;
  readonly calledAtMs: number;
  readonly begunAtMs: number | null;
  readonly endedAtMs: number | null;
  /** The last thing that is known of. */
  readonly lastAtMs: number;
  /** One to three sentences, made of what follows. */
  readonly summary: readonly string[];
  /** Runs whose fault may still be on, as far as is known. */
  readonly stillOn: readonly string[];
  /** How many criteria there are, and what came of them; `unknown` is not met. */
  readonly criteria: Readonly<Record<CriterionVerdict | 'of', number>>;
  readonly scenarios: readonly ScenarioReport[];
  readonly faults: readonly FaultReport[];
  readonly detection: DetectionFigure;
  readonly restoration: { readonly fromBeginning: MeanFigure; readonly fromEnd: MeanFigure };
  /** One for each probe that stands for availability. */
  readonly availability: readonly AvailabilityReport[];
  /** One for each probe that stands for business. */
  readonly impact: readonly ImpactReport[];
  readonly gaps: readonly Gap[];
  readonly findings: readonly Finding[];
  readonly actions: readonly Action[];
  /** Alerts that began to fire. */
  readonly alerts: readonly { readonly alert: string; readonly atMs: number }[];
  /** What happened, in the order of time. */
  readonly timeline: readonly TimelineLine[];
  /** What this report lacks, in sentences: journals that are not there. */
  readonly missing: readonly string[];
  readonly baseline: Readonly<Record<string, number>>;
  /** What the day's own probes read. */
  readonly series: SeriesByProbe;
}

/** Where the day is, or how it ended. */
export type ReportedState = Exclude<DayPhase, 'ended'> | DayEnding;

/** Where a scenario is, or how it ended. `unfinished`: it had begun when the day ended, and nobody said how it ended itself. */
export type ReportedScenarioState = Exclude<ScenarioPhase, 'ended'> | 'unfinished' | 'never-begun' | ScenarioEnding;

/** One scenario. `scenario` is its index, from 0. */
export interface ScenarioReport {
  readonly scenario: number;
  readonly name: string;
  readonly expected: string;
  readonly state: ReportedScenarioState;
  readonly why: string | null;
  readonly begunAtMs: number | null;
  readonly endedAtMs: number | null;
  readonly criteria: readonly CriterionReport[];
  readonly runs: readonly string[];
  readonly steps: readonly StepReport[];
}

/** One criterion, and what came of it. */
export interface CriterionReport {
  readonly name: string;
  readonly kind: CriterionKind;
  /** What was asked, in words. */
  readonly asked: string;
  readonly verdict: CriterionVerdict;
  /** What was read or said, or why nothing was. */
  readonly evidence: string;
  readonly by: string | null;
  readonly atMs: number | null;
}

/** A step that people took. `tookMs` is null where nobody said that it was done. */
export interface StepReport {
  readonly step: string;
  readonly askedAtMs: number;
  readonly tookMs: number | null;
  readonly by: string | null;
}

/** One run: one fault, from its first stage to the verified absence of its last. */
export interface FaultReport {
  readonly scenario: number;
  readonly run: string;
  readonly experiment: string;
  /** The driver's kind; null where its journal is not there. */
  readonly fault: string | null;
  /** As its execution ended, or `open`. */
  readonly status: string;
  readonly deviated: boolean | null;
  /** When it was first put on; null where it never was, or nobody can tell. */
  readonly beganAtMs: number | null;
  /** When its absence was verified on the last of its targets. */
  readonly goneAtMs: number | null;
  readonly detected: Detection | null;
  /** Whether the steady state was left meanwhile; null where nobody can tell. */
  readonly left: boolean | null;
  /** Whether it returned. */
  readonly recovered: boolean | null;
  /** From the fault's beginning, and from its verified end, to the steady state, in milliseconds. */
  readonly fromBeginningMs: number | null;
  readonly fromEndMs: number | null;
}

/** The first that told of a fault, and how long after its beginning, in milliseconds. */
export interface Detection {
  readonly by: 'alert' | 'breach';
  readonly what: string;
  readonly afterMs: number;
}

/** A mean over `count` of `of` faults, in milliseconds; null over none. */
export interface MeanFigure {
  readonly meanMs: number | null;
  readonly count: number;
  readonly of: number;
}

/** How many faults were told of by an alert, and how many only by a breach. */
export interface DetectionFigure extends MeanFigure {
  readonly byAlert: number;
  readonly byBreach: number;
}

/** Time that is known, and time that is not, in milliseconds. */
export interface Sight {
  readonly knownMs: number;
  readonly unknownMs: number;
}

/** Ratios from 0 to 1. */
export interface AvailabilityFigure extends Sight {
  /** Of the time that is known; null where none is. */
  readonly share: number | null;
  /** Of all time, as though it had been down whenever nobody knows. */
  readonly atLeast: number;
}

/** What one probe says of availability. */
export interface AvailabilityReport {
  readonly probe: string;
  /** Why nothing can be said; null where something can. */
  readonly why: string | null;
  readonly whole: AvailabilityFigure;
  /** In the order of the scenarios; null where one did not begin. */
  readonly scenarios: readonly (AvailabilityFigure | null)[];
}

/** Readings in the probe's canonical unit, over the time that is known. */
export interface ImpactFigure extends Sight {
  /** What a rate lost against its baseline, and what the baseline made one expect: events. Null where it is no rate, or has no baseline. */
  readonly lost: number | null;
  readonly expected: number | null;
  readonly lowest: number | null;
  readonly highest: number | null;
  readonly mean: number | null;
}

/** What one probe says of customers. */
export interface ImpactReport {
  readonly probe: string;
  readonly dimension: Dimension;
  readonly baseline: number | null;
  /** Why there is no sum; null where there is one. */
  readonly why: string | null;
  readonly whole: ImpactFigure;
  readonly scenarios: readonly (ImpactFigure | null)[];
  /** What a rate lost while no scenario ran: what chance, or the way back, makes of it. */
  readonly between: number | null;
}

/** Something that was not there when it was needed, as far as a machine can tell. */
export interface Gap {
  readonly kind: 'monitoring' | 'runbook' | 'automation';
  readonly scenario: number | null;
  readonly atMs: number;
  readonly words: string;
}

/** What was learnt. */
export interface Finding {
  readonly text: string;
  readonly by: string;
  readonly atMs: number;
  readonly scenario: number | null;
}

/** What is to be done about it. `item` counts from 1. */
export interface Action extends Finding {
  readonly item: number;
  readonly owner: string;
}

/** One line of what happened. `loud` is what nobody may miss. */
export interface TimelineLine {
  readonly atMs: number;
  readonly what: string;
  readonly words: string;
  readonly scenario: number | null;
  readonly loud: boolean;
}

/** What a probe of the day stands for. */
export type Stands = WatchedProbe['stands'];
