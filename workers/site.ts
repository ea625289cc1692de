/**
 * The site worker: beside its targets, connecting outward only.
 *
 * Composition only: one process, three queues with slots of their own, so that reverting never waits for chaos, and
 * chaos never for holding. Sweeps at its start and on its own timer, with or without Temporal.
 */
import type { Client } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import type { NativeConnection, WorkerInterceptors } from '@temporalio/worker';
import { ownersOf } from '../activities/owner.ts';
import { dataConverter } from '../activities/packing.ts';
import { siteActivities } from '../activities/site.ts';
import type { OpenSite, Sampled } from '../activities/site.ts';
import { siteQueues } from '../domain/queues.ts';
import { DRAIN_MS } from '../domain/timing.ts';

/** How long a worker that stops waits for anything but reverts, in milliseconds. */
const GRACE_MS = 1_000;

/** What a site worker is made of. */
export interface SiteOptions {
  readonly site: OpenSite;
  readonly name: string;
  readonly connection: NativeConnection;
  readonly client: Client;
  readonly namespace: string;
  readonly sampled: Sampled;
  readonly interceptors?: WorkerInterceptors;
}

/** Builds the workers of the site's three queues; they serve once their `run()` is called. */
export async function siteWorkers(options: SiteOptions): Promise<Worker[]> {
  const { site, name, connection, client, namespace, sampled } = options;
  const activities = { ...siteActivities(site, name, ownersOf(client), sampled) };
  const served = siteQueues(name);
  const queues = [
    // Pre-flight takes its baseline in one of these, a few seconds each.
    { taskQueue: served.chaos, slots: 200, graceMs: GRACE_MS },
    // A run holds one slot for watching and one for each stage, for as long as it lasts.
    { taskQueue: served.hold, slots: 10_000, graceMs: GRACE_MS },
    // A worker that stops lets a revert end: nobody else may be there to begin it anew.
    { taskQueue: served.revert, slots: 100, graceMs: DRAIN_MS },
  ];
  return Promise.all(
    queues.map(({ taskQueue, slots, graceMs }) =>
      Worker.create({
        connection,
        namespace,
        dataConverter,
        taskQueue,
        activities,
        interceptors: options.interceptors ?? {},
        maxConcurrentActivityTaskExecutions: slots,
        // Cancellation is learnt from heartbeats, so they must not be saved up.
        maxHeartbeatThrottleInterval: '500ms',
        defaultHeartbeatThrottleInterval: '500ms',
        shutdownGraceTime: graceMs,
      }),
    ),
  );
}
