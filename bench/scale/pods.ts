/**
 * Ten thousand pods that nobody runs: written to a real API server, with the owners that a selector asks for.
 *
 * Owns their names and their shape, which are what a shop's are: ten teams' namespaces, services of a hundred pods.
 */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Attempt } from '../../activities/faults/driver.ts';
import type { KubernetesApi } from '../../activities/kubernetes/api.ts';
import { bareSchema } from '../../activities/kubernetes/objects.ts';

const TEAMS = 10;
/** Pods of one service. */
const REPLICAS = 100;
/** What Kubernetes draws the ends of names from. */
const DRAWN = 'bcdfghjklmnpqrstvwxz2456789';

const drawn = (length: number): string => [...randomBytes(length)].map((byte) => DRAWN[byte % DRAWN.length]).join('');

/** Makes `count` pods that are ready, as far as anybody can tell; returns once all are there. */
export async function makePods(count: number, api: KubernetesApi, attempt: Attempt): Promise<void> {
  const teams = Array.from({ length: TEAMS }, (_, i) => `team-payments-${i}-production`);
  for (const name of teams)
    await api.create(
      '/api/v1/namespaces',
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
      z.unknown(),
      attempt,
    );
  const services = Math.ceil(count / REPLICAS);
  for (let i = 0; i < services; i++) {
    const namespace = teams[i % TEAMS] ?? '';
    await makeService(
      { namespace, app: `checkout-${i}`, replicas: Math.min(REPLICAS, count - i * REPLICAS) },
      api,
      attempt,
    );
  }
}

interface Service {
  readonly namespace: string;
  readonly app: string;
  readonly replicas: number;
}

async function makeService({ namespace, app, replicas }: Service, api: KubernetesApi, attempt: Attempt): Promise<void> {
  const hash = drawn(10);
  const labels = { app, 'pod-template-hash': hash, team: namespace };
  const containers = [{ name: 'main', image: `registry.example/${app}:1.0`, ports: [{ containerPort: 8080 }] }];
  const sets = `/apis/apps/v1/namespaces/${namespace}/replicasets`;
  const set = {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name: `${app}-${hash}`, namespace, labels },
    spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers } } },
  };
  const made = await api.create(sets, set, bareSchema, attempt);
  if (made === 'conflict') throw new Error(`${app} is there already`);
  const { name, uid, resourceVersion } = made.metadata;
  const status = { replicas, readyReplicas: replicas };
  await api.patch(`${sets}/${name}/status`, { metadata: { uid, resourceVersion }, status }, bareSchema, attempt);
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name, uid, controller: true };
  await Promise.all(
    Array.from({ length: replicas }, async () => {
      const pods = `/api/v1/namespaces/${namespace}/pods`;
      const metadata = { name: `${name}-${drawn(5)}`, namespace, labels, ownerReferences: [owner] };
      const pod = await api.create(
        pods,
        { apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers } },
        bareSchema,
        attempt,
      );
      if (pod === 'conflict') throw new Error(`a pod of ${app} is there already`);
      const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: '2020-01-01T00:00:00Z' }];
      const running = {
        metadata: { uid: pod.metadata.uid, resourceVersion: pod.metadata.resourceVersion },
        status: { phase: 'Running', conditions },
      };
      await api.patch(`${pods}/${pod.metadata.name}/status`, running, bareSchema, attempt);
    }),
  );
}
