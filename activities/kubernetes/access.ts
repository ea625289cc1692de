/**
 * What a worker may do in its cluster.
 *
 * Owns the question to the API server, whether each verb that a driver needs is allowed, so that what is not is said before
 * anything is touched; and the Role that allows exactly these.
 */
import { z } from 'zod';
import { NoLeave } from '../faults/driver.ts';
import type { AccessRule, Attempt, Permission } from '../faults/driver.ts';
import { Refused } from './api.ts';
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

/** A list of the core group, or of a named one; of one namespace, or of all. */
const LISTED = /^\/(?:api|apis\/([^/]+))\/v[^/]+\/(?:namespaces\/([^/]+)\/)?([^/]+)$/;

/** Lists that whoever looks for leftovers may not read, nor write to what is in them: this worker has put no fault on there. */
export class Skipped {
  /** Undefined where there was none. */
  first: NoLeave | undefined;
  /** The first of whatever was listed that could not be read: it must not keep the others on, nor be passed over in silence. */
  unreadable: Error | undefined;

  /** What `read` makes of one of a list; undefined where it cannot be read. */
  try<T>(read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      this.note(error);
      return undefined;
    }
  }

  /** Keeps the first problem. */
  note(error: unknown): void {
    this.unreadable ??= error instanceof Error ? error : new Error(String(error));
  }

  /** `list`, of what is at `path`; empty where that is one of these. Any other refusal stays one. */
  async *over<T>(list: AsyncIterable<T>, path: string, api: KubernetesApi, attempt: Attempt): AsyncGenerator<T> {
    try {
      yield* list;
    } catch (error) {
      const [, group = '', namespace = '', resource = ''] = LISTED.exec(path) ?? [];
      if (!(error instanceof Refused) || error.status !== 403) throw error;
      const both = permission(group, [resource], ['list', 'patch']);
      const missing = await missingAccess([both], [namespace], api, attempt);
      if (missing.length < 2) throw error;
      this.first ??= new NoLeave(missing.join(', '));
    }
  }
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
