/**
 * The labs of every fault on Kubernetes: what each is done to, with which parameters, and how its harm is seen from outside.
 *
 * Owns the lists, which the conformance suite and the step matrix share. No observer asks a driver, nor the program in a pod.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab } from '../../activities/faults/conformance.ts';
import type { Cluster } from '../kubernetes/cluster/cluster.ts';
import { memoryBytes, processorMs, states } from '../kubernetes/control-groups.ts';
import { serveNames } from '../kubernetes/name-server.ts';
import type { Pods, RunningPod } from '../kubernetes/running-pods.ts';
import { drainedNodes } from './drained-nodes.ts';
import { killedPods } from './killed-pods.ts';
import { base64, objectLab } from './objects.ts';
import type { Objects } from './objects.ts';
import { podLab } from './pod-lab.ts';
import type { Harming } from './pod-lab.ts';
import { cutPods, policiesOf } from './policies.ts';
import { restartedDeployments } from './restarted-deployments.ts';
import { zonedNodes } from './zoned-nodes.ts';

/** Packets for a look. Of 30 with half of them lost, all arrive once in a thousand million times. */
const MANY = 30;
/** So many arrive where nothing is wrong but that this machine stood still for a moment: then it is looked again. */
const MOST = 24;
/** Late beyond what a busy machine does to the fastest of a few, and how late it is made, in milliseconds. */
const LATE_MS = 400;
const DELAY = '600ms';
/** Bytes of a packet that is one of a stream: thirty are more than the least rates let pass. */
const LARGE = 1_400;
/** How long a harm that has begun may take until it is seen, in milliseconds: so long is looked before there is said to be none. */
const WINDOW_MS = 2_000;
/** An idle pod takes less processor time in that window, in milliseconds. */
const BUSY_MS = 60;
/** An idle pod has less memory. */
const GROWN_BYTES = 32e6;

/** A fault's name, with what is particular about the lab, and the lab. */
export interface NamedLab {
  readonly name: string;
  /** `owned`: each pod that is harmed is one of two that a deployment has, as whatever may be a target of a run. */
  readonly open: (cluster: Cluster, owned?: boolean) => Promise<Lab>;
}

const on = (objects: Objects): NamedLab => ({
  name: `kubernetes/${objects.fault} on a ${objects.kind}`,
  open: (cluster) => objectLab(cluster, objects),
});
const inPods = (harming: Harming): NamedLab => ({
  name: `kubernetes/${harming.fault}`,
  open: (cluster, owned) => podLab(cluster, harming, owned),
});

/** Faults on objects, for which no pod needs to run. */
export const OBJECT_LABS: readonly NamedLab[] = [
  on({
    fault: 'node-cordon',
    params: {},
    kind: 'node',
    harmed: ({ spec }) => spec?.['unschedulable'] === true,
  }),
  on({
    fault: 'node-taint',
    params: { key: 'lab/fault', value: 'here', effect: 'PreferNoSchedule' },
    kind: 'node',
    harmed: ({ spec }) => JSON.stringify(spec?.['taints'] ?? []).includes('lab/fault'),
  }),
  on({
    fault: 'scale',
    params: { to: '40%' },
    kind: 'deployment',
    harmed: ({ spec }) => spec?.['replicas'] === 1,
  }),
  on({
    fault: 'config-change',
    params: { key: 'url', value: 'http://nowhere' },
    kind: 'configmap',
    harmed: ({ data }) => data?.['url'] !== 'http://a',
  }),
  on({
    fault: 'config-change',
    params: { key: 'url', value: null },
    kind: 'secret',
    harmed: ({ data }) => data?.['url'] !== base64('http://a'),
  }),
  { name: 'kubernetes/node-drain', open: drainedNodes },
  { name: 'kubernetes/rollout-restart', open: restartedDeployments },
  { name: 'kubernetes/zone-outage', open: zonedNodes },
  { name: 'kubernetes/pod-kill', open: (cluster) => killedPods(cluster, {}) },
  {
    name: 'kubernetes/pod-kill, without asking a budget',
    open: (cluster) => killedPods(cluster, { mode: 'delete', gracePeriod: '2s' }),
  },
];

/** Cut off by a policy, whether it is enforced or not: pods that nobody runs. */
export const POLICY_LAB: NamedLab = { name: 'kubernetes/network-policy-partition', open: cutPods };
/** The same for pods that run. */
export const RUNNING_POLICY_LAB = inPods({
  fault: 'network-policy-partition',
  params: { peers: ['10.0.0.0/8'], ports: [5432] },
  harmed: async ({ cluster, namespace }, { name }) => (await policiesOf(cluster, namespace, name)).length > 0,
});

