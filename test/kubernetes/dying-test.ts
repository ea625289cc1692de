/** A test that holds a cluster until it is killed, with `--node` one that runs a pod; says which folder it has. */
import { dirname } from 'node:path';
import { Cluster } from './cluster/cluster.ts';
import { IMAGE } from './cluster/image.ts';

const node = process.argv.includes('--node');
const cluster = await Cluster.open({ node });
if (node) {
  const container = { name: 'sleeper', image: IMAGE, command: ['sh', '-c', 'sleep 4711; :'] };
  const metadata = { name: 'sleeper', namespace: 'default' };
  await cluster.create({ apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers: [container] } });
  await cluster.kubectl('wait', '--for=condition=Ready', 'pod/sleeper', '--timeout=60s');
}
process.stdout.write(dirname(cluster.kubeconfig));
// The channel to the cluster keeps this process alive.
