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
import { parseTarget } from '../target.ts';
import { revertContainer } from './container.ts';
import type { PodFault, Shape } from './kind-of-pod-fault.ts';
import { noRoom, podSchema } from './pod.ts';
import type { Pod } from './pod.ts';

/** Pods that are tried, where the ones before have just gone. */
const TRIES = 3;
const REHEARSED = { id: 'rehearsal', installation: 'squall', run: '', target: '', params: {}, ttlMs: 0, notAfterMs: 0 };

/** What is to be put on whom. */
interface Wanted<Params> {
  readonly api: KubernetesApi;
  readonly what: PodFault<Params>;
  readonly image: string;
  readonly params: Params;
}

/** Which of `targets` a fault must not be put on, or cannot, and why. */
export async function unfitPods<Params>(
  wanted: Wanted<Params>,
  targets: readonly TargetId[],
): Promise<ReadonlyMap<TargetId, string>> {
  const byNamespace = Map.groupBy(targets, (target) => parseTarget(target, ['pod']).namespace ?? '');
  const found = await Promise.all([...byNamespace].map(([namespace, within]) => unfitIn(wanted, namespace, within)));
  return new Map(found.flat());
}

async function unfitIn<Params>(
  wanted: Wanted<Params>,
  namespace: string,
  targets: readonly TargetId[],
): Promise<(readonly [TargetId, string])[]> {
  const { api, what, params } = wanted;
  const attempt = unhurried();
  const byUid = new Map(targets.map((target) => [parseTarget(target, ['pod']).uid, target]));
  const reasons = new Map<TargetId, string>();
  const tried: Pod[] = [];
  for await (const pod of api.list(listPath('pod', namespace), {}, podSchema, attempt)) {
    const target = byUid.get(pod.metadata.uid);
    if (target === undefined) continue;
    const reason = what.unfit(pod, params) ?? noRoom(pod);
    if (reason !== undefined) reasons.set(target, reason);
    else if (tried.length < TRIES) tried.push(pod);
  }
  const refused = await rehearse(wanted, namespace, tried, attempt);
  if (refused !== undefined) for (const target of targets) if (!reasons.has(target)) reasons.set(target, refused);
  return [...reasons];
}

/** Why a container is not let into the first of these pods that is there; undefined where it is. */
async function rehearse<Params>(
  { api, what, image, params }: Wanted<Params>,
  namespace: string,
  pods: readonly Pod[],
  attempt: Attempt,
): Promise<string | undefined> {
  for (const pod of pods) {
    const shape = what.shape(pod, params);
    const container = revertContainer(image, REHEARSED, 1, shape);
    try {
      const path = `${listPath('pod', namespace)}/${pod.metadata.name}/ephemeralcontainers?dryRun=All`;
      const body = { spec: { ephemeralContainers: [container] } };
      const rehearsed = await api.patch(path, body, podSchema, attempt, { contentType: STRATEGIC_MERGE_PATCH });
      if (rehearsed !== undefined && rehearsed !== 'conflict') return undefined;
    } catch (error) {
      if (error instanceof Refused && error.status < 429) return refusalOf(error, namespace, shape);
      throw error;
    }
  }
  return undefined;
}

/** Why a container was not let into a pod, with the label that says so where it is PodSecurity. */
export function refusalOf(error: unknown, namespace: string, { capabilities }: Pick<Shape, 'capabilities'>): string {
  const level = error instanceof Refused ? /PodSecurity "(\w+):/.exec(error.message)?.[1] : undefined;
  if (level === undefined) return reasonOf(error);
  const what = capabilities.length === 0 ? 'its container' : capabilities.join(', ');
  return `${what} is forbidden in namespace ${namespace} by its label pod-security.kubernetes.io/enforce: ${level}`;
}
