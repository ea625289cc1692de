/**
 * A cluster as the place of a step matrix.
 *
 * Owns how it is looked there, with kubectl: no driver is asked.
 */
import { parseTarget } from '../../activities/faults/kubernetes/target.ts';
import type { ObjectKind } from '../../activities/kubernetes/objects.ts';
import type { Live } from '../../bench/torture/pods/api.ts';
import { traces } from '../../bench/torture/pods/traces.ts';
import { running } from '../../bench/torture/pods/watch.ts';
import type { TargetId } from '../../domain/fault.ts';
import type { Cluster } from '../kubernetes/cluster/cluster.ts';
import { FAULT_IMAGE } from '../kubernetes/fault-image.ts';
import { until } from '../until.ts';
import type { Place } from './driver-matrix.ts';
import type { NamedLab } from './labs.ts';

const KINDS: readonly ObjectKind[] = ['pod', 'node', 'deployment', 'statefulset', 'configmap', 'secret'];
/** What a fault may make beside its target. */
const OURS = 'jobs,networkpolicies';
/** Of a pod that is killed, until it is forgotten with its fence. */
const HELD = 'squall/kill=held';
const PART_OF = 'app.kubernetes.io/part-of=squall';

/** A cluster in which a matrix is played. */
export interface ClusterPlace extends Place {
  readonly cluster: Cluster;
}

/** Closes the cluster with itself. */
export function clusterPlace(cluster: Cluster): ClusterPlace {
  return {
    cluster,
    provider: 'kubernetes',
    section: { kubeconfig: cluster.kubeconfig, nodes: true, faultImage: FAULT_IMAGE },
    selector(target: TargetId) {
      const { kind, namespace, name } = parseTarget(target, KINDS);
      return { kind, names: [name], ...(namespace === undefined ? {} : { namespace }) };
    },
    async left(target) {
      const { kind, namespace, name } = parseTarget(target, KINDS);
      const within = namespace === undefined ? [] : ['-n', namespace];
      const found = await cluster.kubectl('get', kind, name, ...within, '--ignore-not-found', '-o', 'json');
      const object = JSON.parse(found || '{"metadata":{}}') as Live;
      return [...traces(object), ...running(object).map((container) => `container ${container.name}`)];
    },
    async empty() {
      await until(async () => (await cluster.kubectl('get', OURS, '-A', '-l', PART_OF, '-o', 'name')) === '');
      await until(async () => (await cluster.kubectl('get', 'leases', '-A', '-l', HELD, '-o', 'name')) === '');
    },
    close: () => cluster.close(),
  };
}

/** The labs of a cluster for a matrix. */
export function inPlace(labs: readonly NamedLab[]): {
  readonly name: string;
  readonly open: (place: ClusterPlace, owned?: boolean) => ReturnType<NamedLab['open']>;
}[] {
  return labs.map(({ name, open }) => ({ name, open: ({ cluster }, owned) => open(cluster, owned) }));
}