/** What takes a cluster's own name server, and a network that enforces policies. */
const ON_ANOTHER_CLUSTER: readonly NamedLab[] = [
  inPods({
    fault: 'pod-dns',
    params: { answer: 'refused', names: ['*.svc.cluster.local'] },
    async harmed(pods, pod) {
      const of = ['get', 'service', 'kube-dns', '-n', 'kube-system', '-o', 'jsonpath={.spec.clusterIP}'];
      const ip = await pods.cluster.kubectl(...of);
      return (await pods.asks(pod, { ip }, 'kubernetes.default.svc.cluster.local')) === 'refused';
    },
  }),
  inPods({
    fault: 'network-policy-partition',
    params: {},
    harmed: async (pods, pod) => !(await pods.reaches(pod)),
  }),
];
/** Where there is neither: a name server in the peer's network. */
const ON_OUR_NODE: readonly NamedLab[] = [
  inPods({
    fault: 'pod-dns',
    params: { answer: 'refused', names: ['*.example.org'] },
    prepare: (pods) => serveNames(pods.cluster, pods.peer),
    harmed: async (pods, pod) => (await pods.asks(pod, pods.peer, 'shop.example.org')) !== 'resolved',
  }),
];

/** Faults of a pod's network, for which pods and the fault image must be on a node. */
export const NETWORK_LABS: readonly NamedLab[] = [
  inPods({
    fault: 'pod-loss',
    params: { loss: '50%', correlation: '25%' },
    harmed: loses,
  }),
  inPods({
    fault: 'pod-latency',
    params: { delay: DELAY, jitter: '50ms' },
    harmed: async (pods, pod) => ((await pods.ping(pod, 3, pods.peer, 3)).fastestMs ?? Infinity) > LATE_MS,
  }),
  inPods({
    fault: 'pod-corrupt',
    params: { corruption: '50%', direction: 'both' },
    harmed: loses,
  }),
  inPods({
    fault: 'pod-bandwidth',
    params: { rate: '32kbit', direction: 'both' },
    harmed: (pods, pod) => loses(pods, pod, LARGE),
  }),
  inPods({
    fault: 'pod-partition',
    params: {},
    harmed: async (pods, pod) => !(await pods.reaches(pod)),
  }),
  ...(process.env['KUBECONFIG'] ? ON_ANOTHER_CLUSTER : ON_OUR_NODE),
];

/** Faults that are a burden on a pod, for which the same holds. */
export const BURDEN_LABS: readonly NamedLab[] = [
  inPods({
    fault: 'pod-cpu',
    // Without a limit of the pod's: whoever renews is not held by it either, and times are short here.
    params: { workers: 1, load: '40%' },
    async harmed(_pods, pod) {
      const before = processorMs(pod);
      return comesTo(() => processorMs(pod) - before > BUSY_MS);
    },
  }),
  inPods({
    fault: 'pod-memory',
    params: { rate: '40MB/s', to: '60%' },
    pod: { container: { resources: { requests: { memory: '1Mi' }, limits: { memory: '96Mi' } } } },
    harmed: (_pods, pod) => comesTo(() => memoryBytes(pod) > GROWN_BYTES),
  }),
  inPods({
    fault: 'pod-disk-fill',
    params: { volume: 'data' },
    pod: {
      container: { volumeMounts: [{ name: 'data', mountPath: '/data' }] },
      spec: { volumes: [{ name: 'data', emptyDir: { medium: 'Memory', sizeLimit: '8Mi' } }] },
    },
    harmed: async (pods, pod) => !((await pods.usedPercent(pod, '/data')) < 50),
  }),
  inPods({
    fault: 'pod-pause',
    params: {},
    harmed: async (_pods, pod) => /t/i.test(states(pod)),
  }),
];

async function comesTo(holds: () => boolean): Promise<boolean> {
  for (let passedMs = 0; passedMs < WINDOW_MS; passedMs += 100) {
    if (holds()) return true;
    await sleep(100);
  }
  return holds();
}

/** Whether packets of so many bytes get lost between a pod and its peer. */
async function loses(pods: Pods, pod: RunningPod, bytes?: number): Promise<boolean> {
  const { received } = await pods.ping(pod, MANY, pods.peer, 1, bytes);
  if (received < MOST) return true;
  return received < MANY && !(await pods.answersAll(pod, MANY, bytes));
}
