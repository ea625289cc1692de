/**
 * The ladder: who is hit, and in which order.
 *
 * Owns the seeded shuffle of the candidates and the cutting of it into stages. Stages are prefixes of one order, so a
 * later stage contains every earlier one. Every limit is a ceiling: it must never reach more targets than asked.
 */
import type { BlastRadius, StageSize } from './experiment.ts';
import type { TargetId } from './fault.ts';
import { randomFrom } from './random.ts';

/** One stage, cut from a known number of candidates. */
export interface PlannedStage {
  /** Position in the experiment's list, from 0. */
  readonly stage: number;
  /** As written: `10%` or `3`. */
  readonly size: string;
  /** The stage adds the targets `order[from]` to `order[to - 1]`. */
  readonly from: number;
  readonly to: number;
  /** Share of all candidates under fault once this stage holds (ratio). */
  readonly radius: number;
  /** Why the stage adds nobody; absent when it adds somebody. */
  readonly skipped?: string;
}

/** Cuts the ladder of `radius` for `candidates` candidates. Rounds down; never beyond `max`. */
export function planStages(radius: Pick<BlastRadius, 'stages' | 'max'>, candidates: number): PlannedStage[] {
  const ceiling = Math.min(candidates, radius.max ?? candidates);
  let reached = 0;
  return radius.stages.map((size, stage) => {
    const asked = targetsOf(size, candidates);
    const to = Math.max(reached, Math.min(asked, ceiling));
    const planned = { stage, size: size.text, from: reached, to, radius: candidates === 0 ? 0 : to / candidates };
    const skipped = to > reached ? undefined : skipReason(size, asked, reached, candidates);
    reached = to;
    return skipped === undefined ? planned : { ...planned, skipped };
  });
}

/** How many targets are under fault once all of `stages` hold: `to` never falls. */
export function reachOf(stages: readonly Pick<PlannedStage, 'to'>[]): number {
  return stages.at(-1)?.to ?? 0;
}

/** A stage as people are shown it. */
export interface ShownStage extends Pick<PlannedStage, 'stage' | 'size' | 'to' | 'skipped'> {
  /** How many targets it adds, and the first of them. */
  readonly added: number;
  readonly names: readonly TargetId[];
}

/** Targets named a stage; the rest are counted. */
const NAMED_MAX = 8;

/** `stages` of a ladder over `targets`, bounded. */
export function shownStages(stages: readonly PlannedStage[], targets: readonly TargetId[]): ShownStage[] {
  return stages.map(({ stage, size, from, to, skipped }) => ({
    stage,
    size,
    to,
    ...(skipped === undefined ? {} : { skipped }),
    added: to - from,
    names: targets.slice(from, Math.min(to, from + NAMED_MAX)),
  }));
}

/** How many targets the ladder reaches at its top; 0 means it must be refused. */
export function topOf(stages: readonly PlannedStage[]): number {
  return stages.at(-1)?.to ?? 0;
}

function targetsOf(size: StageSize, candidates: number): number {
  // A share such as 0.07 of 100 is 7.000000000000001 in binary; the tolerance keeps exact shares exact.
  return size.kind === 'count' ? size.count : Math.floor(size.share * candidates + 1e-9);
}

function skipReason(size: StageSize, asked: number, reached: number, candidates: number): string {
  if (asked === 0) return `${size.text} of ${candidates} candidates is less than one target`;
  return `${size.text} of ${candidates} candidates adds nobody to the ${reached} already reached`;
}

/**
 * The candidates in the order `seed` puts them in: Fisher–Yates with a generator seeded from the text.
 * The same seed and candidates give the same order on every machine.
 */
export function shuffle(candidates: readonly TargetId[], seed: string): TargetId[] {
  const order = [...candidates];
  const random = randomFrom(seed);
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    const a = order[i] as TargetId;
    order[i] = order[j] as TargetId;
    order[j] = a;
  }
  return order;
}
