/**
 * `squall worker`: serves runs, a site, or both, until SIGTERM or Ctrl-C.
 *
 * Where Temporal cannot be reached it keeps trying, and a site worker sweeps meanwhile.
 */
import { startWorker } from '../workers/worker.ts';
import { UsageError } from './failure.ts';
import { output } from './output.ts';
import { servingConfigOf } from './verb-config.ts';
import type { Common } from './verbs.ts';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

interface Options extends Common {
  readonly control?: boolean;
  readonly site?: string;
  readonly metricsPort?: string;
  readonly metricsHost: string;
}

export async function main(_args: readonly string[], given: Common & Record<string, unknown>): Promise<number> {
  const options = given as unknown as Options;
  if (!options.control && options.site === undefined)
    throw new UsageError('say what to serve: --control, --site NAME, or both');
  const out = output(options.json === true);
  const log = (line: string): void =>
    options.json ? out.event('log', { line }) : void process.stderr.write(`${line}\n`);
  const config = await servingConfigOf(options, options.site, log);
  const port = options.metricsPort === undefined ? undefined : portOf(options.metricsPort);
  // The first process of a container is not ended by a signal that it does not listen to. Who listens stays the same: a signal that
  // comes while one listener is put in the place of another is heard by neither.
  let leave = (): void => process.exit();
  for (const signal of SIGNALS) process.once(signal, () => leave());
  const worker = await startWorker({
    config,
    control: options.control === true,
    ...(options.site === undefined ? {} : { site: options.site }),
    ...(port === undefined ? {} : { metricsPort: port }),
    metricsHost: options.metricsHost,
    log,
  });
  const serves = [options.control ? 'control' : '', options.site ? `site ${options.site}` : '']
    .filter(Boolean)
    .join(' and ');
  out.event('serving', {
    control: options.control === true,
    site: options.site ?? null,
    metricsPort: worker.metricsPort,
    pid: process.pid,
  });
  out.line(`serving ${serves}; metrics on http://${options.metricsHost}:${worker.metricsPort}/metrics`);
  leave = () => void worker.stop();
  await worker.done;
  return 0;
}

/** A port number as written on the command line. */
export function portOf(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535)
    throw new UsageError(`found port ${text}, expected a number from 0 to 65535`);
  return port;
}
