/**
 * `kubernetes/node-cordon`: no pod is scheduled on a node any more; those that are there stay.
 *
 * A node that somebody else has cordoned is refused, so that only what we cordoned is uncordoned.
 */
import { z } from 'zod';
import { CORDON, cordoned, CORDONING } from './cordon.ts';
import { objectFault } from './object-fault.ts';

export const driver = objectFault({
  ...CORDON,
  kind: 'kubernetes/node-cordon',
  summary: 'No pod is scheduled on a node any more; those that are there stay.',
  params: z.strictObject({}),
  permissions: [CORDONING],
  undo: 'the node is uncordoned, with the patch that takes the annotation which says that we cordoned it',
  undoRecord: z.object({}),
  harm: async (node) => cordoned(node, {}),
});
