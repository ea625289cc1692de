/**
 * What is left of a cluster without one of its zones.
 *
 * Owns the counting: the CPU and the memory that the other zones' nodes have for pods, as a share of what all nodes have. Must
 * never count a node of which nobody says in which zone it is, whether it is ready, or what it can carry.
 */
import { z } from 'zod';
import type { KubernetesApi } from '../../kubernetes/api.ts';
import { holds, listPath, nodeSchema } from '../../kubernetes/objects.ts';
import { ZONE } from '../../targets/kubernetes-selector.ts';
import type { Attempt } from '../driver.ts';

const RESOURCES = ['cpu', 'memory'] as const;

const carrierSchema = nodeSchema.extend({
  status: nodeSchema.shape.status
    .unwrap()
    .extend({ allocatable: z.record(z.string(), z.string()).default({}) })
    .prefault({}),
});
export type Carrier = z.infer<typeof carrierSchema>;

/** All nodes of a cluster. */
export async function carriers(api: KubernetesApi, attempt: Attempt): Promise<Carrier[]> {
  return Array.fromAsync(api.list(listPath('node'), {}, carrierSchema, attempt));
}

/** The zone of a node; undefined where nobody says. */
export function zoneOf({ metadata: { labels } }: Pick<Carrier, 'metadata'>): string | undefined {
  return labels[ZONE];
}

/** The share of the cluster that is left outside of `zone`: of CPU or memory, whichever is less. */
export function shareOutside(zone: string, nodes: readonly Carrier[]): number {
  const shares = RESOURCES.map((resource) => {
    const of = (some: readonly Carrier[]): number =>
      some.reduce((sum, { status }) => sum + amountOf(status.allocatable[resource]), 0);
    const outside = nodes.filter(
      (node) => holds(node, 'Ready') && !node.spec.unschedulable && zoneOf(node) !== undefined && zoneOf(node) !== zone,
    );
    const all = of(nodes);
    return all === 0 ? 0 : of(outside) / all;
  });
  return Math.min(...shares);
}

const FACTORS: Readonly<Record<string, number>> = {
  m: 1e-3,
  '': 1,
  ...Object.fromEntries(['k', 'M', 'G', 'T', 'P', 'E'].map((letter, i) => [letter, 1_000 ** (i + 1)])),
  ...Object.fromEntries(['K', 'M', 'G', 'T', 'P', 'E'].map((letter, i) => [`${letter}i`, 1_024 ** (i + 1)])),
};

/** A quantity as Kubernetes writes it: `3920m`, `16Gi`; nothing where it cannot be read. */
export function amountOf(written: string | undefined): number {
  const [, number, unit = ''] = /^(\d{1,18}(?:\.\d{1,9})?)(m|[kMGTPE]|[KMGTPE]i)?$/.exec(written ?? '') ?? [];
  return number === undefined ? 0 : Number(number) * (FACTORS[unit] ?? 0);
}
