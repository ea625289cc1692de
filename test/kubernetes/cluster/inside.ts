/**
 * The first process of a cluster, in namespaces of its own: what the kernel ends all the others with.
 *
 * Owns the components and the way in. It ends when its test does, however that dies, and with it end its processes, its
 * network and everything that is mounted in it. It must leave nothing anywhere else: state is in memory.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import type { Server, Socket } from 'node:net';
import { join } from 'node:path';
import { API_PORT, CONFIG, controlPlane } from './control-plane.ts';
import { buildImage } from './image.ts';
import type { Begin, Died, Told } from './messages.ts';
import { hide, makeGroup, nodeComponents, removeGroup } from './node.ts';

/** Hidden by a file system in memory, which nobody else sees. */
const STATE = '/run/squall';

/** Who gives up where a busy machine's API server does not answer in time is started again. */
const LIVES: Readonly<Record<string, number>> = { 'kube-controller-manager': 5 };
/** What has been started, by name. */
const components = new Map<string, { readonly child: ChildProcess; readonly again: () => void }>();
/** From then on whatever dies is to be dead. */
let ending = false;

process.once('message', (begin: Begin, door: Server) => {
  process.on('message', tell);
  process.once('disconnect', () => end(begin));
  execFileSync('mount', ['-t', 'tmpfs', 'squall', '/run']);
  execFileSync('ip', ['link', 'set', 'lo', 'up']);
  mkdirSync(STATE, { mode: 0o700 });
  door.on('connection', relay);
  for (const { name, args } of controlPlane(begin, STATE)) start(begin, begin.binary, name, args);
  const { group } = begin;
  if (group !== undefined) startNode(begin, group);
});

/** Starts the node: its containers at once, the rest when there is an API server to ask. */
function startNode(begin: Begin, group: string): void {
  hide(STATE);
  makeGroup(group);
  const [runtime, ...rest] = nodeComponents(STATE, group, join(STATE, CONFIG));
  start(begin, 'containerd', 'containerd', runtime?.args ?? []);
  const image = buildImage(STATE);
  const load = (): void => {
    const loaded = spawnSync('ctr', ['-a', join(STATE, 'containerd.sock'), '-n', 'k8s.io', 'images', 'import', image]);
    if (loaded.status !== 0) setTimeout(load, 100);
  };
  load();
  process.once('message', () => {
    for (const { name, args } of rest) start(begin, begin.binary, name, args);
  });
}

/** Whatever this process ends before it ends itself is what the kernel would not: a folder, and control groups. */
function end({ folder, group }: Begin): void {
  ending = true;
  rmSync(folder, { recursive: true, force: true });
  if (group === undefined) process.exit();
  // All but this one. A control group can be removed once the last of its processes is gone.
  process.kill(-1, 'SIGKILL');
  let tries = 0;
  setInterval(() => {
    try {
      removeGroup(group);
    } catch (error) {
      if (++tries < 100) return;
      process.stderr.write(`${group} stays: ${String(error)}\n`);
    }
    process.exit();
  }, 50);
}

/** Starts a component; the cluster is nothing without it. */
function start(begin: Begin, binary: string, name: string, args: readonly string[], lives = LIVES[name] ?? 1): void {
  const log = openSync(join(begin.folder, `${name}.log`), 'a');
  const child = spawn(binary, args, { argv0: name, stdio: ['ignore', log, log] });
  closeSync(log);
  components.set(name, { child, again: () => start(begin, binary, name, args) });
  const died = (): void => void (process.connected && process.send?.({ died: name } satisfies Died));
  child.once('error', died);
  child.once('exit', () => {
    if (ending) return;
    if (lives > 1) start(begin, binary, name, args, lives - 1);
    else died();
  });
}

/** Does to a component what the test wants to see survived. */
function tell({ component, to }: Partial<Told>): void {
  const told = components.get(component ?? '');
  if (to === 'start') told?.again();
  else if (to !== undefined) told?.child.kill(to);
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
