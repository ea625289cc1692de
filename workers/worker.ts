/**
 * A worker process: control, a site, or both.
 *
 * Composition only: connects, builds, serves, sweeps on its own timer, and stops in order. Sweeping starts before
 * Temporal is reached, since it must work without it.
 */
import { DefaultLogger, makeTelemetryFilterString, Runtime } from '@temporalio/worker';
import type { Worker, WorkerInterceptors } from '@temporalio/worker';
import { reasonOf } from '../activities/probes/reading.ts';
import { auditPolicy } from '../activities/audit.ts';
import type { JournalStore } from '../activities/journal/store.ts';
import { ticks } from '../activities/watch.ts';
import type { OpenSite } from '../activities/site.ts';
import type { Policy } from '../domain/policy.ts';
import { openLadder } from './admission.ts';
import type { Config } from './config.ts';
import { connectClient, connectWorker, Unreachable, whereIsTemporal } from './connect.ts';
import { controlWorkers } from './control.ts';
import { serveEndpoint } from './endpoint.ts';
import { ImpactMetrics } from './impact.ts';
import { scheduleJanitor } from './janitor.ts';
import { openJournal } from './journal.ts';
import { followLatches } from './latches.ts';
import { followLevers, openLevers } from './levers.ts';
import { RunMetrics } from './metrics.ts';
import { missingOf, notifyWorker, openDestinations } from './notify.ts';
import { followOpenRuns } from './open-runs.ts';
import { policyOf } from './policy-settings.ts';
import { openProbesOf, openSite } from './open-site.ts';
import { siteWorkers } from './site.ts';
import { startSweeping } from './sweeper.ts';
import type { Sweeping } from './sweeper.ts';
import { thisUser } from './this-user.ts';

/** What this process serves. */
export interface WorkerOptions {
  readonly config: Config;
  readonly control: boolean;
  readonly site?: string;
  readonly metricsPort?: number;
  /** The address that metrics are served on; the loopback unless told otherwise. */
  readonly metricsHost?: string;
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

/** Time between two tries to reach Temporal, in milliseconds. */
const RECONNECT_MS = 1_000;

let installed = false;

/** Starts serving. Resolves once every queue is polled; rejects where something is wrong, after a whole sweep. */
export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const { config, site, log } = options;
  installRuntime(log);
  const sweeper = startSweeping(config, site, config.sweepEvery, log);
  return serve(options, sweeper).catch(async (error: unknown) => {
    // What is wrong must not keep a fault on that was there before.
    await sweeper.first;
    await sweeper.stop();
    throw error;
  });
}

async function serve(options: WorkerOptions, sweeper: Sweeping): Promise<RunningWorker> {
  const { config, control, log } = options;
  const interceptors = options.interceptors ?? {};
  const site = await openSiteOf(options);
  const probes = control ? await openProbesOf(config) : undefined;
  const levers = probes ? openLevers(config, probes) : [];
  const metrics = new RunMetrics();
  const impact = new ImpactMetrics(metrics.registry);
  const connection = await patiently(connectWorker, log);
  const client = await patiently(connectClient, log);
  const { namespace } = whereIsTemporal();
  const workers: Worker[] = [];
  const store = openJournal(config);
  let journal: { stop(): void } | undefined;
  if (probes) {
    const policy = policyOf(config.policy);
    const guards = openLadder(config, probes, client, levers, policy, store);
    const [onEvents, onTick] = [metrics.observe, metrics.ticked];
    const destinations = openDestinations(config);
    for (const missing of missingOf(config)) log(missing);
    if (!config.admission)
      log('admission: is not in squall.yaml: every run is refused until it says what to ask, or none');
    const parts = { connection, client, namespace, destinations, interceptors };
    workers.push(...(await controlWorkers({ config, store, guards, policy, levers, log, onEvents, onTick, ...parts })));
    workers.push(await notifyWorker(parts));
    journal = readyJournal(store, policy, log);
  }
  if (site && options.site !== undefined) {
    const sampled = impact.observe;
    workers.push(
      ...(await siteWorkers({ site, name: options.site, connection, client, namespace, sampled, interceptors })),
    );
    await scheduleJanitor(client, options.site, log);
  }
  const endpoint = await serveEndpoint(
    metrics.registry,
    () => workers.every((worker) => worker.getState() === 'RUNNING'),
    options.metricsPort ?? 0,
    options.metricsHost,
  );
  const running = workers.map((worker) => worker.run());
  const heeding = followLevers(client, levers, log);
  const latches = control ? followLatches(client, store, log) : undefined;
  const follower = control ? followOpenRuns(client, metrics, store) : undefined;
  const done = Promise.all(running).then(async () => {
    await sweeper.stop();
    follower?.stop();
    heeding.stop();
    latches?.stop();
    journal?.stop();
    await endpoint.close();
    await store[Symbol.asyncDispose]();
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

/** Temporal's runtime, once a process. */
function installRuntime(log: (line: string) => void): void {
  if (installed) return;
  installed = true;
  // The SDK keeps the last answer of every workflow and activity, and with it the pool's slab that it was cut from.
  Buffer.poolSize = 8_192;
  Runtime.install({
    // Whoever starts a worker says when it stops: Ctrl-C may first have to wait for a rollback that this worker serves.
    shutdownSignals: [],
    logger: new DefaultLogger('ERROR', ({ message, meta }) =>
      log(`${message} ${String(meta?.['error'] ?? '')}`.trim()),
    ),
    telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) } },
  });
}

/**
 * Says what is wrong with the journal, and no more: without one no run begins, but those that are open must be rolled back.
 * The policy is audited as soon as that can be done.
 */
function readyJournal(store: JournalStore, { version, hash }: Policy, log: (line: string) => void): { stop(): void } {
  const stopped = new AbortController();
  const ready = async (): Promise<void> => {
    let told = '';
    for await (const _ of ticks(RECONNECT_MS * 10, stopped.signal)) {
      try {
        await store.ready();
        await auditPolicy(store, { hash, version, who: thisUser() });
        return;
      } catch (error) {
        const why = reasonOf(error);
        if (why !== told && !stopped.signal.aborted) log(why);
        told = why;
      }
    }
  };
  void ready();
  return { stop: () => stopped.abort() };
}

async function openSiteOf({ config, site }: WorkerOptions): Promise<OpenSite | undefined> {
  return site === undefined ? undefined : openSite(config, site);
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
