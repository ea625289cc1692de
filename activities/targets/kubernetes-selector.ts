/**
 * The selector of targets in a cluster, and what of it is never selected.
 *
 * Owns what a document may ask for, and the reasons that hold for objects of every kind.
 */
import { z } from 'zod';
import type { Attempt } from '../faults/driver.ts';
import { TARGET_MAX, targetId } from '../faults/kubernetes/target.ts';
import type { KubernetesApi } from '../kubernetes/api.ts';
import type { Metadata } from '../kubernetes/objects.ts';
import { mayTouch } from './kubernetes-settings.ts';
import type { Sieve } from './sieve.ts';
import type { KubernetesSettings } from './kubernetes-settings.ts';

/** The label of a node's zone. */
export const ZONE = 'topology.kubernetes.io/zone';

const name = z.string().regex(/^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/, 'expected the name of an object');
const labelKey = z.string().regex(/^(?:[a-z0-9.-]{1,253}\/)?[A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?$/);
const labelValue = z.string().regex(/^(?:[A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?)?$/, 'expected the value of a label');

/** Parses `targets:` without `site`. */
export const selector = z
  .strictObject({
    kind: z
      .enum(['pod', 'node', 'deployment', 'statefulset', 'configmap', 'secret'])
      .default('pod')
      .describe('What the targets are.'),
    namespace: name.optional().describe('Only of this namespace. Default: of all that the site may touch.'),
    labels: z.record(labelKey, labelValue).default({}).describe('Only with all of these labels.'),
    owner: z
      .string()
      .regex(/^(?:deployment|statefulset|daemonset|replicaset)\/[a-z0-9.-]{1,253}$/, 'expected such as deployment/web')
      .optional()
      .describe('Only pods of this owner: `deployment/web`.'),
    node: name.optional().describe('Only pods on this node.'),
    zone: labelValue.optional().describe('Only nodes of this zone, or pods on them.'),
    names: z.array(name).min(1).max(10_000).optional().describe('Only these.'),
  })
  .superRefine(({ kind, ...wanted }, context) => {
    const of = { namespace: kind !== 'node', owner: kind === 'pod', node: kind === 'pod', zone: /pod|node/.test(kind) };
    for (const [key, fits] of Object.entries(of))
      if (!fits && wanted[key as keyof typeof of] !== undefined)
        context.addIssue({ code: 'custom', path: [key], message: `a ${kind} is not selected by its ${key}` });
  });

/** What a document asks for. */
export type KubernetesSelector = z.infer<typeof selector>;

/** Where candidates are looked for. */
export interface Place {
  readonly api: KubernetesApi;
  readonly settings: KubernetesSettings;
  readonly attempt: Attempt;
  /** Namespaces to list, or all at once. */
  readonly namespaces: readonly (string | undefined)[];
  readonly sieve: Sieve;
}

/** Whether a fault of ours is on the object: it is a target still, and pre-flight names who holds it. */
export function isHeld({ labels }: Metadata): boolean {
  return Object.entries(labels).some(([key, value]) => key.startsWith('squall/') && value === 'held');
}

/** Why an object must not be touched, whatever its kind; undefined when it may be. */
export function forbidden(
  kind: KubernetesSelector['kind'],
  { name: called, namespace, uid, labels, deletionTimestamp }: Metadata,
  settings: KubernetesSettings,
): string | undefined {
  if (namespace !== undefined && !mayTouch(settings, namespace)) return 'in a namespace that this site may not touch';
  if (labels['app.kubernetes.io/part-of'] === 'squall') return 'part of Squall';
  if (deletionTimestamp !== undefined) return 'being deleted';
  const id = targetId({ kind, name: called, uid, ...(namespace === undefined ? {} : { namespace }) });
  return id.length > TARGET_MAX ? 'its name is too long' : undefined;
}
