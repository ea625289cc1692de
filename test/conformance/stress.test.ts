import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { conformance } from '../../activities/faults/conformance.ts';
import { Cluster } from '../kubernetes/cluster/cluster.ts';
import { processorMs } from '../kubernetes/control-groups.ts';
import { importFaultImage, whyNoFaultImage } from '../kubernetes/fault-image.ts';
import { podLab } from './pod-lab.ts';
import type { Harming } from './pod-lab.ts';

/** An idle pod takes less in so many milliseconds than a busy one in its worst moment. */
const WINDOW_MS = 1_500;
const BUSY_MS = 60;

const SKIP = await whyNoFaultImage();
if (SKIP !== false) test('faults that are a burden on a pod, on a real node', { skip: SKIP }, () => undefined);
else {
  const cluster = await Cluster.open({ node: true });
  after(() => cluster.close());
  await importFaultImage(cluster);
  const on = (harming: Harming): void => conformance(`kubernetes/${harming.fault}`, () => podLab(cluster, harming));
  on({
    fault: 'pod-cpu',
    params: { load: '90%' },
    pod: { container: { resources: { requests: { cpu: '1m' }, limits: { cpu: '200m' } } } },
    async harmed(_pods, pod) {
      const before = processorMs(pod);
      for (let passedMs = 0; passedMs < WINDOW_MS; passedMs += 100) {
        await sleep(100);
        if (processorMs(pod) - before > BUSY_MS) return true;
      }
      return false;
    },
  });
}
