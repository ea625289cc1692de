/**
 * What the controller of a deployment copies to its replica sets: every annotation, for ever.
 *
 * Owns taking ours away there, and only there. It must be done when the deployment itself has none any more, or they come back.
 */
import type { KubernetesApi } from '../../kubernetes/api.ts';
import { METADATA, METADATA_LIST } from '../../kubernetes/api.ts';
import { permission } from '../../kubernetes/access.ts';
import { bareSchema } from '../../kubernetes/objects.ts';
import type { Metadata } from '../../kubernetes/objects.ts';
import type { Attempt } from '../driver.ts';
import { isWritten, unwritten } from './slot.ts';

/** What is needed for it. */
export const COPIES = permission('apps', ['replicasets'], ['list', 'patch']);

/** Takes away what is written of `resource` on the replica sets of a deployment. */
export async function ridCopies(
  { uid, namespace = '' }: Metadata,
  resource: string,
  api: KubernetesApi,
  attempt: Attempt,
): Promise<void> {
  const path = `/apis/apps/v1/namespaces/${namespace}/replicasets`;
  for await (const { metadata } of api.list(path, {}, bareSchema, attempt, METADATA_LIST)) {
    const { name, resourceVersion, ownerReferences } = metadata;
    if (!ownerReferences.some((owner) => owner.uid === uid) || !isWritten(metadata, resource)) continue;
    const patch = { metadata: { uid: metadata.uid, resourceVersion, annotations: unwritten(resource) } };
    const written = await api.patch(`${path}/${name}`, patch, bareSchema, attempt, { accept: METADATA });
    if (written === 'conflict') throw new Error(`${name} was changed meanwhile`);
  }
}
