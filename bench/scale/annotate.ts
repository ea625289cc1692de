/**
 * A plugin with the fault that does nothing to a pod but be written on it: the slot of every fault that is one change of one
 * object, without the change. What is measured with it is what such faults have in common.
 */
import { z } from 'zod';
import { FIND_PODS, permission } from '../../activities/kubernetes/access.ts';
import { bareSchema } from '../../activities/kubernetes/objects.ts';
import { objectFault } from '../../activities/faults/kubernetes/object-fault.ts';

export const KIND = 'kubernetes/annotate';

export const drivers = [
  objectFault({
    kind: KIND,
    summary: 'Nothing, written on a pod.',
    params: z.strictObject({}),
    resource: 'annotate',
    objects: ['pod'],
    permissions: [permission('', ['pods'], ['get', 'list', 'patch']), FIND_PODS],
    undo: 'the annotation is taken away',
    object: bareSchema,
    undoRecord: z.object({}),
    harm: async () => ({ undo: {}, change: {} }),
    isOn: () => true,
    heal: () => ({}),
  }),
];
