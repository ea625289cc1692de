/** A test that holds a cluster until it is killed; says which folder it has, once the cluster answers. */
import { dirname } from 'node:path';
import { Cluster } from './cluster/cluster.ts';

const cluster = await Cluster.open();
process.stdout.write(dirname(cluster.kubeconfig));
// The channel to the cluster keeps this process alive.
