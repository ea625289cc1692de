import { after, describe, test } from 'node:test';
import { conformance } from '../../activities/faults/conformance.ts';
import { Cluster } from '../kubernetes/cluster/cluster.ts';
import { importFaultImage, whyNoFaultImage } from '../kubernetes/fault-image.ts';
import { serveNames } from '../kubernetes/name-server.ts';
import { podLab } from './pod-lab.ts';
import type { Harming } from './pod-lab.ts';

/** Packets for a look. Of 30 with half of them lost, all arrive once in a thousand million times. */
const MANY = 30;
/** Late beyond what a busy machine does to the fastest of a few, and how late it is made, in milliseconds. */
const LATE_MS = 400;
const DELAY = '600ms';
/** Bytes of a packet that is one of a stream: thirty are more than the least rates let pass. */
const LARGE = 1_400;

const SKIP = await whyNoFaultImage();
if (SKIP !== false) test('faults of a pod’s network on a real node', { skip: SKIP }, () => undefined);
else {
  const cluster = await Cluster.open({ node: true });
  after(() => cluster.close());
  await importFaultImage(cluster);
  const on = (harming: Harming): void => conformance(`kubernetes/${harming.fault}`, () => podLab(cluster, harming));
  // Most of it is waiting.
  void describe('faults of a pod’s network on a real node, side by side', { concurrency: 3 }, () => {
    on({
      fault: 'pod-loss',
      params: { loss: '50%', correlation: '25%' },
      harmed: async (pods, pod) => (await pods.ping(pod, MANY)).received < MANY,
    });
    on({
      fault: 'pod-latency',
      params: { delay: DELAY, jitter: '50ms' },
      harmed: async (pods, pod) => ((await pods.ping(pod, 3, pods.peer, 3)).fastestMs ?? 0) > LATE_MS,
    });
    on({
      fault: 'pod-corrupt',
      params: { corruption: '50%', direction: 'both' },
      harmed: async (pods, pod) => (await pods.ping(pod, MANY)).received < MANY,
    });
    on({
      fault: 'pod-bandwidth',
      params: { rate: '32kbit', direction: 'both' },
      harmed: async (pods, pod) => (await pods.ping(pod, MANY, pods.peer, 1, LARGE)).received < MANY,
    });
    on({
      fault: 'pod-dns',
      params: { answer: 'refused', names: ['*.example.org'] },
      prepare: (pods) => serveNames(cluster, pods.peer),
      harmed: async (pods, pod) => (await pods.asks(pod, pods.peer, 'shop.example.org')) === 'refused',
    });
    on({
      fault: 'pod-partition',
      params: {},
      harmed: async (pods, pod) => !(await pods.reaches(pod)),
    });
  });
}
