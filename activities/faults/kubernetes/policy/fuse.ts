/**
 * The fuse: a Job that does nothing but end, and takes with it what it owns.
 *
 * Owns the names, the time and the removal of both. The cluster's own controllers count the time (`activeDeadlineSeconds`),
 * delete the Job when it is over (`ttlSecondsAfterFinished`), and what it owns after it. It starts no pod (`parallelism: 0`).
 * Its deadline is moved by compare-and-swap, as the controller writes that it is over: whoever is first, the other sees it.
 */
import { z } from 'zod';
import { targetKey } from '../../../../domain/target-key.ts';
import type { Fault } from '../../../../domain/fault.ts';
import type { KubernetesApi } from '../../../kubernetes/api.ts';
import { bareSchema, metadataSchema } from '../../../kubernetes/objects.ts';
import type { Metadata } from '../../../kubernetes/objects.ts';
import { pause } from '../../../pause.ts';
import { isOver } from '../../driver.ts';
import type { Attempt } from '../../driver.ts';

/** Between two looks whether the controller has begun to count, in milliseconds. */
const LOOK_MS = 200;
/** A controller counts from a time that is cut off to the second: so much is added to what a fuse burns at first, in milliseconds. */
const CUT_OFF_MS = 1_000;
/** Labels of what is ours: all that a fault made is found by the key of it. */
export const FAULT_LABEL = 'squall/fault';
const PART_OF = { 'app.kubernetes.io/part-of': 'squall' };

const jobSchema = z.object({
  metadata: metadataSchema,
  spec: z.object({ activeDeadlineSeconds: z.number().optional() }).prefault({}),
  status: z
    .object({
      startTime: z.string().optional(),
      conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]),
    })
    .prefault({}),
});

/** A fuse as it was read. */
export interface Fuse {
  readonly metadata: Metadata;
  /** When it ends, in milliseconds since 1970; undefined while nobody has begun to count. */
  readonly endsMs: number | undefined;
  readonly startMs: number | undefined;
  /** It is over, or nearly: what it owns is being deleted. */
  readonly isSpent: boolean;
}

/** The key of a fault: a value of labels, and part of names. */
export function keyOf({ installation, id }: Fault<unknown>): string {
  return targetKey(`${installation} ${id}`);
}

const jobsPath = (namespace: string): string => `/apis/batch/v1/namespaces/${namespace}/jobs`;
export const policiesPath = (namespace: string): string =>
  `/apis/networking.k8s.io/v1/namespaces/${namespace}/networkpolicies`;
const nameOf = (fault: Fault<unknown>): string => `squall-${keyOf(fault)}`;

export async function readFuse(
  fault: Fault<unknown>,
  namespace: string,
  api: KubernetesApi,
  attempt: Attempt,
): Promise<Fuse | undefined> {
  const job = await api.get(`${jobsPath(namespace)}/${nameOf(fault)}`, jobSchema, attempt);
  return job && fuseOf(job);
}

function fuseOf({ metadata, spec, status }: z.infer<typeof jobSchema>): Fuse {
  const startMs = status.startTime === undefined ? undefined : Date.parse(status.startTime);
  const { activeDeadlineSeconds } = spec;
  const endsMs =
    startMs === undefined || activeDeadlineSeconds === undefined ? undefined : startMs + activeDeadlineSeconds * 1_000;
  const isDone = status.conditions.some(
    ({ type, status: is }) => is === 'True' && /^(?:Failed|FailureTarget|Complete|SuccessCriteriaMet)$/.test(type),
  );
  return { metadata, startMs, endsMs, isSpent: isDone || metadata.deletionTimestamp !== undefined };
}

/** Lights a fuse that goes with `pod`, and waits until the controller counts; undefined where it does not in time. */
export async function lightFuse(
  fault: Fault<unknown>,
  { namespace = '', name, uid }: Metadata,
  burnsMs: number,
  api: KubernetesApi,
  attempt: Attempt,
): Promise<Fuse | undefined> {
  const job = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { ...ours(fault), ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name, uid }] },
    spec: {
      parallelism: 0,
      activeDeadlineSeconds: Math.ceil((burnsMs + CUT_OFF_MS) / 1_000),
      ttlSecondsAfterFinished: 0,
      template: { spec: { restartPolicy: 'Never', containers: [{ name: 'none', image: 'none' }] } },
    },
  };
  await api.create(jobsPath(namespace), job, bareSchema, attempt);
  while (!isOver(attempt)) {
    const fuse = await readFuse(fault, namespace, api, attempt);
    if (fuse === undefined || fuse.isSpent) return undefined;
    if (fuse.endsMs !== undefined) return fuse;
    await pause(LOOK_MS, attempt.signal);
  }
  return undefined;
}

function ours(fault: Fault<unknown>): { readonly name: string; readonly labels: Readonly<Record<string, string>> } {
  return { name: nameOf(fault), labels: { ...PART_OF, [FAULT_LABEL]: keyOf(fault) } };
}

/** Makes the policy that the fuse owns. */
export async function makePolicy(
  fault: Fault<unknown>,
  { metadata: { namespace = '', name, uid } }: Fuse,
  spec: unknown,
  api: KubernetesApi,
  attempt: Attempt,
): Promise<void> {
  const ownerReferences = [{ apiVersion: 'batch/v1', kind: 'Job', name, uid }];
  const policy = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { ...ours(fault), ownerReferences },
    spec,
  };
  await api.create(policiesPath(namespace), policy, bareSchema, attempt);
}

/** Whether the fault's policy is there, and is owned by this very fuse. */
export async function hasPolicy(
  fault: Fault<unknown>,
  namespace: string,
  api: KubernetesApi,
  attempt: Attempt,
): Promise<boolean> {
  const found = await api.get(`${policiesPath(namespace)}/${nameOf(fault)}`, bareSchema, attempt);
  return found !== undefined && found.metadata.deletionTimestamp === undefined;
}

/** Moves the end of the fuse to `endsMs`, never nearer; false where it has changed since it was read, or is gone. */
export async function moveFuse(
  { metadata, startMs = 0, endsMs: known = 0 }: Fuse,
  endsMs: number,
  api: KubernetesApi,
  attempt: Attempt,
): Promise<boolean> {
  if (endsMs <= known) return true;
  const { namespace = '', name, uid, resourceVersion } = metadata;
  const body = {
    metadata: { uid, resourceVersion },
    spec: { activeDeadlineSeconds: Math.ceil((endsMs - startMs) / 1_000) },
  };
  const moved = await api.patch(`${jobsPath(namespace)}/${name}`, body, bareSchema, attempt);
  return moved !== undefined && moved !== 'conflict';
}

/** Takes both away; whether there was any of them. */
export async function removeAll(
  fault: Fault<unknown>,
  namespace: string,
  api: KubernetesApi,
  attempt: Attempt,
): Promise<boolean> {
  const options = { kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy: 'Background' };
  const policy = await api.remove(`${policiesPath(namespace)}/${nameOf(fault)}`, options, attempt);
  const job = await api.remove(`${jobsPath(namespace)}/${nameOf(fault)}`, options, attempt);
  return policy || job;
}
