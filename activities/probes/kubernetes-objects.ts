/**
 * From Kubernetes objects to a number.
 *
 * Owns the schemas of what the `kubernetes` probe reads, and what of it is no data: a status that is not of the latest
 * generation says nothing of it. Pure.
 */
import { z } from 'zod';
import type { Reading } from '../../domain/probe.ts';
import { noData } from './reading.ts';

const count = z.number().int().min(0);
const conditions = z.array(z.object({ type: z.string(), status: z.string() })).nullish();

/** A deployment, a stateful set or a daemon set. */
export const workloadStatus = z.object({
  metadata: z.object({ generation: count }),
  spec: z.object({ replicas: count.default(1) }).prefault({}),
  status: z
    .object({
      observedGeneration: count.optional(),
      readyReplicas: count.default(0),
      /** Of a daemon set, which has as many pods as there are nodes for it. */
      desiredNumberScheduled: count.optional(),
      numberReady: count.optional(),
    })
    .prefault({}),
});

/** How many replicas are ready, and how many there should be. */
export function replicasOf({ metadata, spec, status }: z.infer<typeof workloadStatus>): Reading & { wanted?: number } {
  if (status.observedGeneration !== metadata.generation)
    return noData('its status is of an earlier generation: no controller has looked at it since it was changed');
  const { numberReady, desiredNumberScheduled, readyReplicas } = status;
  return { ok: true, value: numberReady ?? readyReplicas, wanted: desiredNumberScheduled ?? spec.replicas };
}

/** A pod, as far as its health goes. */
export const podStatus = z.object({
  status: z
    .object({
      phase: z.string().optional(),
      containerStatuses: z.array(z.object({ restartCount: count })).nullish(),
    })
    .prefault({}),
});

/** How often the containers of a pod have been started again. */
export function restartsOf({ status }: z.infer<typeof podStatus>): number {
  return (status.containerStatuses ?? []).reduce((sum, { restartCount }) => sum + restartCount, 0);
}

/** A node, or an autoscaler. */
export const conditionStatus = z.object({ status: z.object({ conditions }).prefault({}) });

/** What a condition says: `True`, `False` or `Unknown`; undefined where nobody has said anything. */
export function conditionOf({ status }: z.infer<typeof conditionStatus>, type: string): string | undefined {
  return status.conditions?.find((condition) => condition.type === type)?.status;
}

/** A HorizontalPodAutoscaler. */
export const autoscalerStatus = z.object({
  status: z.object({ desiredReplicas: count, currentReplicas: count.default(0), conditions }),
});

/** An EndpointSlice. An endpoint of which nobody says whether it is ready is ready. */
export const endpointSlice = z.object({
  endpoints: z
    .array(
      z.object({
        addresses: z.array(z.string()),
        conditions: z.object({ ready: z.boolean().nullish() }).nullish(),
      }),
    )
    .nullish(),
});

/** How many addresses of a slice take traffic. */
export function readyEndpoints({ endpoints }: z.infer<typeof endpointSlice>): number {
  return (endpoints ?? [])
    .filter((endpoint) => endpoint.conditions?.ready !== false)
    .reduce((sum, { addresses }) => sum + addresses.length, 0);
}

/** An event of either API, as far as when it happened last. */
export const eventRecord = z.object({
  lastTimestamp: z.iso.datetime({ offset: true }).nullish(),
  eventTime: z.iso.datetime({ offset: true }).nullish(),
  series: z.object({ lastObservedTime: z.iso.datetime({ offset: true }).nullish() }).nullish(),
  metadata: z.object({ creationTimestamp: z.iso.datetime({ offset: true }).nullish() }),
});

/** When an event happened last, in milliseconds since 1970. */
export function lastMs({ series, lastTimestamp, eventTime, metadata }: z.infer<typeof eventRecord>): number {
  return Date.parse(series?.lastObservedTime ?? lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? '');
}
