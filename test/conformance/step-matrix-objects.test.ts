import { Cluster, whyNoCluster } from '../kubernetes/cluster/cluster.ts';
import { clusterPlace, inPlace } from './cluster-place.ts';
import { stepMatrix } from './driver-matrix.ts';
import { OBJECT_LABS } from './labs.ts';

const open = async (): Promise<ReturnType<typeof clusterPlace>> => clusterPlace(await Cluster.open());

stepMatrix('on objects of a cluster', await whyNoCluster(), open, inPlace(OBJECT_LABS), { turn: 1 });
