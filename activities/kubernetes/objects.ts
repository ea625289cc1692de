/**
 * Kubernetes objects, as far as Squall reads them, and where they are.
 *
 * Owns the schemas at the border, which drop everything that nobody asks for, and the paths of the kinds that may be targets.
 */
import { z } from 'zod';

const names = z.record(z.string(), z.string());

/** What every object has. */
export const metadataSchema = z.object({
  name: z.string(),
  namespace: z.string().optional(),
  uid: z.string(),
  resourceVersion: z.string(),
  labels: names.default({}),
  annotations: names.default({}),
  deletionTimestamp: z.string().optional(),
  ownerReferences: z
    .array(
      z.object({
        apiVersion: z.string(),
        kind: z.string(),
        name: z.string(),
        uid: z.string(),
        controller: z.boolean().optional(),
      }),
    )
    .default([]),
});

/** The metadata of an object. */
export type Metadata = z.infer<typeof metadataSchema>;

/** An object of which nothing but its metadata is read. */
export const bareSchema = z.object({ metadata: metadataSchema });

const conditions = z.array(z.object({ type: z.string(), status: z.string() })).default([]);

export const taintSchema = z.looseObject({ key: z.string(), value: z.string().optional(), effect: z.string() });

export const nodeSchema = z.object({
  metadata: metadataSchema,
  spec: z.object({ unschedulable: z.boolean().default(false), taints: z.array(taintSchema).default([]) }).prefault({}),
  status: z.object({ conditions }).prefault({}),
});

export type Node = z.infer<typeof nodeSchema>;

export const podSchema = z.object({
  metadata: metadataSchema,
  spec: z.object({ nodeName: z.string().optional(), hostNetwork: z.boolean().default(false) }).prefault({}),
  status: z.object({ phase: z.string().optional(), conditions }).prefault({}),
});

export type Pod = z.infer<typeof podSchema>;

/** A pod that a kubelet has of a file; deleting it does nothing. */
export const MIRROR = 'kubernetes.io/config.mirror';

/** A deployment or a stateful set. */
export const workloadSchema = z.object({
  metadata: metadataSchema,
  spec: z
    .object({
      replicas: z.number().int().default(1),
      template: z
        .object({ metadata: z.object({ labels: z.record(z.string(), z.string()).default({}) }).prefault({}) })
        .prefault({}),
    })
    .prefault({}),
  status: z.object({ readyReplicas: z.number().int().default(0) }).prefault({}),
});

/** A config map or a secret, whose values are in base64. */
export const keyedSchema = z.object({
  metadata: metadataSchema,
  data: z.record(z.string(), z.string()).default({}),
  binaryData: z.record(z.string(), z.string()).default({}),
  immutable: z.boolean().default(false),
});

/** Whether the object's condition `type` is true. */
export function holds(
  object: { readonly status: { readonly conditions: z.infer<typeof conditions> } },
  type: string,
): boolean {
  return object.status.conditions.some((condition) => condition.type === type && condition.status === 'True');
}

/** The kinds of objects that may be targets, and the groups and plurals of their paths. */
const KINDS = {
  pod: ['api/v1', 'pods'],
  node: ['api/v1', 'nodes'],
  deployment: ['apis/apps/v1', 'deployments'],
  statefulset: ['apis/apps/v1', 'statefulsets'],
  configmap: ['api/v1', 'configmaps'],
  secret: ['api/v1', 'secrets'],
} as const;

/** A kind of object that may be a target. */
export type ObjectKind = keyof typeof KINDS;

/** Where objects of `kind` are listed: of one namespace, or of all. */
export function listPath(kind: ObjectKind, namespace?: string): string {
  const [group, plural] = KINDS[kind];
  return namespace === undefined ? `/${group}/${plural}` : `/${group}/namespaces/${namespace}/${plural}`;
}
