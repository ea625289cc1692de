/**
 * Nodes with a pod each for the conformance of faults that empty a node, and an observer that asks with kubectl.
 *
 * Owns a namespace a node, and another node where pods are started again. In a cluster without nodes it plays the kubelet.
 */
import { randomBytes } from 'node:crypto';
import type { Lab, LabTarget } from '../../activities/faults/conformance.ts';
import type { Cluster } from '../kubernetes/cluster/cluster.ts';
import { makeNode } from '../kubernetes/nodes.ts';
import { deploymentOf, isReady, podsOf, settle } from '../kubernetes/pods.ts';
import { until } from '../until.ts';

/** A lab of `kubernetes/node-drain`. */
export async function drainedNodes(cluster: Cluster): Promise<Lab> {
  await using undo = new AsyncDisposableStack();
  const elsewhere = await makeNode(cluster, undo);
  const made = undo.move();
  return {
    driver: new URL('../../activities/faults/kubernetes/node-drain.ts', import.meta.url),
    params: { gracePeriod: '1s' },
    settings: { kubernetes: { kubeconfig: cluster.kubeconfig, nodes: true } },
    async target(): Promise<LabTarget> {
      const namespace = `lab-${randomBytes(4).toString('hex')}`;
      await cluster.kubectl('create', 'namespace', namespace);
      made.defer(async () => void (await cluster.kubectl('delete', 'namespace', namespace, '--wait=false')));
      const { name, id } = await makeNode(cluster, made);
      const ready = async (): Promise<number> =>
        (await podsOf(cluster, namespace)).filter(
          ({ metadata, status }) => metadata['deletionTimestamp'] === undefined && isReady(status),
        ).length;
      const whole = async (replicas: number, node: string): Promise<void> =>
        until(async () => {
          await settle(cluster, namespace, node);
          return (await ready()) === replicas;
        });
      await cluster.create(deploymentOf('web', namespace, 1));
      await whole(1, name);
      await cluster.kubectl('scale', 'deployment', 'web', '-n', namespace, '--replicas=2');
      await whole(2, elsewhere.name);
      return {
        id,
        async harmed() {
          const read = ['get', 'node', name, '--ignore-not-found', '-o', 'jsonpath={.spec.unschedulable}'];
          return (await cluster.kubectl(...read)) === 'true' || (await ready()) < 2;
        },
        remove: async () => void (await cluster.kubectl('delete', 'node', name)),
        heal: () => whole(2, elsewhere.name),
      };
    },
    close: () => made.disposeAsync(),
  };
}
