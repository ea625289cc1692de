/**
 * `squall dev`: Temporal with its UI and a worker for everything, all local, until Ctrl-C.
 *
 * Attaches to `TEMPORAL_ADDRESS` where it is set, else starts a server of its own and ends it with itself.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../workers/config.ts';
import { describeJournal } from '../workers/journal.ts';
import { sitesOf, sweepToTheEnd } from '../workers/sweeper.ts';
import { startDevServer } from '../workers/temporal-server.ts';
import { startWorker } from '../workers/worker.ts';
import type { RunningWorker } from '../workers/worker.ts';
import { EXIT } from './exit.ts';
import { interrupts } from './interrupts.ts';
import { output } from './output.ts';
import { servingConfigOf } from './verb-config.ts';
import type { Common } from './verbs.ts';
import { portOf } from './worker.ts';

interface Options extends Common {
  readonly db?: string;
  readonly port: string;
  readonly uiPort: string;
}

export async function main(_args: readonly string[], given: Common & Record<string, unknown>): Promise<number> {
  const options = given as unknown as Options;
  const out = output(options.json === true);
  const log = (line: string): void =>
    options.json ? out.event('log', { line }) : void process.stderr.write(`${line}\n`);
  const config = await servingConfigOf(options, undefined, log);
  const interrupted = new Promise<undefined>((resolve) => {
    for (const name of interrupts()) process.once(name, () => resolve(undefined));
  });
  const starting = serveLocally(
    config,
    { port: portOf(options.port), uiPort: portOf(options.uiPort), ...(options.db ? { db: options.db } : {}) },
    log,
  );
  // What has not started yet ends with this process.
  await using local = await Promise.race([starting, interrupted]);
  if (local === undefined) return EXIT.interrupted;
  const metrics = local.metricsPorts.map((port) => `http://127.0.0.1:${port}/metrics`);
  out.event('serving', { address: local.address, ui: local.ui, sites: local.sites, metrics });
  out.line(`Temporal  ${local.address}${local.ui ? `, UI ${local.ui}` : ''}`);
  out.line(`serving   control and site ${local.sites.join(', ')}; journal in ${describeJournal(config)}`);
  out.line(`metrics   ${metrics.join(', ')}`);
  out.line('Ctrl-C ends it all; faults that are on are reverted or expire.');
  await Promise.race([interrupted, local.done]);
  return 0;
}

/** Everything of an installation in one process. */
export interface Local extends AsyncDisposable {
  readonly address: string;
  readonly ui: string | undefined;
  readonly sites: readonly string[];
  /** Where each worker serves its metrics. */
  readonly metricsPorts: readonly number[];
  /** Resolves when a worker stops by itself; rejects when one fails. */
  readonly done: Promise<unknown>;
}

/** Starts Temporal (or attaches to `TEMPORAL_ADDRESS`) and workers for control and every site of `config`. */
export async function serveLocally(
  config: Config,
  ports: { port?: number; uiPort?: number; db?: string },
  log: (line: string) => void,
): Promise<Local> {
  await using stack = new AsyncDisposableStack();
  let ui: string | undefined;
  if (!process.env['TEMPORAL_ADDRESS']) {
    log('TEMPORAL_ADDRESS is not set: starting a server here');
    const folder = await mkdtemp(join(tmpdir(), 'squall-dev-'));
    stack.defer(() => rm(folder, { recursive: true, force: true }));
    const server = await startDevServer({
      ...(ports.db === undefined ? {} : { dbFile: ports.db }),
      ...(ports.port === undefined ? {} : { port: ports.port }),
      ...(ports.uiPort === undefined ? {} : { uiPort: ports.uiPort }),
      namespace: 'default',
      folder,
      log,
      logFile: join(folder, 'temporal.log'),
    }).catch(async (error: unknown) => {
      await sweepToTheEnd(config, undefined, log);
      throw error;
    });
    stack.defer(() => server.stop());
    process.env['TEMPORAL_ADDRESS'] = server.address;
    stack.defer(() => void delete process.env['TEMPORAL_ADDRESS']);
    ui = server.uiUrl;
  }
  const sites = sitesOf(config);
  const workers: RunningWorker[] = [];
  stack.defer(async () => void (await Promise.all(workers.map((worker) => worker.stop()))));
  for (const [i, site] of sites.entries()) workers.push(await startWorker({ config, control: i === 0, site, log }));
  const kept = stack.move();
  return {
    address: process.env['TEMPORAL_ADDRESS'] ?? '',
    ui,
    sites,
    metricsPorts: workers.map(({ metricsPort }) => metricsPort),
    done: Promise.race(workers.map(({ done }) => done)),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
