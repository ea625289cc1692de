/**
 * Where runs harm a real cluster: pods of a real node, nodes, deployments and config maps.
 *
 * Owns the cluster, which is the arena's own.
 */
import { Cluster } from '../../../test/kubernetes/cluster/cluster.ts';
import { FAULT_IMAGE, importFaultImage } from '../../../test/kubernetes/fault-image.ts';
import { Pods } from '../../../test/kubernetes/running-pods.ts';
import type { Arena } from '../arena.ts';
import { Lane } from '../lane.ts';
import { podBlows } from './blows.ts';
import { AS_SPARED, NODE, Slot, SPARED } from './slot.ts';
import type { Doing } from './slot.ts';
import { TAINT, Watch } from './watch.ts';

/** A revert waits out what may come late, and for a container that is to take off what is left, in milliseconds. */
const CLEAR_MS = 20_000;

const inPods = (fault: string, params: Doing['params'], pod?: Doing['pod']): Doing => ({
  kind: 'pods',
  fault: `kubernetes/${fault}`,
  params,
  of: 'pod',
  ...(pod && { pod }),
});
const onObjects = (fault: string, of: Doing['of'], params: Doing['params'], more: Partial<Doing> = {}): Doing => ({
  kind: 'objects',
  fault: `kubernetes/${fault}`,
  params,
  of,
  ...more,
});
const VOLUME = {
  container: { volumeMounts: [{ name: 'data', mountPath: '/data' }] },
  spec: { volumes: [{ name: 'data', emptyDir: { medium: 'Memory', sizeLimit: '8Mi' } }] },
};
const LIMIT = { container: { resources: { requests: { memory: '1Mi' }, limits: { memory: '96Mi' } } } };

/** Its harm is that pods are missing. */
const MISSING = { seenIn: 'deployment' } as const;
/** On the node on which all pods run. */
const ON_THE_NODE = { real: true } as const;
const SPARE = { spare: SPARED };

/**
 * What runs do, side by side; of several one in each round. Each has another mechanism where there is no netem. A zone comes in
 * odd rounds and a drain in every fourth: while they keep pods off the node on which all run, nobody else needs new ones, since
 * kills and restarts come in the even rounds between.
 */
const DOING: readonly (readonly Doing[])[] = [
  [
    inPods('pod-partition', {}),
    {
      ...onObjects('zone-outage', 'node', { network: true, outside: '0%', ...SPARE }, ON_THE_NODE),
      kind: 'pods',
      seenIn: 'pod',
    },
  ],
  [
    inPods('pod-loss', { loss: '60%' }),
    inPods('pod-corrupt', { corruption: '50%' }),
    inPods('pod-dns', { answer: 'refused' }),
  ],
  [inPods('pod-latency', { delay: '200ms' }), inPods('pod-bandwidth', { rate: '512kbit' })],
  [
    inPods('pod-pause', {}),
    inPods('pod-cpu', { workers: 1, load: '20%' }),
    inPods('pod-disk-fill', { volume: 'data' }, VOLUME),
    inPods('pod-memory', { rate: '10MB/s', to: '60%' }, LIMIT),
  ],
  [
    onObjects('network-policy-partition', 'pod', {}, { seenIn: 'policy' }),
    onObjects('node-cordon', 'node', {}),
    onObjects('pod-kill', 'pod', {}, MISSING),
    onObjects('node-taint', 'node', { key: TAINT }),
  ],
  [
    onObjects('node-drain', 'node', SPARE, { ...ON_THE_NODE, ...MISSING }),
    onObjects('scale', 'deployment', { to: '25%' }),
    onObjects('rollout-restart', 'deployment', {}, { real: true }),
    onObjects('config-change', 'configmap', { key: 'url', value: 'http://nowhere' }),
  ],
];

/** Opens a cluster, and an installation in the folder `home`. */
export async function pods(home: string, name: string): Promise<Arena> {
  await using undo = new AsyncDisposableStack();
  const cluster = await Cluster.open({ node: true });
  undo.defer(() => cluster.close());
  await importFaultImage(cluster);
  const running = await Pods.open(cluster);
  await running.kubectl('label', 'pod', running.peer.name, AS_SPARED);
  await running.kubectl('label', 'node', NODE, 'topology.kubernetes.io/zone=here');
  const watch = new Watch(cluster, running.namespace);
  undo.defer(() => watch.close());
  const settings = { ...(running.settings['kubernetes'] as object), nodes: true, faultImage: FAULT_IMAGE };
  const lane = new Lane(home, name, { groups: [], sections: [`kubernetes: ${JSON.stringify(settings)}`] });
  undo.defer(() => lane.down());
  await lane.up();
  let current: readonly Slot[] = [];
  const parts = undo.move();
  return {
    lane,
    blows: podBlows(watch, () => current),
    onAtLeast: DOING.length - 1,
    clearMs: CLEAR_MS,
    async harmed(number) {
      const of = (choices: readonly Doing[]): Doing => choices[number % choices.length] as Doing;
      current = await Promise.all(
        DOING.map((choices, i) => Slot.open(running, watch, `round-${number}-${i}`, of(choices))),
      );
      return current;
    },
    close: () => parts.disposeAsync(),
  };
}
