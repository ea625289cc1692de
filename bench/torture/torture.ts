/**
 * `npm run torture`: real experiments on real processes, struck at random moments, and a count of the faults that stayed.
 *
 * Owns the choice of blows and the table. Exits 1 when a fault leaked.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { shuffle } from '../../domain/ladder.ts';
import { randomFrom } from '../../domain/random.ts';
import { parseDuration } from '../../domain/units.ts';
import { BLOWS } from './blows.ts';
import type { Blow } from './blows.ts';
import { Lane } from './lane.ts';
import { table } from './table.ts';
import { round } from './trial.ts';
import type { Fate } from './trial.ts';

/** Runs struck by one blow. */
const SLOTS = 8;

const whole = (text: string): number => {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError(`found ${text}, expected a whole number`);
  return Number(text);
};
const duration = (text: string): number => {
  const ms = parseDuration(text);
  if (ms === undefined) throw new InvalidArgumentError(`found ${text}, expected a duration such as 30s`);
  return ms;
};

const options = new Command('torture')
  .description('Strikes running experiments at random moments and counts the faults that stay.')
  .option('--trials <n>', 'runs struck while a fault was on; others do not count', whole, 40)
  .option('--seed <text>', 'chooses blows and moments', '1')
  .option('--ttl <duration>', 'time-to-live of the faults', duration, 30_000)
  .option('--lanes <n>', 'installations side by side', whole, 2)
  .option('--only <words>', 'only blows whose name contains these words')
  .option('--keep', 'keep the folders of the lanes')
  .parse()
  .opts<{ trials: number; seed: string; ttl: number; lanes: number; only?: string; keep?: true }>();

const blows = BLOWS.filter(({ name }) => name.includes(options.only ?? ''));
const folder = await mkdtemp(join(tmpdir(), 'squall-torture-'));
const fates: Fate[] = [];
let rounds = 0;
let stop = false;
for (const name of ['SIGINT', 'SIGTERM'] as const)
  process.once(name, () => {
    stop = true;
    process.stderr.write('finishing the rounds under way\n');
  });

/** Blows in shuffled turns, so that each comes equally often. */
function* turns(seed: string): Generator<Blow, never> {
  for (let turn = 0; ; turn++) {
    const order = shuffle(
      blows.map((_, i) => `${i}`),
      `${seed}/${turn}`,
    );
    for (const i of order) yield blows[Number(i)] as Blow;
  }
}

const next = turns(options.seed);
const counted = (): number => fates.filter(({ counts }) => counts).length;

async function work(index: number): Promise<void> {
  const home = join(folder, `lane-${index}`);
  await mkdir(home);
  const lane = new Lane(home, `torture-${index}`, {
    groups: Array.from({ length: SLOTS }, (_, slot) => `slot${slot}`),
  });
  try {
    await lane.up();
    while (!stop && counted() < options.trials) {
      const number = ++rounds;
      const blow = next.next().value;
      const random = randomFrom(`${options.seed}/${number}`);
      const struck = await round(lane, blow, SLOTS, options.ttl, random, number);
      fates.push(...struck);
      const leaks = struck.filter(({ leaked }) => leaked > 0);
      const words = leaks.length > 0 ? `LEAKED ${leaks.map(({ run }) => run).join(', ')} (logs in ${home})` : 'clean';
      process.stdout.write(`${String(counted()).padStart(5)} of ${options.trials}  ${blow.name.padEnd(42)} ${words}\n`);
    }
  } finally {
    await lane.down();
  }
}

try {
  await Promise.all(Array.from({ length: options.lanes }, (_, index) => work(index)));
} finally {
  if (!options.keep && fates.every(({ leaked }) => leaked === 0)) await rm(folder, { recursive: true, force: true });
}
process.stdout.write(table(fates, options));
process.exitCode = fates.some(({ leaked }) => leaked > 0) || counted() < options.trials ? 1 : 0;
