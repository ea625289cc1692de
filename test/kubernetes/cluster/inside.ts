/**
 * The first process of a cluster, in namespaces of its own: what the kernel ends all the others with.
 *
 * Owns the components and the way in. It ends when its test does, however that dies, and with it end its processes, its
 * network and everything that is mounted in it. It must leave nothing anywhere else: state is in memory.
 */
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import type { Server, Socket } from 'node:net';
import { join } from 'node:path';
import { API_PORT, controlPlane } from './control-plane.ts';
import type { Begin, Died } from './messages.ts';

/** Hidden by a file system in memory, which nobody else sees. */
const STATE = '/run/squall';

let folder: string | undefined;

process.once('disconnect', () => {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  process.exit();
});

process.once('message', (begin: Begin, door: Server) => {
  ({ folder } = begin);
  execFileSync('mount', ['-t', 'tmpfs', 'squall', '/run']);
  execFileSync('ip', ['link', 'set', 'lo', 'up']);
  mkdirSync(STATE, { mode: 0o700 });
  door.on('connection', relay);
  for (const { name, args } of controlPlane(begin, STATE)) start(begin, name, args);
});

/** Starts a component; the cluster is nothing without it. */
function start({ binary, folder: logs }: Begin, name: string, args: readonly string[]): void {
  const log = openSync(join(logs, `${name}.log`), 'a');
  const child = spawn(binary, args, { argv0: name, stdio: ['ignore', log, log] });
  closeSync(log);
  const died = (): void => void process.send?.({ died: name } satisfies Died);
  child.once('error', died);
  child.once('exit', died);
}

/** The door is in the test's network, the API server in this one. */
function relay(near: Socket): void {
  const far = connect(API_PORT, '127.0.0.1');
  for (const [from, to] of [
    [near, far],
    [far, near],
  ] as const) {
    from.setNoDelay(true);
    from.on('error', () => from.destroy());
    from.on('close', () => to.destroy());
    from.pipe(to);
  }
}
