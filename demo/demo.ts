/**
 * `npm run demo`: two experiments on real faults, in one minute, on a laptop.
 *
 * Owns the order of things. `--keep` leaves Temporal and its UI up until Ctrl-C. Exits 0 when both experiments ended as they
 * were designed to.
 */
import { join } from 'node:path';
import { connectClient } from '../workers/connect.ts';
import type { Config } from '../workers/config.ts';
import { describeJournal } from '../workers/journal.ts';
import { endProcess } from '../starters/ending.ts';
import { EXIT } from '../starters/exit.ts';
import { oneExperiment } from '../starters/experiment-file.ts';
import { report } from '../starters/failure.ts';
import { finish, follow } from '../starters/follow.ts';
import { Interruption } from '../starters/interruption.ts';
import { interrupts } from '../starters/interrupts.ts';
import { output } from '../starters/output.ts';
import { runName, submit } from '../starters/run.ts';
import { openStage, Wish } from './stage.ts';

/** Each experiment of the demo, and how it is designed to end. */
const ACTS = [
  { file: 'held.yaml', title: '1 of 2: the gateway routes around it', code: 0 },
  { file: 'aborted.yaml', title: '2 of 2: it is too much, and must end by itself', code: 1 },
] as const;

const keep = process.argv.includes('--keep');
const json = process.argv.includes('--json');
const out = output(json);

/** Ctrl-C before an experiment is under way ends the demo; while one is, it aborts that experiment. */
const wish = new Wish();

async function main(): Promise<number> {
  await using stage = await openStage(out, wish);
  if (stage === undefined) return EXIT.interrupted;
  const { config, ui } = stage;
  const ends: number[] = [];
  for (const act of ACTS) {
    if (wish.came) break;
    out.line('');
    out.line(out.style('bold', act.title));
    ends.push(await perform(act.file, config));
  }
  const asDesigned = ends.length === ACTS.length && ACTS.every(({ code }, i) => ends[i] === code);
  out.line('');
  out.line(
    asDesigned
      ? out.style(
          'green',
          `Both ended as they were designed to, in ${Math.round(performance.now() / 1000)} s; no fault is left.`,
        )
      : wish.came
        ? 'The demo was ended early.'
        : 'The demo did not end as it was designed to.',
  );
  out.line(`reports and journals: ${describeJournal(config)}`);
  if (ui && keep && !wish.came) await linger(ui);
  else if (ui) out.line(`Temporal UI: ${ui} ends now; npm run demo -- --keep leaves it up to look around`);
  return asDesigned ? 0 : wish.came ? EXIT.interrupted : 1;
}

async function perform(name: string, config: Config): Promise<number> {
  const { experiment, documentHash } = await oneExperiment(join(import.meta.dirname, name), config, undefined);
  const client = await connectClient({ queryClosed: true });
  try {
    const run = runName(experiment.name, new Date());
    using interruption = new Interruption(client, run, out);
    if (wish.came) return EXIT.interrupted;
    out.line(`${run}: ${experiment.hypothesis}`);
    await submit(client, run, { experiment, documentHash, startedBy: 'demo' });
    return await finish(await follow(client, run, out, interruption), config, out);
  } finally {
    await client.connection.close();
  }
}

async function linger(ui: string): Promise<void> {
  out.line(`Temporal stays up: ${ui} (Ctrl-C ends it)`);
  await new Promise<void>((resolve) => {
    for (const name of interrupts()) process.once(name, () => resolve());
  });
}

try {
  process.exitCode = await main();
} catch (error) {
  process.exitCode = report(error, json);
}
endProcess();
