import { Cluster, whyNoCluster } from '../kubernetes/cluster/cluster.ts';
import { stepMatrix } from './driver-matrix.ts';
import { OBJECT_LABS } from './labs.ts';

stepMatrix('on objects of a cluster', await whyNoCluster(), () => Cluster.open(), OBJECT_LABS);
