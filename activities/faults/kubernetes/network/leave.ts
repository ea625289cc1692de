/**
 * What the API server lets this worker do to the pods of its site, asked before anything is touched.
 *
 * Owns the rules that network faults need, as data: they are what is asked, what is shown to people, and what a Role says.
 */
import { z } from 'zod';
import { STRATEGIC_MERGE_PATCH, Refused, unhurried } from '../../../kubernetes/api.ts';
import type { KubernetesApi } from '../../../kubernetes/api.ts';
import { listPath } from '../../../kubernetes/objects.ts';
import { reasonOf } from '../../../probes/reading.ts';
import type { Attempt, Permission } from '../../driver.ts';
import { revertContainer } from './container.ts';
import { podSchema } from './pod.ts';

/** One rule of a Role. */
interface Rule {
  readonly apiGroup: string;
  readonly resource: string;
  readonly verbs: readonly string[];
}

const PODS: readonly Rule[] = [
  { apiGroup: '', resource: 'pods', verbs: ['get', 'list', 'patch'] },
  { apiGroup: '', resource: 'pods/ephemeralcontainers', verbs: ['patch'] },
  // Which of the two a server asks for depends on its version.
  { apiGroup: '', resource: 'pods/exec', verbs: ['get', 'create'] },
];

/** Only where peers are services. */
const SERVICES: readonly Rule[] = [
  { apiGroup: '', resource: 'services', verbs: ['get'] },
  { apiGroup: 'discovery.k8s.io', resource: 'endpointslices', verbs: ['list'] },
];

/** In words, as `squall plan` shows them. */
export const PERMISSIONS: readonly Permission[] = [
  ...PODS.map((rule) => ({ needs: wordsOf(rule) })),
  ...SERVICES.map((rule) => ({ needs: `${wordsOf(rule)}, where peers are services` })),
  { needs: 'that PodSecurity lets containers with NET_ADMIN into the namespace' },
];

function wordsOf({ verbs, resource }: Rule): string {
  const [last, ...others] = verbs.toReversed();
  return `to ${others.length > 0 ? `${others.toReversed().join(', ')} and ` : ''}${last} ${resource}`;
}

const reviewSchema = z.object({ status: z.object({ allowed: z.boolean() }) });

/** What is missing in `namespaces`, one sentence each. Without namespaces what holds in all of them is asked. */
export async function missingLeave(
  api: KubernetesApi,
  namespaces: readonly string[] | undefined,
  { image, services }: { readonly image: string; readonly services: boolean },
): Promise<string[]> {
  const attempt = unhurried();
  const rules = services ? [...PODS, ...SERVICES] : PODS;
  const places = namespaces ?? [''];
  const missing = await Promise.all(
    places.map(async (place) => {
      const refused = await Promise.all(
        rules.flatMap((rule) => rule.verbs.map((verb) => review(api, place, rule, verb, attempt))),
      );
      const words = refused.filter((word) => word !== undefined);
      if (words.length > 0) return [`may not ${words.join(', ')} in ${place || 'all namespaces'}`];
      return place === '' ? [] : rehearse(api, place, image, attempt);
    }),
  );
  return missing.flat();
}

/** What this worker may not do; undefined where it may. */
async function review(
  api: KubernetesApi,
  namespace: string,
  { apiGroup, resource: written }: Rule,
  verb: string,
  attempt: Attempt,
): Promise<string | undefined> {
  const [resource, subresource = ''] = written.split('/');
  const spec = { resourceAttributes: { namespace, group: apiGroup, resource, subresource, verb } };
  const body = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec };
  const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
  const answer = await api.create(path, body, reviewSchema, attempt);
  return answer !== 'conflict' && answer.status.allowed ? undefined : `${verb} ${written}`;
}

/** Whether a container would be let into one of the namespace's pods, of which nothing is kept. */
async function rehearse(api: KubernetesApi, namespace: string, image: string, attempt: Attempt): Promise<string[]> {
  const fault = { id: 'rehearsal', installation: 'squall', run: '', target: '', params: {}, ttlMs: 0, notAfterMs: 0 };
  const body = { spec: { ephemeralContainers: [revertContainer(image, fault, 1)] } };
  const pods = listPath('pod', namespace);
  for await (const { metadata } of api.list(pods, { fieldSelector: 'status.phase=Running' }, podSchema, attempt)) {
    try {
      const path = `${pods}/${metadata.name}/ephemeralcontainers?dryRun=All`;
      await api.patch(path, body, podSchema, attempt, STRATEGIC_MERGE_PATCH);
      return [];
    } catch (error) {
      return [`a fault’s container is not let into ${namespace}: ${refusalOf(error, namespace)}`];
    }
  }
  return [];
}

/** Why a container was not let into a pod, with the label that says so where it is PodSecurity. */
export function refusalOf(error: unknown, namespace: string): string {
  const words = reasonOf(error);
  return error instanceof Refused && error.status === 403 && error.message.includes('PodSecurity')
    ? `PodSecurity forbids NET_ADMIN there, by the label pod-security.kubernetes.io/enforce of the namespace ${namespace}`
    : words;
}
