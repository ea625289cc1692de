/**
 * Synthetic systems with hidden weaknesses, on which pickers are compared.
 *
 * Owns the worlds: in which of them the past tells something of what is weak, and in which it tells nothing. It was written and committed before
 * any picker that learns, knows none of them, and must never be changed to flatter one. Pure: a seed makes the same system on every machine.
 */
import { randomFrom } from '../../domain/random.ts';

/** An experiment of a system, as a picker may see it. */
export interface Suspect {
  readonly name: string;
  /** What it is done to. */
  readonly target: string;
  /** What is done. */
  readonly fault: string;
}

/** What an experiment would find, unless it was found before. */
export interface Weakness {
  /** Index of the suspect that finds it. */
  readonly suspect: number;
  /** The tick from which on it is there. */
  readonly fromTick: number;
  /** How often a test of it shows it (ratio). */
  readonly shows: number;
}

/** That an experiment's document was changed before a tick. */
export interface DocumentChange {
  readonly suspect: number;
  readonly atTick: number;
}

export interface System {
  readonly seed: string;
  readonly suspects: readonly Suspect[];
  readonly weaknesses: readonly Weakness[];
  readonly changes: readonly DocumentChange[];
}

/** A kind of system. */
export interface World {
  readonly name: string;
  /** Whether what was found before, or a change, tells where to look. */
  readonly telling: boolean;
  /** In words, for the table's reader. */
  readonly what: string;
  readonly systemOf: (seed: string) => System;
}

/** Numbers for one system, all of the same seed. */
interface Chance {
  /** A whole number, both bounds included. */
  readonly whole: (low: number, high: number) => number;
  readonly between: (low: number, high: number) => number;
  readonly oneOf: <T>(list: readonly T[]) => T;
}

/** How many weaknesses there are beside each suspect, at most. */
const WEAK_SHARE = 0.3;
/** How many of the weaknesses of a fragile target, or fault, are really there; the others are anywhere. */
const FRAGILE_SHARE = 0.85;

/** Every world, those in which the past tells nothing first. */
export const WORLDS: readonly World[] = [
  world(
    'scattered',
    false,
    'weaknesses anywhere, there from the beginning, shown by each test',
    (chance, suspects) => ({
      weaknesses: anywhere(chance, suspects, () => ({ fromTick: 0, shows: 1 })),
    }),
  ),
  world('seldom shown', false, 'the same, but a test shows one in 30 to 90 % of the times', (chance, suspects) => ({
    weaknesses: anywhere(chance, suspects, () => ({ fromTick: 0, shows: chance.between(0.3, 0.9) })),
  })),
  world('arising', false, 'weaknesses anywhere, which come as time goes by', (chance, suspects) => ({
    weaknesses: anywhere(chance, suspects, () => ({ fromTick: chance.whole(0, 4 * suspects.length), shows: 0.8 })),
  })),
  world('harmless changes', false, 'the same, and documents change for no reason', (chance, suspects) => ({
    weaknesses: anywhere(chance, suspects, () => ({ fromTick: chance.whole(0, 4 * suspects.length), shows: 0.8 })),
    changes: changesOf(chance, suspects),
  })),
  world('fragile targets', true, 'most weaknesses are of one target', (chance, suspects) => ({
    weaknesses: together(chance, suspects, 'target'),
  })),
  world('fragile to a fault', true, 'most weaknesses are to one fault', (chance, suspects) => ({
    weaknesses: together(chance, suspects, 'fault'),
  })),
  world('regressions', true, 'what was weak becomes weak again, up to three times', (chance, suspects) => ({
    weaknesses: anywhere(chance, suspects, () => ({ fromTick: 0, shows: 0.8 })).flatMap((first) => {
      const all = [first];
      for (let again = chance.whole(1, 3), fromTick = 0; again > 0; again--) {
        fromTick += chance.whole(suspects.length, 3 * suspects.length);
        all.push({ ...first, fromTick });
      }
      return all;
    }),
  })),
  world('changes that break', true, 'half of the changes of a document come with a weakness', (chance, suspects) => {
    const changes = changesOf(chance, suspects);
    const breaking = changes.filter((_, i) => i % 2 === 0);
    return { changes, weaknesses: breaking.map(({ suspect, atTick }) => ({ suspect, fromTick: atTick, shows: 0.8 })) };
  }),
];

function world(
  name: string,
  telling: boolean,
  what: string,
  make: (chance: Chance, suspects: readonly Suspect[]) => Pick<System, 'weaknesses'> & Partial<System>,
): World {
  const systemOf = (seed: string): System => {
    const chance = chanceOf(`${name} ${seed}`);
    const suspects = suspectsOf(chance);
    return { seed: `${name} ${seed}`, suspects, changes: [], ...make(chance, suspects) };
  };
  return { name, telling, what, systemOf };
}

function chanceOf(seed: string): Chance {
  const random = randomFrom(seed);
  const between = (low: number, high: number): number => low + random() * (high - low);
  const whole = (low: number, high: number): number => Math.floor(between(low, high + 1));
  return { whole, between, oneOf: <T>(list: readonly T[]) => list[whole(0, list.length - 1)] as T };
}

/** From 8 to 24 experiments on 3 to 6 targets, of 3 to 5 faults, in no order. */
function suspectsOf(chance: Chance): readonly Suspect[] {
  const targets = Array.from({ length: chance.whole(3, 6) }, (_, i) => `target ${i}`);
  const faults = Array.from({ length: chance.whole(3, 5) }, (_, i) => `fault ${i}`);
  return Array.from({ length: chance.whole(8, 24) }, (_, i) => ({
    name: `experiment-${i}`,
    target: chance.oneOf(targets),
    fault: chance.oneOf(faults),
  }));
}

function anywhere(
  chance: Chance,
  suspects: readonly Suspect[],
  more: () => Omit<Weakness, 'suspect'>,
): readonly Weakness[] {
  return Array.from({ length: howMany(chance, suspects) }, () => ({
    suspect: chance.whole(0, suspects.length - 1),
    ...more(),
  }));
}

/** Most of them at suspects that have one target, or one fault, in common. */
function together(chance: Chance, suspects: readonly Suspect[], by: 'target' | 'fault'): readonly Weakness[] {
  const fragile = chance.oneOf(suspects)[by];
  const there = suspects.flatMap((suspect, i) => (suspect[by] === fragile ? [i] : []));
  return Array.from({ length: howMany(chance, suspects) }, () => ({
    suspect: chance.between(0, 1) < FRAGILE_SHARE ? chance.oneOf(there) : chance.whole(0, suspects.length - 1),
    fromTick: 0,
    shows: 0.8,
  }));
}

function changesOf(chance: Chance, suspects: readonly Suspect[]): readonly DocumentChange[] {
  return Array.from({ length: 2 * howMany(chance, suspects) }, () => ({
    suspect: chance.whole(0, suspects.length - 1),
    atTick: chance.whole(1, 6 * suspects.length),
  }));
}

function howMany(chance: Chance, suspects: readonly Suspect[]): number {
  return chance.whole(1, Math.max(1, Math.floor(WEAK_SHARE * suspects.length)));
}
