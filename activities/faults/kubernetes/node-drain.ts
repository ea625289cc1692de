/**
 * `kubernetes/node-drain`: a node is cordoned, and its pods are evicted, as their disruption budgets allow.
 *
 * The owners of the pods, with what they had ready, are written on the node before the first eviction, and stay there when
 * the node is uncordoned, until their pods are ready again elsewhere: an evicted pod is not brought back, it is replaced.
 * A node on which this worker runs is refused.
 */
import { z } from 'zod';
import { permission } from '../../kubernetes/access.ts';
import { ownPod } from '../../kubernetes/own-pod.ts';
import { CORDON, cordoned, CORDONING, OWN_NODE, workersNode } from './cordon.ts';
import { emptyNode } from './emptying.ts';
import { gracePeriod } from './eviction.ts';
import { objectFault } from './object-fault.ts';
import { missingOf, ownerSchema } from './owner.ts';
import { parseTarget } from './target.ts';

const params = z.strictObject({
  gracePeriod,
  spare: z
    .record(z.string(), z.string())
    .default({})
    .describe('Pods with one of these labels stay, besides those that every policy protects.'),
});

/** Whose pods may have been evicted. */
const undoRecord = z.object({ owners: z.array(ownerSchema) });

export const driver = objectFault({
  ...CORDON,
  kind: 'kubernetes/node-drain',
  summary: 'A node is cordoned and its pods are evicted, as their disruption budgets allow.',
  params,
  permissions: [
    CORDONING,
    permission('', ['pods'], ['get', 'list']),
    permission('', ['pods/eviction'], ['create']),
    permission('apps', ['deployments', 'replicasets', 'statefulsets', 'daemonsets'], ['get']),
  ],
  undo: 'the node is uncordoned; its pods do not come back, their owners start others, and Squall verifies that as many are ready as before',
  undoRecord,
  unfit: async (targets, _params, looking) => {
    const own = await workersNode(looking);
    return new Map(
      targets.flatMap((target) => (parseTarget(target, ['node']).name === own ? [[target, OWN_NODE]] : [])),
    );
  },
  harm: async (node, _fault, looking) =>
    (await workersNode(looking)) === node.metadata.name ? OWN_NODE : cordoned(node, { owners: [] }),
  follow: async ({ target, params: asked }, holding) =>
    emptyNode({ ...asked, node: parseTarget(target, ['node']).name, own: await ownPod() }, holding),
  unhealed: async (_node, { owners }, { api, attempt }) => {
    const missing = await Promise.all(owners.map((owner) => missingOf(owner, '', api, attempt)));
    const words = missing.filter((word) => word !== undefined);
    return words.length === 0 ? undefined : words.join(', ');
  },
});
