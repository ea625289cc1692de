/**
 * `kubernetes/node-taint`: a taint that few pods tolerate is on a node.
 *
 * The taint is our own, by its key; whatever other taints come and go meanwhile stays as others want it.
 */
import { z } from 'zod';
import { permission } from '../../kubernetes/access.ts';
import { nodeSchema } from '../../kubernetes/objects.ts';
import { objectFault } from './object-fault.ts';

const params = z.strictObject({
  key: z
    .string()
    .regex(/^(?:[a-z0-9][a-z0-9.-]{0,252}\/)?[A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?$/, 'expected the key of a taint')
    .default('squall/fault')
    .describe('The key of the taint.'),
  value: z
    .string()
    .regex(/^(?:[A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?)?$/, 'expected the value of a taint')
    .default('')
    .describe('Its value.'),
  effect: z
    // Not `NoExecute`: it evicts whomever it meets, protected or not, and past every disruption budget. `node-drain` asks.
    .enum(['NoSchedule', 'PreferNoSchedule'])
    .default('NoSchedule')
    .describe('Whether pods that do not tolerate it are kept away, or only rather put elsewhere.'),
});

const undoRecord = z.object({ key: z.string(), effect: z.string() });

export const driver = objectFault({
  kind: 'kubernetes/node-taint',
  summary: 'A taint is on a node: pods that do not tolerate it are not scheduled there.',
  params,
  resource: 'taint',
  objects: ['node'],
  permissions: [permission('', ['nodes'], ['get', 'list', 'patch'])],
  undo: 'the taint is taken away, with the patch that takes the annotation which says that it is ours',
  object: nodeSchema,
  undoRecord,
  harm: async ({ spec: { taints } }, { params: { key, value, effect } }) => {
    if (taints.some((taint) => taint.key === key && taint.effect === effect))
      return `it has a taint ${key}:${effect} already`;
    const taint = { key, effect, ...(value === '' ? {} : { value }) };
    return { undo: { key, effect }, change: { spec: { taints: [...taints, taint] } } };
  },
  isOn: ({ spec: { taints } }, ours) => taints.some(({ key, effect }) => key === ours.key && effect === ours.effect),
  heal: ({ spec: { taints } }, ours) => ({
    spec: { taints: taints.filter(({ key, effect }) => key !== ours.key || effect !== ours.effect) },
  }),
});
