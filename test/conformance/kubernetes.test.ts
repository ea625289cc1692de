import { after, describe, test } from 'node:test';
import { conformance } from '../../activities/faults/conformance.ts';
import { Cluster, whyNoCluster } from '../kubernetes/cluster/cluster.ts';
import { OBJECT_LABS, POLICY_LAB } from './labs.ts';
import { thirdOfToday } from './today.ts';

const SKIP = await whyNoCluster();
if (SKIP !== false) test('Kubernetes faults on a real cluster', { skip: SKIP }, () => undefined);
else {
  const cluster = await Cluster.open();
  after(() => cluster.close());
  // Most of it is waiting.
  void describe('Kubernetes faults on a real cluster, side by side', { concurrency: 3 }, () => {
    for (const { name, open } of thirdOfToday([...OBJECT_LABS, POLICY_LAB])) conformance(name, () => open(cluster));
  });
}
