/**
 * A worker process: control, a site, or both.
 *
 * Composition only: connects, builds, serves, sweeps on its own timer, and stops in order. Sweeping starts before
 * Temporal is reached, since it must work without it.
 */
import { DefaultLogger, makeTelemetryFilterString, Runtime } from '@temporalio/worker';
import type { Worker, WorkerInterceptors } from '@temporalio/worker';
import { sweep } from '../activities/sweep.ts';
import type { OpenSite } from '../activities/site.ts';
import type { Config } from './config.ts';
import { connectClient, connectWorker, Unreachable, whereIsTemporal } from './connect.ts';
import { controlWorker } from './control.ts';
import { serveEndpoint } from './endpoint.ts';
import { scheduleJanitor } from './janitor.ts';
import { RunMetrics } from './metrics.ts';
import { openSite } from './open-site.ts';
import { siteWorkers } from './site.ts';

/** What this process serves. */
export interface WorkerOptions {
  readonly config: Config;
  readonly control: boolean;
  readonly site?: string;
  readonly metricsPort?: number;
  readonly log: (line: string) => void;
  /** Temporal's own extension point, such as a tracer's interceptors. */
  readonly interceptors?: WorkerInterceptors;
}

/** A serving worker. */
export interface RunningWorker {
  readonly metricsPort: number;
  /** Resolves when every queue has stopped being served; rejects when one fails. */
  readonly done: Promise<void>;
  stop(): Promise<void>;
}

/** How long one sweep may take, in milliseconds. */
const SWEEP_MS = 60_000;
/** Time between two tries to reach Temporal, in milliseconds. */
const RECONNECT_MS = 1_000;

let installed = false;

/** Starts serving. Resolves once every queue is polled. */
export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const { config, control, log } = options;
  const interceptors = options.interceptors ?? {};
  if (!installed) {
    installed = true;
    Runtime.install({
      logger: new DefaultLogger('ERROR', ({ message, meta }) =>
        log(`${message} ${String(meta?.['error'] ?? '')}`.trim()),
      ),
      telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) } },
    });
  }
  const site = options.site === undefined ? undefined : await openSite(config, options.site);
  const sweeper = site ? startSweeping(site, config.sweepEvery * 1000, log) : undefined;
  const metrics = new RunMetrics();
  const connection = await patiently(connectWorker, log);
  const client = await patiently(connectClient, log);
  const { namespace } = whereIsTemporal();
  const workers: Worker[] = [];
  if (control) {
    const onEvents = metrics.observe;
    workers.push(await controlWorker({ config, connection, namespace, log, onEvents, interceptors }));
  }
  if (site && options.site !== undefined) {
    workers.push(...(await siteWorkers({ site, name: options.site, connection, client, namespace, interceptors })));
    await scheduleJanitor(client, options.site, log);
  }
  const running = workers.map((worker) => worker.run());
  const endpoint = await serveEndpoint(
    metrics.registry,
    () => workers.every((worker) => worker.getState() === 'RUNNING'),
    options.metricsPort ?? 0,
  );
  const done = Promise.all(running).then(async () => {
    sweeper?.stop();
    await endpoint.close();
    await client.connection.close();
    await connection.close();
  });
  return {
    metricsPort: endpoint.port,
    done,
    stop: async () => {
      for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
      await done;
    },
  };
}

/** Connects, trying again for ever: a worker that waits for Temporal still sweeps. */
async function patiently<T>(connect: () => Promise<T>, log: (line: string) => void): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await connect();
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      if (attempt === 0) log(`${error.message} Trying again every ${RECONNECT_MS / 1000} s.`);
      await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS));
    }
  }
}

/** Sweeps now and then every `everyMs`, one sweep at a time. */
function startSweeping(site: OpenSite, everyMs: number, log: (line: string) => void): { stop(): void } {
  let busy = false;
  const once = async (): Promise<void> => {
    if (busy) return;
    busy = true;
    const endsAtMs = performance.now() + SWEEP_MS;
    try {
      const attempt = { signal: AbortSignal.timeout(SWEEP_MS), remainingMs: () => endsAtMs - performance.now() };
      const { reverted, failed } = await sweep(site.drivers.values(), attempt);
      if (reverted.length > 0)
        log(`sweep: ended ${reverted.length} faults whose time was over: ${reverted.slice(0, 5).join(', ')}`);
      if (failed.length > 0) log(`sweep: not confirmed: ${failed.slice(0, 5).join('; ')}`);
    } finally {
      busy = false;
    }
  };
  const sweepOnce = (): void =>
    void once().catch((error: unknown) =>
      log(`sweep failed: ${error instanceof Error ? error.message : String(error)}`),
    );
  sweepOnce();
  const timer = setInterval(sweepOnce, everyMs);
  return { stop: () => clearInterval(timer) };
}
