/**
 * The experiment: what an author asks for, parsed.
 *
 * Owns the typed, frozen value that every other part works from. It is made once, at the border (`documents/`), and is
 * plain JSON, so it travels unchanged through Temporal and into the journal. Must never hold a URL or a credential.
 */
import type { Quantity } from './quantity.ts';

/** Any JSON value. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
/** A JSON object. */
export interface JsonObject {
  readonly [key: string]: Json;
}

/** One experiment document. */
export interface Experiment {
  /** Lower-case letters, digits and dashes; unique within its catalogue. */
  readonly name: string;
  /** One sentence: what should stay true while the fault is on. */
  readonly hypothesis: string;
  readonly steadyState: readonly SteadyStateCheck[];
  /** The driver's kind, `<provider>/<fault>`. */
  readonly fault: string;
  /** The driver's parameters, as its schema parsed them. */
  readonly with: JsonObject;
  readonly targets: Targets;
  readonly blastRadius: BlastRadius;
  readonly stopConditions: readonly StopCondition[];
  /** What must be true before it begins and before each stage, besides what the control worker asks of every run. */
  readonly preconditions?: Preconditions;
  /** How long the steady state may take to return after the rollback, in milliseconds. */
  readonly recoverWithinMs: number;
  /** How often each probe is sampled, in milliseconds. */
  readonly sampleEveryMs: number;
  /** The least a fault lives without a renewal, in milliseconds; very many targets live longer (`leaseTiming`). Absent: 30 s. */
  readonly timeToLiveMs?: number;
}

/** What an author asks of the world before anything is touched. */
export interface Preconditions {
  /** Refused where the control worker cannot tell. */
  readonly healthy?: true;
  readonly noIncidents?: true;
  /** The name of a window of the control worker. */
  readonly window?: string;
  /** A run outside of the window waits for somebody's approval instead of being refused. */
  readonly windowOverride?: 'approval';
  /** The least spare capacity, as a ratio. */
  readonly capacityMin?: number;
  /** How many candidates, or which share of them, must be left outside of the blast radius. */
  readonly minHealthy?: StageSize;
  /** Time since the last run of the same experiment, or on the same target, in milliseconds. */
  readonly coolDownMs?: number;
}

/** The three groups people sort their steady state into. */
export type SteadyStateGroup = 'business' | 'system' | 'dependencies';

/** One probe and the readings of it that are accepted. */
export interface SteadyStateCheck {
  readonly probe: string;
  readonly group: SteadyStateGroup;
  readonly tolerance: Tolerance;
}

/** What readings are accepted: a range with either end open, or nearness to the baseline taken in pre-flight. */
export type Tolerance =
  | { readonly kind: 'range'; readonly min?: Quantity; readonly max?: Quantity }
  /** `share` is a ratio: 0.1 accepts readings within 10 % of the baseline, either way. */
  | { readonly kind: 'baseline'; readonly share: number };

/** Where the targets are. `selector` means something only to the target provider of the fault's driver. */
export interface Targets {
  readonly site: string;
  readonly selector: JsonObject;
}

/** How far a fault may reach, and in which steps. */
export interface BlastRadius {
  /** At least one, at most 20, each larger than the one before. */
  readonly stages: readonly StageSize[];
  /** How long each stage is held, in milliseconds. */
  readonly holdMs: number;
  /** The most targets at once, whatever the stages say. */
  readonly max?: number;
  /** Makes the choice of targets repeatable; absent means the run draws one and journals it. */
  readonly seed?: string;
  /** How long a stage waits for targets that another run holds, in milliseconds; absent: it is refused. */
  readonly waitMs?: number;
}

/** A share of the candidates (ratio, 0.1 is 10 %) or a number of them. */
export type StageSize =
  | { readonly kind: 'share'; readonly share: number; readonly text: string }
  | { readonly kind: 'count'; readonly count: number; readonly text: string };

/** How a run is ended early. `communicate` acts as `immediate`, and the journal says who was told of it and who was not. */
export type AbortMode = 'immediate' | 'graceful' | 'communicate';

/** A probe and a threshold that, breached for a sustained time, aborts the run. */
export interface StopCondition {
  readonly probe: string;
  readonly breach: Breach;
  /** How long the breach must last before it aborts, in milliseconds; 0 aborts at the first breaching sample. */
  readonly forMs: number;
  readonly abort: AbortMode;
}

/** When a sample breaches. `drops` and `rises` are relative to the baseline; `count` is a rise of a running total. */
export type Breach =
  | { readonly kind: 'above'; readonly limit: Quantity }
  | { readonly kind: 'below'; readonly limit: Quantity }
  | { readonly kind: 'outside'; readonly min: Quantity; readonly max: Quantity }
  | { readonly kind: 'drops'; readonly share: number }
  | { readonly kind: 'rises'; readonly share: number }
  | { readonly kind: 'count'; readonly count: number; readonly withinMs: number };
