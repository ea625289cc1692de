/**
 * Evictions: a pod is asked to go, as every disruption budget allows.
 *
 * Owns the request and the meaning of its answers. Must never decide which pod goes, nor wait for a budget.
 */
import { z } from 'zod';
import { durationMs } from '../../../domain/written-duration.ts';
import { Refused } from '../../kubernetes/api.ts';
import type { KubernetesApi } from '../../kubernetes/api.ts';
import { listPath } from '../../kubernetes/objects.ts';
import type { Metadata } from '../../kubernetes/objects.ts';
import type { Attempt } from '../driver.ts';

/** Between two tries of an eviction that a disruption budget does not allow, in milliseconds. */
export const BUDGET_MS = 1_000;

/** What a pod has to end in its own way, in milliseconds. */
export const gracePeriod = durationMs
  .refine((ms) => ms >= 1_000 && ms <= 3_600_000 && ms % 1_000 === 0, 'expected whole seconds from 1s to 1h')
  .optional()
  .describe('What the pod has to end in its own way. Default: what it asks for itself.');

/** How a pod is deleted, exactly as it was read. */
export function deleteOptions({ uid, resourceVersion }: Metadata, graceMs: number | undefined): object {
  const grace = graceMs === undefined ? {} : { gracePeriodSeconds: graceMs / 1_000 };
  return { preconditions: { uid, resourceVersion }, ...grace };
}

/**
 * Evicts the pod exactly as it was read. `changed`: it is not as it was, or is gone. The words of a disruption budget, where
 * one does not allow it now.
 */
export async function evict(
  pod: Metadata,
  graceMs: number | undefined,
  api: KubernetesApi,
  attempt: Attempt,
): Promise<'evicted' | 'changed' | { readonly overBudget: string }> {
  const { name, namespace } = pod;
  const eviction = {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { name, namespace },
    deleteOptions: deleteOptions(pod, graceMs),
  };
  try {
    const path = `${listPath('pod', namespace)}/${name}/eviction`;
    return (await api.create(path, eviction, z.unknown(), attempt)) === 'conflict' ? 'changed' : 'evicted';
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return 'changed';
    if (error instanceof Refused && error.overBudget) return { overBudget: error.message };
    throw error;
  }
}
