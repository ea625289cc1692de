/**
 * Whether a fault's container is let into a pod, found out before anything is touched.
 *
 * Owns the rehearsal, which the API server judges like the real thing and of which it keeps nothing, and the words for what
 * it refuses.
 */
import type { TargetId } from '../../../../domain/fault.ts';
import { Refused, STRATEGIC_MERGE_PATCH, unhurried } from '../../../kubernetes/api.ts';
import type { KubernetesApi } from '../../../kubernetes/api.ts';
import { listPath } from '../../../kubernetes/objects.ts';
import { reasonOf } from '../../../probes/reading.ts';
import type { Attempt } from '../../driver.ts';
import { parseTarget, pathOf } from '../target.ts';
import { revertContainer } from './container.ts';
import { podSchema, unfit } from './pod.ts';

/** Pods that are tried, where the ones before have just gone. */
const TRIES = 3;
const REHEARSED = { id: 'rehearsal', installation: 'squall', run: '', target: '', params: {}, ttlMs: 0, notAfterMs: 0 };

/** Which of `targets` a fault must not be put on, or cannot, and why. */
export async function unfitPods(
  api: KubernetesApi,
  image: string,
  targets: readonly TargetId[],
): Promise<ReadonlyMap<TargetId, string>> {
  const byNamespace = Map.groupBy(targets, (target) => parseTarget(target, ['pod']).namespace ?? '');
  const found = await Promise.all(
    [...byNamespace].map(async ([namespace, within]) => unfitIn(api, image, namespace, within)),
  );
  return new Map(found.flat());
}

async function unfitIn(
  api: KubernetesApi,
  image: string,
  namespace: string,
  targets: readonly TargetId[],
): Promise<(readonly [TargetId, string])[]> {
  const attempt = unhurried();
  const byUid = new Map(targets.map((target) => [parseTarget(target, ['pod']).uid, target]));
  const reasons = new Map<TargetId, string>();
  for await (const pod of api.list(listPath('pod', namespace), {}, podSchema, attempt)) {
    const target = byUid.get(pod.metadata.uid);
    const reason = target === undefined ? undefined : unfit(pod);
    if (target !== undefined && reason !== undefined) reasons.set(target, reason);
  }
  const rest = targets.filter((target) => !reasons.has(target));
  const refused = await rehearse(api, image, rest.slice(0, TRIES), attempt);
  if (refused !== undefined) for (const target of rest) reasons.set(target, refused);
  return [...reasons];
}

/** Why a container is not let into the first of these pods that is there; undefined where it is. */
async function rehearse(
  api: KubernetesApi,
  image: string,
  targets: readonly TargetId[],
  attempt: Attempt,
): Promise<string | undefined> {
  const body = { spec: { ephemeralContainers: [revertContainer(image, REHEARSED, 1)] } };
  for (const target of targets) {
    const pod = parseTarget(target, ['pod']);
    try {
      const path = `${pathOf(pod)}/ephemeralcontainers?dryRun=All`;
      const rehearsed = await api.patch(path, body, podSchema, attempt, STRATEGIC_MERGE_PATCH);
      if (rehearsed !== undefined && rehearsed !== 'conflict') return undefined;
    } catch (error) {
      if (error instanceof Refused && error.status < 429) return refusalOf(error, pod.namespace ?? '');
      throw error;
    }
  }
  return undefined;
}

/** Why a container was not let into a pod, with the label that says so where it is PodSecurity. */
export function refusalOf(error: unknown, namespace: string): string {
  const level = error instanceof Refused ? /PodSecurity "(\w+):/.exec(error.message)?.[1] : undefined;
  return level === undefined
    ? reasonOf(error)
    : `NET_ADMIN is forbidden in namespace ${namespace} by its label pod-security.kubernetes.io/enforce: ${level}`;
}
