import { after, test } from 'node:test';
import { conformance } from '../../activities/faults/conformance.ts';
import { Cluster } from '../kubernetes/cluster/cluster.ts';
import { importFaultImage, whyNoFaultImage } from '../kubernetes/fault-image.ts';
import { podLab } from './pod-lab.ts';
import type { Harming } from './pod-lab.ts';

/** Packets for a look. Of 30 with half of them lost, all arrive once in a thousand million times. */
const MANY = 30;

const SKIP = await whyNoFaultImage();
if (SKIP !== false) test('faults of a pod’s network on a real node', { skip: SKIP }, () => undefined);
else {
  const cluster = await Cluster.open({ node: true });
  after(() => cluster.close());
  await importFaultImage(cluster);
  const on = (harming: Harming): void => conformance(`kubernetes/${harming.fault}`, () => podLab(cluster, harming));
  on({
    fault: 'pod-loss',
    params: { loss: '50%', correlation: '25%' },
    harmed: async (pods, pod) => (await pods.ping(pod, MANY)).received < MANY,
  });
  on({
    fault: 'pod-partition',
    params: {},
    harmed: async (pods, pod) => !(await pods.reaches(pod)),
  });
}
