/**
 * How soon each picker finds every weakness of synthetic systems.
 *
 * Owns the comparison: each picker meets the same systems, so that differences are taken system by system, and the seeds are not those that the model
 * was tuned on. Needs no server and no clock.
 */
import { setImmediate as breathe } from 'node:timers/promises';
import type { Picker } from '../../domain/picking.ts';
import { meanOf } from '../distribution.ts';
import type { Goal, Outcome } from '../outcome.ts';
import { ticksUntilAllFound } from './simulation.ts';
import { WORLDS } from './worlds.ts';
import type { World } from './worlds.ts';

/** The other pickers. */
const OTHERS = ['random', 'round-robin'] as const satisfies readonly Picker[];
/** So many standard errors to each side hold the mean in 95 % of the times. */
const Z95 = 1.96;

/** A mean, and how far to each side its 95 % confidence interval reaches. */
interface Mean {
  readonly mean: number;
  readonly within: number;
}

interface Compared {
  readonly world: World;
  readonly evidence: Mean;
  /** Each of the others, and by how many ticks evidence is later than it. */
  readonly others: Readonly<Record<(typeof OTHERS)[number], { readonly ticks: Mean; readonly later: Mean }>>;
}

/** Compares the pickers in `systems` systems of each world. */
export async function measurePickers({ systems }: { systems: number }, say: (line: string) => void): Promise<Outcome> {
  const compared: Compared[] = [];
  for (const world of WORLDS) {
    say(`${systems} systems: ${world.name}`);
    compared.push(await compare(world, systems));
  }
  return {
    tables: [
      {
        title: `mean ticks until every weakness is found, ${systems} systems of each world, ± 95 %`,
        head: ['world', 'the past tells', 'evidence', ...OTHERS, ...OTHERS.map((other) => `evidence − ${other}`)],
        rows: compared.map(({ world, evidence, others }) => [
          world.name,
          world.telling ? 'something' : 'nothing',
          shown(evidence),
          ...OTHERS.map((other) => shown(others[other].ticks)),
          ...OTHERS.map((other) => shown(others[other].later)),
        ]),
      },
    ],
    goals: compared.flatMap(goalsOf),
    notes: WORLDS.map(({ name, what }) => `${name}: ${what}.`),
    figures: { systems, worlds: compared.map(({ world, ...figures }) => ({ world: world.name, ...figures })) },
  };
}

async function compare(world: World, count: number): Promise<Compared> {
  const ticks: Record<Picker, number[]> = { evidence: [], random: [], 'round-robin': [] };
  for (let i = 0; i < count; i++) {
    const system = world.systemOf(`${i}`);
    for (const [pick, all] of Object.entries(ticks)) all.push(ticksUntilAllFound(system, pick as Picker));
    // Whoever presses Ctrl-C is heard.
    await breathe();
  }
  const against = (other: Picker): { ticks: Mean; later: Mean } => ({
    ticks: meanWithin(ticks[other]),
    later: meanWithin(ticks.evidence.map((mine, i) => mine - (ticks[other][i] ?? 0))),
  });
  const others = { random: against('random'), 'round-robin': against('round-robin') };
  return { world, evidence: meanWithin(ticks.evidence), others };
}

/** Wins where the whole interval says so; loses where the whole interval says so. */
function goalsOf({ world, others }: Compared): readonly Goal[] {
  return OTHERS.map((other): Goal => {
    const { mean, within } = others[other].later;
    const found = `${shown({ mean, within })} ticks`;
    return world.telling
      ? { goal: `${world.name}: sooner than ${other}`, found, met: mean + within < 0 }
      : { goal: `${world.name}: not later than ${other}`, found, met: mean - within <= 0 };
  });
}

function meanWithin(values: readonly number[]): Mean {
  const mean = meanOf(values);
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, values.length - 1);
  return { mean, within: Z95 * Math.sqrt(variance / Math.max(1, values.length)) };
}

function shown({ mean, within }: Mean): string {
  return `${mean.toFixed(1)} ± ${within.toFixed(1)}`;
}
