/**
 * `kubernetes/node-cordon`: no pod is scheduled on a node any more; those that are there stay.
 *
 * A node that somebody else has cordoned is refused, so that only what we cordoned is uncordoned.
 */
import { z } from 'zod';
import { permission } from '../../kubernetes/access.ts';
import { nodeSchema } from '../../kubernetes/objects.ts';
import { objectFault } from './object-fault.ts';

export const driver = objectFault({
  kind: 'kubernetes/node-cordon',
  summary: 'No pod is scheduled on a node any more; those that are there stay.',
  params: z.strictObject({}),
  resource: 'cordon',
  objects: ['node'],
  permissions: [permission('', ['nodes'], ['get', 'list', 'patch'])],
  undo: 'the node is uncordoned, with the patch that takes the annotation which says that we cordoned it',
  object: nodeSchema,
  undoRecord: z.object({}),
  harm: async ({ spec }) =>
    spec.unschedulable ? 'somebody else has cordoned it' : { undo: {}, change: { spec: { unschedulable: true } } },
  isOn: ({ spec }) => spec.unschedulable,
  heal: () => ({ spec: { unschedulable: null } }),
});
