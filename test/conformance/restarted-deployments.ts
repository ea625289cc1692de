/**
 * Real deployments for the conformance of a restart, and an observer that asks with kubectl whether their rollout is over.
 *
 * Owns a namespace. In a cluster without nodes it plays the kubelet: whatever is to end ends, and what is started is ready.
 */
import { randomBytes } from 'node:crypto';
import type { Lab, LabTarget } from '../../activities/faults/conformance.ts';
import { targetId } from '../../activities/faults/kubernetes/target.ts';
import type { Cluster, KubernetesObject } from '../kubernetes/cluster/cluster.ts';
import { makeNode } from '../kubernetes/nodes.ts';
import { deploymentOf, settle } from '../kubernetes/pods.ts';
import { until } from '../until.ts';

const REPLICAS = 2;

/** A lab of `kubernetes/rollout-restart`. */
export async function restartedDeployments(cluster: Cluster): Promise<Lab> {
  const namespace = `lab-${randomBytes(4).toString('hex')}`;
  await cluster.kubectl('create', 'namespace', namespace);
  await using undo = new AsyncDisposableStack();
  undo.defer(async () => void (await cluster.kubectl('delete', 'namespace', namespace, '--wait=false')));
  const { name: node } = await makeNode(cluster, undo);
  const made = undo.move();
  let count = 0;
  return {
    driver: new URL('../../activities/faults/kubernetes/rollout-restart.ts', import.meta.url),
    params: {},
    settings: { kubernetes: { kubeconfig: cluster.kubeconfig, namespaces: [namespace] } },
    async target(): Promise<LabTarget> {
      const app = `app-${++count}`;
      const { uid = '' } = (await cluster.create(deploymentOf(app, namespace, REPLICAS))).metadata;
      const harmed = async (): Promise<boolean> => {
        const found = await cluster.kubectl(
          'get',
          'deployment',
          app,
          '-n',
          namespace,
          '--ignore-not-found',
          '-o',
          'json',
        );
        return found !== '' && !isOver(JSON.parse(found) as KubernetesObject);
      };
      const whole = async (): Promise<boolean> => {
        await settle(cluster, namespace, node);
        return !(await harmed());
      };
      await until(whole);
      return {
        id: targetId({ kind: 'deployment', namespace, name: app, uid }),
        harmed,
        remove: async () => void (await cluster.kubectl('delete', 'deployment', app, '-n', namespace)),
        heal: () => until(whole),
      };
    },
    close: () => made.disposeAsync(),
  };
}

function isOver({ metadata, status = {} }: KubernetesObject): boolean {
  if (status['observedGeneration'] !== metadata['generation']) return false;
  return ['replicas', 'updatedReplicas', 'readyReplicas'].every((key) => status[key] === REPLICAS);
}
