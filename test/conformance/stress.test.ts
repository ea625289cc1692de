import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { conformance } from '../../activities/faults/conformance.ts';
import { Cluster } from '../kubernetes/cluster/cluster.ts';
import { memoryBytes, processorMs, states } from '../kubernetes/control-groups.ts';
import { importFaultImage, whyNoFaultImage } from '../kubernetes/fault-image.ts';
import { podLab } from './pod-lab.ts';
import type { Harming } from './pod-lab.ts';

/** How long a harm that has begun may take until it is seen, in milliseconds: so long is looked before there is said to be none. */
const WINDOW_MS = 2_000;
/** An idle pod takes less processor time in that window, in milliseconds. */
const BUSY_MS = 60;
/** An idle pod has less memory. */
const GROWN_BYTES = 32e6;

async function comesTo(holds: () => boolean): Promise<boolean> {
  for (let passedMs = 0; passedMs < WINDOW_MS; passedMs += 100) {
    if (holds()) return true;
    await sleep(100);
  }
  return holds();
}

const SKIP = await whyNoFaultImage();
if (SKIP !== false) test('faults that are a burden on a pod, on a real node', { skip: SKIP }, () => undefined);
else {
  const cluster = await Cluster.open({ node: true });
  after(() => cluster.close());
  await importFaultImage(cluster);
  const on = (harming: Harming): void => conformance(`kubernetes/${harming.fault}`, () => podLab(cluster, harming));
  // Most of it is waiting.
  void describe('burdens on a pod of a real node', { concurrency: 2 }, () => {
    on({
      fault: 'pod-cpu',
      // Without a limit of the pod's: whoever renews is not held by it either, and times are short here.
      params: { workers: 1, load: '40%' },
      async harmed(_pods, pod) {
        const before = processorMs(pod);
        return comesTo(() => processorMs(pod) - before > BUSY_MS);
      },
    });
    on({
      fault: 'pod-memory',
      params: { rate: '40MB/s', to: '60%' },
      pod: { container: { resources: { requests: { memory: '1Mi' }, limits: { memory: '96Mi' } } } },
      harmed: (_pods, pod) => comesTo(() => memoryBytes(pod) > GROWN_BYTES),
    });
    on({
      fault: 'pod-disk-fill',
      params: { volume: 'data' },
      pod: {
        container: { volumeMounts: [{ name: 'data', mountPath: '/data' }] },
        spec: { volumes: [{ name: 'data', emptyDir: { medium: 'Memory', sizeLimit: '8Mi' } }] },
      },
      harmed: async (pods, pod) => (await pods.usedPercent(pod, '/data')) >= 85,
    });
    on({
      fault: 'pod-pause',
      params: {},
      harmed: async (_pods, pod) => states(pod).includes('t'),
    });
  });
}
