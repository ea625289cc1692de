/**
 * A door into a cluster's own network: what connects to it there is served by the test, here.
 *
 * Owns the listening socket, which is opened by a process in the node's network and handed over. It ends with the test.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import type { Cluster } from './cluster/cluster.ts';
import { NODE_ADDRESS } from './cluster/node.ts';
import { nodeCommand } from './fault-image.ts';

const OPEN = `
const server = require('node:net').createServer();
server.listen(0, process.argv[1], () => process.send({}, server));
process.once('disconnect', () => process.exit());
`;

/** Opens one; returns the server, and where pods find it. */
export async function openDoor(cluster: Cluster): Promise<{ readonly door: Server; readonly address: string }> {
  const [command, args] = nodeCommand(cluster, [process.execPath, '--eval', OPEN, NODE_ADDRESS], ['--net']);
  const opener = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const gone = once(opener, 'exit');
  const [, door] = (await once(opener, 'message')) as [unknown, Server];
  opener.disconnect();
  await gone;
  const { port } = door.address() as AddressInfo;
  return { door, address: `${NODE_ADDRESS}:${port}` };
}
