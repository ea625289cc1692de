/**
 * `npm run bench`: what Squall costs and how fast it is, on this machine, now.
 *
 * Owns the choice of parts and the printing. Exits 1 when a goal was missed.
 */
import { Command, InvalidArgumentError } from 'commander';
import { measureAbortLatency } from './abort-latency.ts';
import { measureCloud } from './cloud/cloud.ts';
import { measureCost } from './cost.ts';
import { measureHeld } from './held.ts';
import { machineNow } from './machine.ts';
import { megabytes, renderOutcome } from './outcome.ts';
import type { Outcome } from './outcome.ts';
import { measurePickers } from './pickers/pickers.ts';
import { canMeasureProcesses } from './process-cost.ts';
import { measureRenewals } from './renewals.ts';
import { measureScale } from './scale/scale.ts';
import { measureStop } from './stop.ts';

const whole = (text: string): number => {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new InvalidArgumentError(`found ${text}, expected a whole number from 1`);
  return Number(text);
};

const options = new Command('bench')
  .description(
    'Measures abort latency, the cost of a run beside Chaos Toolkit, the memory of held runs, the emergency stop, a fault on many pods, renewals in pods that run, what a fault on many instances asks of AWS, and how soon pickers find weaknesses.',
  )
  .option('--only <part>', 'latency, cost, held, stop, scale, renewals, cloud or pickers')
  .option('--aborts <n>', 'runs that are aborted, for the latency', whole, 30)
  .option('--runs <n>', 'no-op runs one after the other, for the cost', whole, 50)
  .option('--at-once <n>', 'no-op runs at once', whole, 50)
  .option('--held <n>', 'runs held at once', whole, 200)
  .option('--stopped <n>', 'held runs that an emergency stop ends', whole, 200)
  .option('--pods <n>', 'pods of a cluster, half of which a run reaches', whole, 10_000)
  .option('--running <n>', 'pods that run, for the renewals: one node has no more than 110', whole, 60)
  .option('--instances <n>', 'instances of an account that are stopped', whole, 500)
  .option('--subnets <n>', 'subnets of a zone that are cut off: at most 128', whole, 60)
  .option('--hold <s>', 'how long each of its stages is held, in seconds', whole, 30)
  .option('--systems <n>', 'synthetic systems of each world, for the pickers', whole, 1_000)
  .option('--seldom', 'sample them every 30 s and renew them for 10 min, so that more of them fit')
  .option('--json', 'one JSON object a part')
  .addHelpText('after', '\nExamples:\n  npm run bench\n  npm run bench -- --only cost --at-once 100\n')
  .parse()
  .opts<{
    only?: string;
    aborts: number;
    runs: number;
    atOnce: number;
    held: number;
    stopped: number;
    pods: number;
    hold: number;
    running: number;
    instances: number;
    subnets: number;
    systems: number;
    seldom?: true;
    json?: true;
  }>();

if (!canMeasureProcesses()) {
  process.stderr.write('the bench reads /proc, which this system does not have: run it on Linux\n');
  process.exit(2);
}

const say = (line: string): void => void process.stderr.write(`${line}\n`);
const parts: Readonly<Record<string, () => Promise<Outcome>>> = {
  latency: () => measureAbortLatency(options, say),
  cost: () => measureCost(options, say),
  held: () => measureHeld(options, say),
  stop: () => measureStop(options, say),
  scale: () => measureScale({ pods: options.pods, holdS: options.hold }, say),
  renewals: () => measureRenewals({ pods: options.running }, say),
  cloud: () => measureCloud(options, say),
  pickers: () => measurePickers(options, say),
};
/** The first three make a cluster or an account of their own, and need the machine for themselves; the last measures no machine. */
const ASKED_FOR: ReadonlySet<string> = new Set(['scale', 'renewals', 'cloud', 'pickers']);
const chosen = Object.entries(parts).filter(([name]) =>
  options.only === undefined ? !ASKED_FOR.has(name) : name === options.only,
);
if (chosen.length === 0) {
  say(`found --only ${options.only}, expected ${Object.keys(parts).join(', ')}`);
  process.exit(2);
}

// Whatever was started ends, and is removed, as this process exits.
for (const [name, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)
  process.once(name, () => process.exit(code));

const machine = machineNow();
if (options.json) process.stdout.write(`${JSON.stringify({ part: 'machine', ...machine })}\n`);
else {
  const { cpu, cores, memoryBytes, system, node, date, load } = machine;
  process.stdout.write(
    `${date}, ${cores} × ${cpu}, ${megabytes(memoryBytes)}, ${system}, Node ${node}, load ${load.toFixed(1)}\n\n`,
  );
}
let missed = 0;
for (const [part, measure] of chosen) {
  const outcome = await measure();
  missed += outcome.goals.filter(({ met }) => !met).length;
  process.stdout.write(
    options.json
      ? `${JSON.stringify({ part, goals: outcome.goals, ...outcome.figures })}\n`
      : `${renderOutcome(outcome)}\n`,
  );
}
process.exitCode = missed === 0 ? 0 : 1;
