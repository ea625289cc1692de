/**
 * The program: experiments that run continuously, one of a pool at each tick of a cadence.
 *
 * Owns what a tick takes from its pool, and how a run says that a program started it. It chooses with numbers that are drawn from a seed which is written down, so that every choice can be
 * explained and repeated. Pure.
 */
import type { CalendarTime } from './calendar-time.ts';
import type { Bounds } from './experiment-bounds.ts';
import type { Experiment } from './experiment.ts';
import type { GameDay } from './game-day.ts';
import type { Candidate, Choice, Picker } from './picking.ts';
import type { Grouping } from './grouping.ts';
import { cutTo, stepsOf } from './radius.ts';
import type { RadiusRange } from './radius.ts';
import { randomFrom } from './random.ts';

export interface Program {
  /** Lower-case letters, digits and dashes. */
  readonly name: string;
  readonly cadences: readonly Cadence[];
}

/** Experiments, and when one of them is run. Plain JSON: it travels with its schedule. */
export interface Cadence {
  readonly name: string;
  /** From one tick to the next, in milliseconds; of a calendar's the least, but for changes of the clock. */
  readonly everyMs: number;
  /** When its ticks come; absent: every `everyMs`. */
  readonly at?: CalendarTime;
  /** How a tick chooses. */
  readonly pick: Picker;
  /** How far ticks go, where that is less than their experiments would; absent: as far as they say. */
  readonly radius?: RadiusRange;
  /** How long a tick waits until it is safe, in milliseconds, and never until the next one; absent: half an hour. */
  readonly waitUpToMs?: number;
  /** How targets fall into groups, each of which is hit seldom and on its own; absent: they are one. */
  readonly groups?: Grouping;
  /** Each tick only says what it would do, and touches nothing. */
  readonly dryRun: boolean;
  /** Empty where each tick calls a game day. */
  readonly pool: readonly Pooled[];
  /** The day that each tick calls; its commander begins it. Absent: a tick runs one of the pool. */
  readonly gameDay?: CalledDay;
}

/** What came of a tick, for counting. `nobody`: it was no group’s turn. */
export interface Ticked {
  readonly program: string;
  readonly cadence: string;
  readonly ended: 'ran' | 'left-out' | 'nobody' | 'dry-run';
}

/** A game day of a program. */
export interface CalledDay {
  readonly gameDay: GameDay;
  /** SHA-256 of its document, in hex. */
  readonly documentHash: string;
}

/** An experiment of a pool. */
export interface Pooled {
  readonly experiment: Experiment;
  /** SHA-256 of its document, in hex. */
  readonly documentHash: string;
  /** Parameters of the fault that are drawn anew at each tick, both bounds included, in the unit in which parameters travel. */
  readonly draw: Readonly<Record<string, Bounds>>;
}

/** What a tick runs. */
export interface Picked extends Pick<Pooled, 'experiment' | 'documentHash'> {
  /** The parameters that were drawn. */
  readonly drawn: Readonly<Record<string, number>>;
}

/** Ids of schedules that are ours begin with it. */
export const SCHEDULES = 'squall-program';

/** The schedule that a cadence is. */
export function scheduleId(program: string, cadence: string): string {
  return `${SCHEDULES}/${program}/${cadence}`;
}

/** What chance takes from the pool by `seed`, with nothing known of the past, as ticks did before 0.5; undefined where the pool is empty. */
export function pick({ pool }: Pick<Cadence, 'pool'>, seed: string): Picked | undefined {
  return drawn(pool[Math.floor(randomFrom(seed)() * pool.length)], seed);
}

/** What `choice` takes from the pool; undefined where it takes nothing. */
export function taken(
  { pool, radius }: Pick<Cadence, 'pool' | 'radius'>,
  { ranking, seed }: Choice,
): Picked | undefined {
  const [first] = ranking;
  const picked = first && drawn(pool[first.pooled], seed);
  if (picked === undefined || radius === undefined) return picked;
  const { blastRadius } = picked.experiment;
  // A control worker of before 0.5 does not say how far: no farther than the least.
  const size = first?.radius?.size ?? stepsOf(radius, blastRadius)[0];
  return size === undefined
    ? undefined
    : { ...picked, experiment: { ...picked.experiment, blastRadius: cutTo(blastRadius, size) } };
}

/** What a picker sees of a pool; `deployed`: when the targets of each were, where anybody was asked. */
export function candidatesOf(
  { pool, radius }: Pick<Cadence, 'pool' | 'radius'>,
  deployed?: readonly (number | null)[],
): readonly Candidate[] {
  return pool.map(({ experiment: { name, targets, fault, blastRadius }, documentHash }, i) => ({
    experiment: name,
    documentHash,
    target: `${targets.site} ${JSON.stringify(targets.selector)}`,
    fault,
    ...(deployed === undefined ? {} : { deployedAtMs: deployed[i] ?? null }),
    ...(radius === undefined ? {} : { radii: stepsOf(radius, blastRadius) }),
  }));
}

function drawn(chosen: Pooled | undefined, seed: string): Picked | undefined {
  if (chosen === undefined) return undefined;
  const { experiment, documentHash, draw } = chosen;
  const random = randomFrom(seed);
  // The first number is that which chance chooses with.
  random();
  const values: Record<string, number> = {};
  for (const [key, bounds] of Object.entries(draw).toSorted()) values[key] = between(bounds, random());
  return { experiment: { ...experiment, with: { ...experiment.with, ...values } }, documentHash, drawn: values };
}

/** As whom a program starts a run: who applied it is named, since nobody signs at each tick. */
export function startedByProgram(program: string, appliedBy: string): string {
  return `program ${program}, applied by ${appliedBy}`;
}

/** The program that started a run, by what its journal says of who did; undefined where a person did. */
export function programOf(startedBy: string): string | undefined {
  return /^program ([a-z0-9-]+), applied by /.exec(startedBy)?.[1];
}

/** Whole where both bounds are. */
function between([low, high]: Bounds, share: number): number {
  const isWhole = Number.isInteger(low) && Number.isInteger(high);
  return isWhole ? low + Math.floor(share * (high - low + 1)) : low + share * (high - low);
}
