/**
 * The control worker: workflows, journal, metrics.
 *
 * Composition only. Holds no credential of any site.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import type { NativeConnection, WorkerInterceptors } from '@temporalio/worker';
import type { Guard } from '../activities/admission/guard.ts';
import type { Lever } from '../activities/admission/lever.ts';
import { controlActivities } from '../activities/control.ts';
import type { OnEvents } from '../activities/control.ts';
import type { JournalStore } from '../activities/journal/store.ts';
import type { Destinations } from '../activities/notify/destination.ts';
import { dataConverter } from '../activities/packing.ts';
import type { Policy } from '../domain/policy.ts';
import { CONTROL_HOLD_QUEUE, CONTROL_QUEUE } from '../domain/queues.ts';
import { alertSourcesOf } from './admission.ts';
import { workflowBundle } from './bundle.ts';
import type { Ticked } from '../domain/program.ts';
import type { Config } from './config.ts';
import { registerSearchAttributes } from './search-attributes.ts';

/** What a control worker is made of. */
export interface ControlOptions {
  readonly config: Config;
  readonly store: JournalStore;
  readonly connection: NativeConnection;
  readonly client: Client;
  readonly guards: readonly Guard[];
  readonly policy: Policy;
  readonly levers: readonly Lever[];
  readonly destinations: Destinations;
  readonly namespace: string;
  readonly log: (line: string) => void;
  readonly onEvents: OnEvents;
  readonly onTick?: (tick: Ticked) => void;
  readonly interceptors?: WorkerInterceptors;
  /** A bundle other than that of this checkout's workflows: tests deploy a broken one. */
  readonly bundle?: string;
}

/** Builds the workers of both queues; they serve once their `run()` is called. */
export async function controlWorkers(options: ControlOptions): Promise<Worker[]> {
  const { config, store, connection, client, namespace, log, onEvents, onTick } = options;
  const [codePath, searchAttributes, versions] = await Promise.all([
    options.bundle ?? workflowBundle(),
    registerSearchAttributes(connection, namespace, log),
    versionsOf(),
  ]);
  const { installation } = config;
  const { guards, policy, levers, destinations } = options;
  const known = { installation, versions, searchAttributes };
  const alerts = alertSourcesOf(config);
  const parts = {
    ...known,
    store,
    guards,
    policy,
    levers,
    destinations,
    client,
    onEvents,
    ...(onTick && { onTick }),
    alerts,
  };
  const both = {
    connection,
    namespace,
    dataConverter,
    activities: { ...controlActivities(parts) },
    interceptors: options.interceptors ?? {},
    shutdownGraceTime: '5s',
    // That something is over is learnt from heartbeats, so they must not be saved up.
    maxHeartbeatThrottleInterval: '500ms',
    defaultHeartbeatThrottleInterval: '500ms',
  } as const;
  return Promise.all([
    Worker.create({
      ...both,
      taskQueue: CONTROL_QUEUE,
      workflowBundle: { codePath },
      // A worker that was killed holds its workflows' sticky queue for this long; every revert would wait for it.
      stickyQueueScheduleToStartTimeout: '1s',
      // Where a budget is silent, each run that asks it has one of these for twenty seconds, and everybody's journal needs one.
      maxConcurrentActivityTaskExecutions: 300,
    }),
    // Every run that holds is attended by one of these, and whoever waits for targets waits in one.
    Worker.create({ ...both, taskQueue: CONTROL_HOLD_QUEUE, maxConcurrentActivityTaskExecutions: 10_000 }),
  ]);
}

async function versionsOf(): Promise<Record<string, string>> {
  const read = async (path: string): Promise<string> => {
    const { version } = JSON.parse(await readFile(join(import.meta.dirname, '..', path), 'utf8')) as {
      version: string;
    };
    return version;
  };
  return {
    squall: await read('package.json'),
    temporalSdk: await read('node_modules/@temporalio/worker/package.json'),
    node: process.versions.node,
  };
}
