/**
 * The radius of a cadence: how much of an experiment a tick does.
 *
 * Owns the steps from the least of it to the most, which of them an experiment has come to by its past, and how its ladder is cut to one. It only ever
 * takes away: never more than the experiment allows, nor than the cadence. Pure, and all that it knows is the journal's.
 */
import type { BlastRadius, StageSize } from './experiment.ts';
import type { Candidate, PastRun, RadiusStep } from './picking.ts';
import { percent } from './units.ts';

/** From the least to the most, both shares of the candidates or both numbers of them. */
export interface RadiusRange {
  readonly from: StageSize;
  readonly to: StageSize;
}

/** Each step reaches so many times as many as the one before. */
const WIDER = 2;
/** Shares that are written in decimals are not exact in binary. */
const EXACT = 1e-9;

/** From the least to the most of `range`, or what `blastRadius` allows of it; never empty. */
export function stepsOf({ from, to }: RadiusRange, { stages }: Pick<BlastRadius, 'stages'>): readonly StageSize[] {
  const most = Math.min(sizeOf(to), topOf(stages, to.kind) ?? Infinity);
  const steps: StageSize[] = [];
  for (let size = sizeOf(from); size < most - EXACT; size *= WIDER) steps.push(sized(from.kind, size));
  return [...steps, sized(from.kind, most)];
}

/** The step that an experiment has come to: a run that held at it leads to the next one, one that failed to the one before. */
export function stepOf(
  { experiment, documentHash, radii = [] }: Candidate,
  past: readonly PastRun[],
): RadiusStep | undefined {
  let step = 0;
  let since: RadiusStep['since'];
  for (const run of past) {
    if (run.experiment !== experiment) continue;
    if (run.deviated === true || run.aborted) {
      step = Math.max(0, step - 1);
      since = { run: run.run, held: false };
    } else if (run.deviated === false && run.documentHash === documentHash && step < radii.length - 1) {
      // What held at less, or held when the document was another, says nothing of this one.
      if (!reached(run, radii[step])) continue;
      step += 1;
      since = { run: run.run, held: true };
    }
  }
  const size = radii[step];
  return size && { size, step: step + 1, of: radii.length, ...(since === undefined ? {} : { since }) };
}

function reached({ askedShare = 0, reached: targets = 0 }: PastRun, size: StageSize | undefined): boolean {
  if (size === undefined) return false;
  return size.kind === 'share' ? askedShare >= size.share - EXACT : targets >= size.count;
}

/** `blastRadius` as far as `size`. Where one is a share and the other a number, the ladder is cut by the number. */
export function cutTo(blastRadius: BlastRadius, size: StageSize): BlastRadius {
  const { stages, max = Infinity } = blastRadius;
  const most = topOf(stages, size.kind);
  if (most !== undefined) {
    const top = sizeOf(size) <= most + EXACT ? size : sized(size.kind, most);
    const below = stages.filter((stage) => stage.kind === size.kind && sizeOf(stage) < sizeOf(top) - EXACT);
    return { ...blastRadius, stages: [...below, top] };
  }
  if (size.kind === 'count') return { ...blastRadius, max: Math.min(max, size.count) };
  return { ...blastRadius, stages: [size], max: Math.min(max, topOf(stages, 'count') ?? max) };
}

/** Whether a ladder does not go as far, where that can be told without knowing how many candidates there are. */
export function isBeyond(size: StageSize, { stages }: Pick<BlastRadius, 'stages'>): boolean {
  return sizeOf(size) > (topOf(stages, size.kind) ?? Infinity) + EXACT;
}

/** As far as stages of this kind go; undefined where there are none. */
function topOf(stages: readonly StageSize[], kind: StageSize['kind']): number | undefined {
  const sizes = stages.filter((stage) => stage.kind === kind).map(sizeOf);
  return sizes.length === 0 ? undefined : Math.max(...sizes);
}

/** A share as a ratio, or a number of targets. */
function sizeOf(stage: StageSize): number {
  return stage.kind === 'share' ? stage.share : stage.count;
}

function sized(kind: StageSize['kind'], size: number): StageSize {
  if (kind === 'count') return { kind, count: size, text: `${size}` };
  const share = Number(size.toPrecision(12));
  return { kind, share, text: percent(share) };
}

/** In words. */
export function describeRadius({ from, to }: RadiusRange): string {
  return from.text === to.text ? from.text : `${from.text} to ${to.text}`;
}
