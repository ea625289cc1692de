/**
 * An installation of Squall to be measured: a Temporal dev server and workers, each a process of its own.
 *
 * Owns those processes and their folder, and ends and removes them. Nothing stands between a worker and the server.
 */
import { rmSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { dataConverter } from '../activities/packing.ts';
import type { Experiment } from '../domain/experiment.ts';
import type { Phase } from '../domain/run.ts';
import { startDevServer } from '../workers/temporal-server.ts';
import type { DevServer } from '../workers/temporal-server.ts';
import { startRun } from '../workers/start-run.ts';
import { storyQuery } from '../workflows/messages.ts';
import type { RunInput, RunResult } from '../workflows/messages.ts';
import { costOf } from './process-cost.ts';
import { UNGUARDED } from './unguarded.ts';
import { WorkerProcess } from './worker-process.ts';

/** The name of the one site. */
export const SITE = 'bench';

/** How an installation is made. */
export interface InstallationOptions {
  /** The `sites:`, `probes:` and `plugins:` of its `squall.yaml`, given its folder. */
  readonly config: (folder: string) => Readonly<Record<string, unknown>>;
  /** What each worker process serves. */
  readonly workers: readonly ('control' | 'site')[][];
  /** Keep Temporal's database on a file; otherwise in memory, as `squall dev` does. */
  readonly durable: boolean;
  readonly memoryOnRequest?: boolean;
}

/** CPU seconds and resident bytes, the workers' and the server's apart. */
export interface InstallationCost {
  readonly workersCpuS: number;
  readonly serverCpuS: number;
  readonly workersRssBytes: number;
  readonly serverRssBytes: number;
}

/** A running installation; dispose it. */
export class Installation {
  readonly folder: string;
  readonly #server: DevServer;
  readonly #connection: Connection;
  readonly client: Client;
  readonly #workers: readonly WorkerProcess[];

  private constructor(folder: string, server: DevServer, connection: Connection, workers: readonly WorkerProcess[]) {
    this.folder = folder;
    this.#server = server;
    this.#connection = connection;
    this.client = new Client({ connection, dataConverter });
    this.#workers = workers;
  }

  /** Starts everything and waits until it serves; what was started is ended again when something does not start. */
  static async start(options: InstallationOptions): Promise<Installation> {
    await using undo = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), 'squall-bench-'));
    const atExit = (): void => rmSync(folder, { recursive: true, force: true });
    process.once('exit', atExit);
    undo.defer(() => rm(folder, { recursive: true, force: true }));
    const server = await startDevServer({
      namespace: 'default',
      headless: true,
      logFile: join(folder, 'temporal.log'),
      ...(options.durable ? { dbFile: join(folder, 'temporal.db') } : {}),
    });
    undo.defer(() => server.stop());
    const config = join(folder, 'squall.yaml');
    // JSON is YAML.
    const common = { installation: 'bench', journal: 'journal', state: 'state', admission: UNGUARDED };
    const settings = { ...common, ...options.config(folder) };
    await writeFile(config, JSON.stringify(settings));
    const connection = await Connection.connect({ address: server.address });
    undo.defer(() => connection.close());
    const workers: WorkerProcess[] = [];
    for (const [index, parts] of options.workers.entries()) {
      const worker = await WorkerProcess.start({
        serve: parts.flatMap((part) => (part === 'control' ? ['--control'] : ['--site', SITE])),
        config,
        temporalAddress: server.address,
        logFile: join(folder, `worker-${index + 1}.log`),
        memoryOnRequest: options.memoryOnRequest === true,
      });
      undo.defer(() => worker.end());
      workers.push(worker);
    }
    undo.move();
    return new Installation(folder, server, connection, workers);
  }

  /** What the processes have cost since they were started. */
  cost(): InstallationCost {
    const workers = this.#workers.map(({ pid }) => costOf(pid));
    const server = costOf(this.#server.pid);
    return {
      workersCpuS: workers.reduce((sum, { cpuS }) => sum + cpuS, 0),
      serverCpuS: server.cpuS,
      workersRssBytes: workers.reduce((sum, { rssBytes }) => sum + rssBytes, 0),
      serverRssBytes: server.rssBytes,
    };
  }

  /** Memory of each worker once it has collected its garbage; needs `memoryOnRequest`. */
  async memoryAfterCollection(): Promise<NodeJS.MemoryUsage[]> {
    return Promise.all(this.#workers.map((worker) => worker.memoryAfterCollection()));
  }

  /** Starts a run as `squall run` does. */
  async begin(run: string, experiment: Experiment): Promise<void> {
    const input: RunInput = { experiment, documentHash: '', startedBy: 'bench' };
    await startRun(this.client, run, input);
  }

  /** Where a run is; undefined before it can answer. */
  async phase(run: string): Promise<Phase | undefined> {
    const story = this.client.workflow.getHandle(run).query(storyQuery, 0);
    return story.then(
      ({ state }) => state.phase,
      () => undefined,
    );
  }

  /** How a run ended. */
  async end(run: string): Promise<RunResult> {
    return (await this.client.workflow.getHandle(run).result()) as RunResult;
  }

  /** Ends everything in order: workers, the server, the folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.end()));
    await this.#connection.close();
    await this.#server.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}
