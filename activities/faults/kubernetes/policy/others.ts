/**
 * Policies of others that select a pod, beside which one of ours would do harm that was not asked for.
 *
 * Owns the reason: policies add up, so that ours cuts nothing that another allows, and allows what another forbids.
 */
import { z } from 'zod';
import type { KubernetesApi } from '../../../kubernetes/api.ts';
import { selectorSchema, selects } from '../../../kubernetes/labels.ts';
import { metadataSchema } from '../../../kubernetes/objects.ts';
import type { Metadata } from '../../../kubernetes/objects.ts';
import type { Attempt } from '../../driver.ts';
import { FAULT_LABEL, policiesPath } from './fuse.ts';

const policySchema = z.object({
  metadata: metadataSchema,
  spec: z.object({ podSelector: selectorSchema.prefault({}), policyTypes: z.array(z.string()).default(['Ingress']) }),
});
type Policy = z.infer<typeof policySchema>;

/** The policies of a namespace that no fault of ours has made. */
export async function otherPolicies(namespace: string, api: KubernetesApi, attempt: Attempt): Promise<Policy[]> {
  const all = await Array.fromAsync(api.list(policiesPath(namespace), {}, policySchema, attempt));
  return all.filter(({ metadata }) => metadata.labels[FAULT_LABEL] === undefined);
}

/** Why a pod must not be cut off in this direction, with these policies in its namespace; undefined where it may. */
export function whyNot(
  { labels }: Metadata,
  direction: 'ingress' | 'egress' | 'both',
  policies: readonly Policy[],
): string | undefined {
  const other = policies.find(
    ({ spec }) =>
      selects(spec.podSelector, labels) &&
      spec.policyTypes.some((type) => direction === 'both' || type.toLowerCase() === direction),
  );
  if (other === undefined) return undefined;
  return `the policy ${other.metadata.name} selects it already: one more would cut nothing that it allows, and allow what it forbids`;
}
