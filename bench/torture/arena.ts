/**
 * Where trials take place: an installation, what its runs harm, and the blows that fit.
 *
 * Owns the protocol between a round and what is harmed in it. Whatever implements it looks at what is harmed by itself, and
 * never asks Squall.
 */
import type { Experiment } from '../../domain/experiment.ts';
import type { Blow } from './blows.ts';
import type { Lane } from './lane.ts';

/** What one run harms, and who looks at it. */
export interface Harmed {
  /** In a word: a blow may strike only one kind. */
  readonly kind: string;
  /** Which fault harms it, and whether it has been seen to do that: where there are several, each must have acted. */
  readonly fault?: string;
  readonly hasActed?: boolean;
  /** When anything was harmed first and last, in milliseconds of `performance.now()`. */
  readonly firstHarmedMs: number | undefined;
  readonly lastHarmedMs: number | undefined;
  /** When it was last seen to act, where that is another thing than that something of it is there. */
  readonly lastActedMs?: number | undefined;
  /** The experiment that harms it. */
  experiment(seed: string, ttlMs: number): Experiment;
  /** Whether a fault is on now. */
  isOn(): boolean;
  /** What has been harmed without a break for at least `ms`, in words. */
  harmedFor(ms: number): readonly string[];
  /** Ends it, harmed or not. Answers with what a last look has found left. */
  end(): Promise<readonly string[]>;
}

/** One installation to be beaten, and what its runs harm. */
export interface Arena {
  readonly lane: Lane;
  readonly blows: readonly Blow[];
  /** How many runs have a fault on before a blow is struck, unless that takes too long. */
  readonly onAtLeast: number;
  /** Beyond the time-to-live and a sweep, how long what no longer acts may take to be cleared away, in milliseconds. */
  readonly clearMs: number;
  /** New things to harm, one for each run of round `number`. */
  harmed(number: number): Promise<readonly Harmed[]>;
  close(): Promise<void>;
}
