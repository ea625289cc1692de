/**
 * Real pods for the conformance of faults that heal, each of a deployment of its own, and an observer that asks with kubectl.
 *
 * Owns a namespace. In a cluster without nodes it plays the kubelet: whatever is to end ends, and what is started is ready.
 */
import { randomBytes } from 'node:crypto';
import type { Lab, LabTarget } from '../../activities/faults/conformance.ts';
import { targetId } from '../../activities/faults/kubernetes/target.ts';
import type { Cluster } from '../kubernetes/cluster/cluster.ts';
import { makeNode } from '../kubernetes/nodes.ts';
import { deploymentOf, isReady, podsOf, settle } from '../kubernetes/pods.ts';
import { until } from '../until.ts';

const REPLICAS = 2;

/** A lab of `kubernetes/pod-kill`. */
export async function killedPods(cluster: Cluster, params: unknown): Promise<Lab> {
  const namespace = `lab-${randomBytes(4).toString('hex')}`;
  await cluster.kubectl('create', 'namespace', namespace);
  await using undo = new AsyncDisposableStack();
  undo.defer(async () => void (await cluster.kubectl('delete', 'namespace', namespace, '--wait=false')));
  // On a node a pod that is deleted ends before it goes.
  const { name: node } = await makeNode(cluster, undo);
  const made = undo.move();
  let count = 0;
  return {
    driver: new URL('../../activities/faults/kubernetes/pod-kill.ts', import.meta.url),
    params,
    settings: { kubernetes: { kubeconfig: cluster.kubeconfig, namespaces: [namespace] } },
    async target(): Promise<LabTarget> {
      const app = `app-${++count}`;
      await cluster.create(deploymentOf(app, namespace, REPLICAS));
      const ready = async (): Promise<string[]> =>
        (await podsOf(cluster, namespace, app))
          .filter(({ metadata, status }) => metadata['deletionTimestamp'] === undefined && isReady(status))
          .map(({ metadata: { name, uid } }) => `${name}@${uid}`);
      const whole = async (): Promise<boolean> => {
        await settle(cluster, namespace, node);
        return (await ready()).length === REPLICAS;
      };
      await until(whole);
      const [name = '', uid = ''] = (await ready())[0]?.split('@') ?? [];
      return {
        id: targetId({ kind: 'pod', namespace, name, uid }),
        harmed: async () => (await ready()).length < REPLICAS,
        remove: async () =>
          void (await cluster.kubectl('delete', 'pod', name, '-n', namespace, '--force', '--ignore-not-found')),
        heal: () => until(whole),
      };
    },
    close: () => made.disposeAsync(),
  };
}
