/**
 * Telling people: the destinations of a control worker, and the worker that tells them.
 *
 * Composition only. Its queue and its slots are its own: a receiver that hangs must keep nothing else waiting.
 */
import type { Client } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import type { NativeConnection, WorkerInterceptors } from '@temporalio/worker';
import { alertmanager } from '../activities/notify/alertmanager.ts';
import { notifyActivities } from '../activities/notify/deliver.ts';
import type { Destination, Destinations } from '../activities/notify/destination.ts';
import { grafana } from '../activities/notify/grafana.ts';
import { slack } from '../activities/notify/slack.ts';
import { teams } from '../activities/notify/teams.ts';
import { webhook } from '../activities/notify/webhook.ts';
import { wordingOf } from '../activities/notify/wording.ts';
import type { Addresses } from '../activities/notify/wording.ts';
import { dataConverter } from '../activities/packing.ts';
import { missingRefs } from '../activities/probes/secret.ts';
import type { SecretRef } from '../activities/probes/secret.ts';
import type { NoticeEvent } from '../domain/notice.ts';
import { NOTIFY_QUEUE } from '../domain/queues.ts';
import type { Config } from './config.ts';
import type { NotifySettings } from './notify-settings.ts';

/** What a worker that tells is made of. */
export interface NotifyOptions {
  readonly connection: NativeConnection;
  readonly client: Client;
  readonly namespace: string;
  readonly destinations: Destinations;
  readonly interceptors: WorkerInterceptors;
}

/** The destinations of the configuration. */
export function openDestinations({ notify, installation }: Pick<Config, 'notify' | 'installation'>): Destinations {
  return new Map(
    Object.entries(notify?.to ?? {}).map(([name, settings]): [string, Destination] => {
      const wants = new Set<NoticeEvent>(wantedBy(settings));
      return [name, { wants, ...providerOf(settings, installation, notify) }];
    }),
  );
}

/** What is missing here for the destinations to be told, one sentence each. It may come: it is read at every use. */
export function missingOf({ notify }: Pick<Config, 'notify'>): readonly string[] {
  return Object.entries(notify?.to ?? {}).flatMap(([name, settings]) => {
    const refs = Object.entries(settings).flatMap(([key, value]): SecretRef[] => {
      if (key === 'headersFrom') return Object.values(value as Readonly<Record<string, SecretRef>>);
      return key.endsWith('From') ? [value as SecretRef] : [];
    });
    return missingRefs(refs).map((missing) => `destination ${name}: ${missing}`);
  });
}

type Settings = NotifySettings['to'][string];

/** An alert ends with its run, and a region has a start and an end. */
function wantedBy(settings: Settings): readonly NoticeEvent[] {
  if (settings.type === 'grafana') return ['started', 'closed'];
  return settings.type === 'alertmanager' ? [...settings.on, 'closed'] : settings.on;
}

function providerOf(settings: Settings, installation: string, addresses?: Addresses): Pick<Destination, 'deliver'> {
  const wording = wordingOf(settings.text, addresses);
  switch (settings.type) {
    case 'slack':
      return slack(settings, wording);
    case 'teams':
      return teams(settings, wording);
    case 'webhook':
      return webhook(settings, wording, installation);
    case 'alertmanager':
      return alertmanager(settings, wording);
    case 'grafana':
      return grafana(settings, wording);
  }
}

/** Builds the worker; it serves once its `run()` is called. */
export async function notifyWorker(options: NotifyOptions): Promise<Worker> {
  const { connection, client, namespace, destinations, interceptors } = options;
  return Worker.create({
    connection,
    namespace,
    dataConverter,
    taskQueue: NOTIFY_QUEUE,
    activities: { ...notifyActivities(destinations, client) },
    interceptors,
    shutdownGraceTime: '5s',
    maxConcurrentActivityTaskExecutions: 100,
  });
}
