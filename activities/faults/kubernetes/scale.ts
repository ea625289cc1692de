/**
 * `kubernetes/scale`: a deployment or a stateful set has another number of replicas.
 *
 * What an autoscaler owns is refused: it would undo the fault, and then the revert would undo its work. A number that others
 * have set meanwhile is theirs, and is left. A GitOps controller that owns the number sets it back at its next turn, which
 * the next renewal finds.
 */
import { z } from 'zod';
import { permission } from '../../kubernetes/access.ts';
import { COPIES } from './copies.ts';
import { objectFault } from './object-fault.ts';
import type { Looking } from './object-fault.ts';
import { workloadSchema } from '../../kubernetes/objects.ts';
import type { Metadata } from '../../kubernetes/objects.ts';

const REPLICAS_MAX = 10_000;

const params = z.strictObject({
  to: z
    .union([
      z.number().int().min(0).max(REPLICAS_MAX),
      z.string().regex(/^\d{1,4}(?:\.\d{1,2})?%$/, 'expected a number of replicas, or a share such as 50%'),
    ])
    .describe('How many replicas, or which share of those that it should have; a share is rounded down.'),
});

const undoRecord = z.object({ from: z.number().int(), to: z.number().int() });

const scalerSchema = z.object({
  metadata: z.object({ name: z.string() }),
  spec: z.object({ scaleTargetRef: z.object({ kind: z.string(), name: z.string() }) }),
});

export const driver = objectFault({
  kind: 'kubernetes/scale',
  summary: 'A deployment or a stateful set has another number of replicas.',
  params,
  resource: 'scale',
  objects: ['deployment', 'statefulset'],
  permissions: [
    permission('apps', ['deployments', 'statefulsets'], ['get', 'list', 'patch']),
    COPIES,
    permission('autoscaling', ['horizontalpodautoscalers'], ['list']),
  ],
  undo: 'it has as many replicas as before, unless somebody else has set another number meanwhile',
  object: workloadSchema,
  undoRecord,
  harm: async ({ metadata, spec: { replicas } }, { target, params: { to } }, looking) => {
    const number = typeof to === 'number' ? to : Math.floor((replicas * Number(to.slice(0, -1))) / 100 + 1e-9);
    if (number > REPLICAS_MAX) return `${number} replicas are more than ${REPLICAS_MAX}`;
    if (number === replicas) return `it has ${replicas} replicas already`;
    const scaler = await scalerOf(target.split('/')[0] ?? '', metadata, looking);
    if (scaler !== undefined) return `the autoscaler ${scaler} owns its number of replicas`;
    return { undo: { from: replicas, to: number }, change: { spec: { replicas: number } } };
  },
  isOn: ({ spec: { replicas } }, { to }) => replicas === to,
  heal: ({ spec: { replicas } }, { from, to }) => (replicas === to ? { spec: { replicas: from } } : {}),
});

/** The autoscaler that owns the number of replicas; undefined where none does. */
async function scalerOf(
  kind: string,
  { namespace = '', name }: Metadata,
  { api, attempt }: Looking,
): Promise<string | undefined> {
  const path = `/apis/autoscaling/v2/namespaces/${namespace}/horizontalpodautoscalers`;
  for await (const scaler of api.list(path, {}, scalerSchema, attempt)) {
    const { scaleTargetRef: owned } = scaler.spec;
    if (owned.kind.toLowerCase() === kind && owned.name === name) return scaler.metadata.name;
  }
  return undefined;
}
