/**
 * Nodes in a zone for the conformance of an outage of it, and an observer that asks with kubectl.
 *
 * Owns a node in another zone, which can carry more than they. Whose pods are cut off is tested where pods run
 * (`test/kubernetes/zone-outage.test.ts`).
 */
import { randomBytes } from 'node:crypto';
import type { Lab, LabTarget } from '../../activities/faults/conformance.ts';
import type { Cluster } from '../kubernetes/cluster/cluster.ts';
import { makeNode } from '../kubernetes/nodes.ts';

const ZONE = 'topology.kubernetes.io/zone';

/** A lab of `kubernetes/zone-outage`. */
export async function zonedNodes(cluster: Cluster): Promise<Lab> {
  const zone = `zone-${randomBytes(4).toString('hex')}`;
  await using undo = new AsyncDisposableStack();
  await makeNode(cluster, undo, { [ZONE]: `${zone}-other` }, { cpu: '1000', memory: '1000Gi' });
  const made = undo.move();
  return {
    driver: new URL('../../activities/faults/kubernetes/zone-outage.ts', import.meta.url),
    params: {},
    settings: { kubernetes: { kubeconfig: cluster.kubeconfig, nodes: true } },
    async target(): Promise<LabTarget> {
      const { name, id } = await makeNode(cluster, made, { [ZONE]: zone }, { cpu: '4', memory: '16Gi' });
      return {
        id,
        async harmed() {
          const read = ['get', 'node', name, '--ignore-not-found', '-o', 'jsonpath={.spec.unschedulable}'];
          return (await cluster.kubectl(...read)) === 'true';
        },
        remove: async () => void (await cluster.kubectl('delete', 'node', name)),
      };
    },
    close: () => made.disposeAsync(),
  };
}
