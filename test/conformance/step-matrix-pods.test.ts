import { Cluster } from '../kubernetes/cluster/cluster.ts';
import { importFaultImage, whyNoFaultImage } from '../kubernetes/fault-image.ts';
import { clusterPlace, inPlace } from './cluster-place.ts';
import type { ClusterPlace } from './cluster-place.ts';
import { stepMatrix } from './driver-matrix.ts';
import { BURDEN_LABS, NETWORK_LABS, RUNNING_POLICY_LAB } from './labs.ts';

async function withPods(): Promise<ClusterPlace> {
  const cluster = await Cluster.open({ node: true });
  await importFaultImage(cluster);
  return clusterPlace(cluster);
}

const LABS = [...NETWORK_LABS, ...BURDEN_LABS, RUNNING_POLICY_LAB];
stepMatrix('on pods of a node', await whyNoFaultImage(), withPods, inPlace(LABS), { turn: 0 });
