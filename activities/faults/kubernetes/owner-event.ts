/**
 * A Kubernetes Event on the owner of a pod that was harmed, for whoever looks there first: `kubectl describe deployment`.
 *
 * Owns its name, which is the fault's, so that whoever tries again writes none twice; the API server forgets it by itself, by default after an
 * hour. What cannot be written must not undo, nor hide, what was done: the journal has it too.
 */
import { z } from 'zod';
import type { Fault } from '../../../domain/fault.ts';
import { targetKey } from '../../../domain/target-key.ts';
import { permission } from '../../kubernetes/access.ts';
import type { KubernetesApi } from '../../kubernetes/api.ts';
import type { Attempt } from '../driver.ts';
import type { Owner } from './owner.ts';

/** What writing one needs. */
export const WRITE_EVENTS = permission('', ['events'], ['create']);

/** The event's reason: `SquallPodKill` for `kubernetes/pod-kill`. */
function reasonFor(fault: string): string {
  const words = fault.split(/[/-]/).slice(1);
  return `Squall${words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')}`;
}

/** Writes that a fault of `kind` was done to the pod called `pod`: that Squall has `what` it. */
export async function tellOwner(
  { apiVersion, kind, name, uid }: Pick<Owner, 'apiVersion' | 'kind' | 'name' | 'uid'>,
  { installation, id, run }: Fault<unknown>,
  { namespace, pod, fault, what }: Readonly<Record<'namespace' | 'pod' | 'fault' | 'what', string>>,
  api: KubernetesApi,
  attempt: Attempt,
): Promise<void> {
  const now = new Date(api.nowMs()).toISOString().replace(/\.\d+/, '');
  const event = {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `squall-${targetKey(`${installation} ${id}`)}`, namespace },
    involvedObject: { apiVersion, kind, namespace, name, uid },
    type: 'Warning',
    reason: reasonFor(fault),
    message: `Squall has ${what} pod ${pod} for run ${run} of installation ${installation}`.slice(0, 1_000),
    source: { component: 'squall' },
    firstTimestamp: now,
    lastTimestamp: now,
    count: 1,
  };
  await api.create(`/api/v1/namespaces/${namespace}/events`, event, z.unknown(), attempt).catch(() => undefined);
}
