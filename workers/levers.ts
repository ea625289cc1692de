/**
 * Levers of one's own: a file, or a probe, that stops everything.
 *
 * Owns which there are, and that one that is pulled pulls the latch in Temporal, which ends the open runs and stays until
 * `squall resume`.
 */
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { fileLever, probeLever } from '../activities/admission/lever.ts';
import type { Lever } from '../activities/admission/lever.ts';
import { inTime } from '../activities/attempt.ts';
import { reasonOf } from '../activities/probes/reading.ts';
import type { OpenProbes } from '../activities/probes/registry.ts';
import { ticks } from '../activities/watch.ts';
import { InvalidConfig } from './config.ts';
import type { Config } from './config.ts';
import { startStop } from './start-stop.ts';

/** Time between two looks at the levers, in milliseconds. */
const EVERY_MS = 1_000;
/** How long a lever may take to be read, in milliseconds. */
const READ_MS = 5_000;

/** The levers of the configuration. Throws {@link InvalidConfig} where one cannot be had. */
export function openLevers(config: Config, probes: OpenProbes): readonly Lever[] {
  const { files, probe } = config.emergencyStop;
  const levers = files.map(fileLever);
  if (probe === undefined) return levers;
  const open = probes.get(probe);
  if (!open) throw new InvalidConfig(`emergencyStop.probe: found ${probe}, expected a probe of this configuration`);
  return [...levers, probeLever(open)];
}

/** Looks now, and then until it is stopped. A lever that cannot be read is said once, and refuses admission elsewhere. */
export function followLevers(client: Client, levers: readonly Lever[], log: (line: string) => void): { stop(): void } {
  const stopped = new AbortController();
  for (const lever of levers) void follow(client, lever, log, stopped.signal);
  return { stop: () => stopped.abort() };
}

async function follow(client: Client, lever: Lever, log: (line: string) => void, signal: AbortSignal): Promise<void> {
  let told = '';
  for await (const _ of ticks(EVERY_MS, signal)) {
    const problem = await heed(client, lever).catch((error: unknown) => reasonOf(error));
    if (problem !== undefined && problem !== told) log(`${lever.name} cannot be heeded: ${problem}`);
    told = problem ?? '';
  }
}

async function heed(client: Client, lever: Lever): Promise<undefined> {
  if (!(await inTime(READ_MS, lever.pulled(AbortSignal.timeout(READ_MS)), lever.name))) return;
  try {
    await startStop(client, { reason: `${lever.name} says so`, by: lever.name });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
