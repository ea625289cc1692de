/**
 * Real objects of a real cluster for the conformance of Kubernetes faults, and an observer that asks with kubectl.
 *
 * Owns what it makes: each target is an object of its own, and all of them are deleted after the suite.
 */
import { randomBytes } from 'node:crypto';
import type { Lab, LabTarget } from '../../activities/faults/conformance.ts';
import { targetId } from '../../activities/faults/kubernetes/target.ts';
import type { Cluster, KubernetesObject } from '../kubernetes/cluster/cluster.ts';

/** What a lab's targets are. */
export interface Objects {
  /** The driver's file, without its ending. */
  readonly fault: string;
  readonly params: unknown;
  readonly kind: 'node' | 'deployment' | 'configmap' | 'secret';
  /** Whether the harm can be seen on the object as kubectl shows it. */
  readonly harmed: (live: KubernetesObject) => boolean;
}

/** A lab whose targets are nodes, or deployments of a namespace of its own. */
export async function objectLab(cluster: Cluster, { fault, params, kind, harmed }: Objects): Promise<Lab> {
  const mark = `lab-${randomBytes(4).toString('hex')}`;
  const namespace = kind === 'node' ? undefined : mark;
  const within = namespace === undefined ? [] : ['-n', namespace];
  if (namespace !== undefined) await cluster.kubectl('create', 'namespace', namespace);
  let count = 0;
  return {
    driver: new URL(`../../activities/faults/kubernetes/${fault}.ts`, import.meta.url),
    params,
    settings: { kubernetes: { kubeconfig: cluster.kubeconfig, nodes: true } },
    async target(): Promise<LabTarget> {
      const name = `${mark}-${++count}`;
      const { uid = '' } = (await cluster.create(described(kind, name, mark, namespace))).metadata;
      return {
        id: targetId({ kind, name, uid, ...(namespace === undefined ? {} : { namespace }) }),
        async harmed() {
          const found = await cluster.kubectl('get', kind, name, ...within, '--ignore-not-found', '-o', 'json');
          return found !== '' && harmed(JSON.parse(found) as KubernetesObject);
        },
        remove: async () => void (await cluster.kubectl('delete', kind, name, ...within)),
      };
    },
    async close() {
      if (namespace === undefined) await cluster.kubectl('delete', 'nodes', '-l', `lab=${mark}`);
      else await cluster.kubectl('delete', 'namespace', namespace, '--wait=false');
    },
  };
}

function described(kind: Objects['kind'], name: string, mark: string, namespace: string | undefined): KubernetesObject {
  const labels = { lab: mark };
  if (kind === 'node')
    return {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name, labels },
      // What a fault must leave alone.
      spec: { taints: [{ key: 'lab/other', value: 'stays', effect: 'NoSchedule' }] },
      status: { conditions: [{ type: 'Ready', status: 'True' }] },
    };
  const metadata = { name, labels, ...(namespace === undefined ? {} : { namespace }) };
  if (kind === 'configmap')
    return { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { url: 'http://a', other: '1' } };
  if (kind === 'secret') return { apiVersion: 'v1', kind: 'Secret', metadata, data: { url: base64('http://a') } };
  const selected = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata,
    spec: {
      replicas: 3,
      selector: { matchLabels: selected },
      template: { metadata: { labels: selected }, spec: { containers: [{ name: 'main', image: 'none' }] } },
    },
  };
}

/** As a secret has it. */
export function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
