/**
 * `npm run torture`: real experiments on real processes or pods, struck at random moments, and a count of the faults that stayed.
 *
 * Owns the choice of blows and the table. Exits 1 when a fault leaked.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { shuffle } from '../../domain/ladder.ts';
import { randomFrom } from '../../domain/random.ts';
import { parseDuration } from '../../domain/units.ts';
import { whyNoFaultImage } from '../../test/kubernetes/fault-image.ts';
import type { Arena } from './arena.ts';
import type { Blow } from './blows.ts';
import { pods } from './pods/pods.ts';
import { processes } from './processes.ts';
import { table } from './table.ts';
import { round } from './trial.ts';
import type { Fate } from './trial.ts';

const ARENAS = { processes, pods } as const;
type What = keyof typeof ARENAS;

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
  .addOption(
    new Option('--on <what>', 'what is harmed').choices(Object.keys(ARENAS)).default('processes' satisfies What),
  )
  .option('--trials <n>', 'runs struck while a fault was on; others do not count', whole, 40)
  .option('--seed <text>', 'chooses blows and moments', '1')
  .option('--ttl <duration>', 'time-to-live of the faults', duration, 30_000)
  .option('--lanes <n>', 'installations side by side', whole, 2)
  .option('--only <words>', 'only blows whose name contains these words')
  .option('--keep', 'keep the folders of the lanes')
  .parse()
  .opts<{ on: What; trials: number; seed: string; ttl: number; lanes: number; only?: string; keep?: true }>();

const why = options.on === 'pods' && (await whyNoFaultImage());
if (why !== false) {
  process.stderr.write(`no pods here: ${why}\n`);
  process.exit(2);
}
const folder = await mkdtemp(join(tmpdir(), 'squall-torture-'));
const fates: Fate[] = [];
let rounds = 0;
let stop = false;
for (const name of ['SIGINT', 'SIGTERM'] as const)
  process.once(name, () => {
    stop = true;
    process.stderr.write('finishing the rounds under way\n');
  });

/** Blows in shuffled turns, so that each comes equally often, whichever lane is next. */
function blowOf(number: number, { blows }: Arena): Blow {
  const wanted = blows.filter(({ name }) => name.includes(options.only ?? ''));
  const turn = Math.floor((number - 1) / wanted.length);
  const order = shuffle(
    wanted.map((_, i) => `${i}`),
    `${options.seed}/${turn}`,
  );
  const blow = wanted[Number(order[(number - 1) % wanted.length])];
  if (blow === undefined) throw new Error(`no blow has ${options.only ?? ''} in its name`);
  return blow;
}

const counted = (): number => fates.filter(({ counts }) => counts).length;

async function work(index: number): Promise<void> {
  const home = join(folder, `lane-${index}`);
  await mkdir(home);
  const arena = await ARENAS[options.on](home, `torture-${index}`);
  try {
    while (!stop && counted() < options.trials) {
      const number = ++rounds;
      const blow = blowOf(number, arena);
      const random = randomFrom(`${options.seed}/${number}`);
      const struck = await round(arena, blow, options.ttl, random, number);
      fates.push(...struck);
      const leaks = struck.filter(({ leaked }) => leaked.length > 0);
      const said = leaks.map(({ run, leaked }) => `${run}: ${leaked.join(', ')}`).join('; ');
      const words = leaks.length > 0 ? `LEAKED ${said} (logs in ${home})` : 'clean';
      process.stdout.write(`${String(counted()).padStart(5)} of ${options.trials}  ${blow.name.padEnd(42)} ${words}\n`);
    }
  } finally {
    await arena.close();
  }
}

try {
  await Promise.all(Array.from({ length: options.lanes }, (_, index) => work(index)));
} finally {
  if (!options.keep && fates.every(({ leaked }) => leaked.length === 0))
    await rm(folder, { recursive: true, force: true });
}
process.stdout.write(table(fates, options));
process.exitCode = fates.some(({ leaked }) => leaked.length > 0) || counted() < options.trials ? 1 : 0;
