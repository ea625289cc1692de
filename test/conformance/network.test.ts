import { after, describe, test } from 'node:test';
import { conformance } from '../../activities/faults/conformance.ts';
import { Cluster } from '../kubernetes/cluster/cluster.ts';
import { importFaultImage, whyNoFaultImageAnywhere } from '../kubernetes/fault-image.ts';
import { NETWORK_LABS } from './labs.ts';
import { thirdOfToday } from './today.ts';

const SKIP = await whyNoFaultImageAnywhere();
if (SKIP !== false) test('faults of a pod’s network on a real node', { skip: SKIP }, () => undefined);
else {
  const cluster = await Cluster.open({ node: true });
  after(() => cluster.close());
  await importFaultImage(cluster);
  // Most of it is waiting.
  void describe('faults of a pod’s network on a real node, side by side', { concurrency: 3 }, () => {
    for (const { name, open } of thirdOfToday(NETWORK_LABS)) conformance(name, () => open(cluster));
  });
}
