import { after, describe, test } from 'node:test';
import { conformance } from '../../activities/faults/conformance.ts';
import { Cluster } from '../kubernetes/cluster/cluster.ts';
import { importFaultImage, whyNoFaultImage } from '../kubernetes/fault-image.ts';
import { BURDEN_LABS } from './labs.ts';
import { thirdOfToday } from './today.ts';

const SKIP = await whyNoFaultImage();
if (SKIP !== false) test('faults that are a burden on a pod, on a real node', { skip: SKIP }, () => undefined);
else {
  const cluster = await Cluster.open({ node: true });
  after(() => cluster.close());
  await importFaultImage(cluster);
  // Most of it is waiting.
  void describe('burdens on a pod of a real node', { concurrency: 2 }, () => {
    for (const { name, open } of thirdOfToday(BURDEN_LABS)) conformance(name, () => open(cluster));
  });
}
