/**
 * `squall run`: starts an experiment and stays with it to its end.
 *
 * Ctrl-C aborts the run and waits for the rollback; a second Ctrl-C leaves the terminal, and says whether the abort was
 * delivered. Whoever leaves or is killed leaves the run to Temporal, and the target ends the fault by itself.
 */
import { randomBytes } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { isLabel, LABEL, LABELS_MAX } from '../domain/label.ts';
import { CONTROL_QUEUE, siteQueues } from '../domain/queues.ts';
import { parseDuration } from '../domain/units.ts';
import { connectClient, Unreachable } from '../workers/connect.ts';
import { startRun } from '../workers/start-run.ts';
import type { RunInput } from '../workflows/messages.ts';
import { oneExperiment } from './experiment-file.ts';
import { isUnreachable, UsageError } from './failure.ts';
import { finish, follow } from './follow.ts';
import { Interruption } from './interruption.ts';
import { output } from './output.ts';
import { requireWorkers } from './reach.ts';
import { configOf } from './verb-config.ts';
import type { Common } from './verbs.ts';
import { proveStart } from './who.ts';

/** A run that no worker takes within this time is refused, in milliseconds: whoever asked for it may have gone. */
const ADMIT_MS = 30_000;

interface Options extends Common {
  readonly name?: string;
  readonly seed?: string;
  readonly detach?: boolean;
  readonly approveBy?: string;
  readonly label?: readonly string[];
}

export async function main([file = '']: readonly string[], options: Options): Promise<number> {
  const config = await configOf(options);
  const { experiment, documentHash } = await oneExperiment(file, config, options.name);
  const seeded =
    options.seed === undefined
      ? experiment
      : { ...experiment, blastRadius: { ...experiment.blastRadius, seed: options.seed } };
  const labels = labelsOf(options.label ?? []);
  const within = options.approveBy === undefined ? undefined : approvalTimeOf(options.approveBy);
  const client = await connectClient({ queryClosed: true });
  try {
    await requireWorkers(client, [CONTROL_QUEUE, siteQueues(experiment.targets.site).chaos]);
    const run = runName(experiment.name, new Date());
    const out = output(options.json === true);
    // The server may have the run before it says so: its name is told, and a signal heeded, before it is asked.
    using interruption = new Interruption(client, run, out);
    out.event('submitting', { run, experiment: experiment.name });
    out.line(options.detach ? run : `${out.style('bold', run)}: ${experiment.hypothesis}`);
    const started = { experiment: seeded, documentHash };
    const proof = await proveStart('start', run, started);
    const approveWithin = within === undefined ? {} : { approveWithinMs: within };
    const input = { ...started, ...proof, ...approveWithin, ...labels, admitWithinMs: ADMIT_MS };
    await submit(client, run, input);
    out.event('submitted', { run, experiment: experiment.name });
    if (options.detach && !interruption.wanted) return 0;
    const end = await follow(client, run, out, interruption);
    return await finish(end, config, out);
  } finally {
    await client.connection.close();
  }
}

function labelsOf(given: readonly string[]): Pick<RunInput, 'labels'> {
  const wrong = given.find((label) => !isLabel(label));
  if (wrong !== undefined) throw new UsageError(`--label: found ${wrong}, expected ${LABEL}`);
  if (given.length > LABELS_MAX)
    throw new UsageError(`--label: found ${given.length} labels, expected at most ${LABELS_MAX}`);
  return given.length === 0 ? {} : { labels: [...new Set(given)] };
}

function approvalTimeOf(written: string): number {
  const ms = parseDuration(written);
  if (ms === undefined || ms === 0)
    throw new UsageError(`--approve-by: found ${written}, expected a duration such as 30m or 4h`);
  return ms;
}

/** Starts a run. Throws {@link Unreachable} where it is not known whether it was started. */
export async function submit(client: Client, run: string, input: RunInput): Promise<void> {
  try {
    await startRun(client, run, input);
  } catch (cause) {
    if (!isUnreachable(cause)) throw cause;
    throw new Unreachable(
      `Temporal has not answered: whether ${run} was started is not known. If it was, \`squall abort ${run}\` ends it`,
      { cause },
    );
  }
}

/** A run's name: readable, sortable, and never twice. */
export function runName(experiment: string, at: Date): string {
  const stamp = at.toISOString().replaceAll(/[-:]/g, '').slice(0, 15).replace('T', '-');
  return `${experiment}-${stamp}-${randomBytes(2).toString('hex')}`;
}
