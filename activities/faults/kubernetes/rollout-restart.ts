/**
 * `kubernetes/rollout-restart`: all pods of a deployment or a stateful set are replaced, as `kubectl rollout restart` does it.
 *
 * Heals by itself, in the steps that the workload's own strategy says, and is verified healed: its controller has seen the
 * change, every pod is of the new template, and as many are ready as before. The annotation of the template stays: taking it
 * away would restart everything again.
 */
import { z } from 'zod';
import { permission } from '../../kubernetes/access.ts';
import { selectorSchema } from '../../kubernetes/labels.ts';
import { metadataSchema } from '../../kubernetes/objects.ts';
import { COPIES } from './copies.ts';
import { objectFault } from './object-fault.ts';
import { missingOf, ownerAt, ownerSchema } from './owner.ts';
import { parseTarget, pathOf } from './target.ts';
import type { KubernetesTarget } from './target.ts';

const OBJECTS = ['deployment', 'statefulset'] as const;
/** kubectl's own: whoever looks sees a restart as they know it. */
const RESTARTED = 'kubectl.kubernetes.io/restartedAt';

const count = z.number().int().default(0);
const rolloutSchema = z.object({
  metadata: metadataSchema.extend({ generation: count }),
  spec: z.object({
    replicas: z.number().int().default(1),
    selector: selectorSchema,
    paused: z.boolean().default(false),
    updateStrategy: z
      .object({ type: z.string().optional(), rollingUpdate: z.object({ partition: count }).optional() })
      .optional(),
  }),
  status: z.object({ observedGeneration: count, replicas: count, updatedReplicas: count }).prefault({}),
});
type Rollout = z.infer<typeof rolloutSchema>;

export const driver = objectFault({
  kind: 'kubernetes/rollout-restart',
  summary: 'All pods of a deployment or a stateful set are replaced, by its own strategy.',
  params: z.strictObject({}),
  resource: 'restart',
  objects: OBJECTS,
  permissions: [
    permission('apps', ['deployments', 'statefulsets'], ['get', 'list', 'patch']),
    COPIES,
    permission('', ['pods'], ['list']),
  ],
  reversal: 'heals',
  undo: 'nothing is undone: its controller replaces the pods, and Squall verifies that all are new, and as many ready as before',
  object: rolloutSchema,
  undoRecord: z.object({ owner: ownerSchema }),
  harm: async (live, { target: id }, { api, attempt }) => {
    const why = unmoved(live);
    if (why !== undefined) return why;
    const target = parseTarget(id, OBJECTS);
    const owner = await ownerAt({ ...KINDS[nameOf(target)], path: pathOf(target) }, target.uid, api, attempt);
    if (owner === undefined) return 'it is gone';
    const annotations = { [RESTARTED]: new Date(api.nowMs()).toISOString() };
    return { undo: { owner }, change: { spec: { template: { metadata: { annotations } } } } };
  },
  isOn: () => true,
  heal: () => ({}),
  unhealed: async (live, { owner }, { api, attempt }) => unfinished(live) ?? (await missingOf(owner, '', api, attempt)),
});

const KINDS = {
  deployment: { apiVersion: 'apps/v1', kind: 'Deployment' },
  statefulset: { apiVersion: 'apps/v1', kind: 'StatefulSet' },
} as const;

function nameOf({ kind }: KubernetesTarget): keyof typeof KINDS {
  return kind === 'statefulset' ? 'statefulset' : 'deployment';
}

/** Why a changed template would replace nothing. */
function unmoved({ spec: { paused, updateStrategy } }: Rollout): string | undefined {
  if (paused) return 'its rollout is paused';
  return updateStrategy?.type === 'OnDelete' ? 'it replaces pods only when somebody deletes them' : undefined;
}

/** What of the rollout is still to come, for people; undefined when it is over. */
function unfinished({ metadata, spec, status }: Rollout): string | undefined {
  const { name, generation } = metadata;
  if (status.observedGeneration < generation) return `${name}: its controller has not seen the restart`;
  const wanted = Math.max(0, spec.replicas - (spec.updateStrategy?.rollingUpdate?.partition ?? 0));
  if (status.updatedReplicas < wanted) return `${name}: ${status.updatedReplicas} of ${wanted} pods are new`;
  const old = status.replicas - spec.replicas;
  return old > 0 ? `${name}: ${old} old pods have not ended` : undefined;
}
