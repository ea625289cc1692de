/**
 * What a worker may do in its cluster.
 *
 * Owns the question to the API server, whether each verb that a driver needs is allowed, so that what is not is said before
 * anything is touched; and the Role that allows exactly these.
 */
import { z } from 'zod';
import type { AccessRule, Attempt, Permission } from '../faults/driver.ts';
import type { KubernetesApi } from './api.ts';

const REVIEWS = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
const reviewSchema = z.object({ status: z.object({ allowed: z.boolean() }) });

/** What is needed to find pods as targets, with their owners and disruption budgets. By zone, nodes are listed besides. */
export const FIND_PODS: Permission = {
  needs: 'to list pods, replicasets, statefulsets, daemonsets and poddisruptionbudgets, to find targets',
  rules: [
    { group: '', resources: ['pods'], verbs: ['list'] },
    { group: 'apps', resources: ['replicasets', 'statefulsets', 'daemonsets'], verbs: ['list'] },
    { group: 'policy', resources: ['poddisruptionbudgets'], verbs: ['list'] },
  ],
};

/** A permission for `verbs` on `resources` of one API group. */
export function permission(group: string, resources: readonly string[], verbs: readonly string[]): Permission {
  return { needs: `to ${listed(verbs)} ${listed(resources)}`, rules: [{ group, resources, verbs }] };
}

function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1) ?? ''}`;
}

/** Which of these this worker may not, in words; `namespaces` are asked one by one, or the whole cluster where there are none. */
export async function missingAccess(
  permissions: readonly Permission[],
  namespaces: readonly string[] | undefined,
  api: KubernetesApi,
  attempt: Attempt,
): Promise<string[]> {
  const asked = (namespaces ?? ['']).flatMap((namespace) =>
    rulesOf(permissions).flatMap(({ group, resources, verbs }) =>
      resources.flatMap((resource) => verbs.map((verb) => ({ namespace, group, resource, verb }))),
    ),
  );
  const answers = await Promise.all(
    asked.map(async ({ namespace, group, resource: full, verb }) => {
      const [resource = '', subresource = ''] = full.split('/');
      const spec = { resourceAttributes: { namespace, group, resource, subresource, verb } };
      const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec };
      const answer = await api.create(REVIEWS, review, reviewSchema, attempt);
      const allowed = answer !== 'conflict' && answer.status.allowed;
      const where = namespace === '' ? 'in the cluster' : `in namespace ${namespace}`;
      return allowed ? [] : [`this worker may not ${verb} ${full} ${where}`];
    }),
  );
  return answers.flat();
}

/** The rules of permissions, those for the same resources in one. */
export function rulesOf(permissions: readonly Permission[]): AccessRule[] {
  const merged = new Map<string, AccessRule>();
  for (const { group, resources, verbs } of permissions.flatMap(({ rules = [] }) => rules)) {
    for (const resource of resources) {
      const key = `${group}/${resource}`;
      const known = merged.get(key)?.verbs ?? [];
      merged.set(key, { group, resources: [resource], verbs: [...new Set([...known, ...verbs])].toSorted() });
    }
  }
  return [...merged.values()];
}
