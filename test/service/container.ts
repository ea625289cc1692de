/**
 * A container as far as the tests have one: bubblewrap, since they have no container engine.
 *
 * Owns how a service of docker-compose.yml becomes a process: its command, environment, mounts, secrets and health check are
 * those that the file states, its root file system is read-only, it has no capability, and its processes are alone unless the
 * file says otherwise. What differs: of images other than Squall's only the program is there, and it is this machine's;
 * every user has the same number; instead of a network, each service has an address of the loopback under its name.
 */
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { open } from '../cli/squall.ts';
import type { Ended } from '../cli/squall.ts';
import { COMPOSE, mountsOf, serviceOf } from './compose.ts';
import type { Service } from './compose.ts';
import { environment } from './image.ts';

const USER = '1000';
const works = (command: string, ...args: readonly string[]): boolean => spawnSync(command, args).status === 0;
const PACKAGES: readonly (readonly [needed: string, there: boolean])[] = [
  ['bubblewrap', works('bwrap', '--unshare-user', '--unshare-pid', '--ro-bind', '/', '/', '--proc', '/proc', 'true')],
  ['prometheus', works('promtool', '--version')],
  ['prometheus-alertmanager', works('prometheus-alertmanager', '--version')],
];
const missing = PACKAGES.filter(([, there]) => !there).map(([name]) => name);

/** Why this machine cannot run the services; false where it can. */
export const SKIP =
  missing.length === 0 ? false : `needs Linux and, to be used by this user: apt-get install ${missing.join(' ')}`;

/** What containers are made of. */
export interface Ground {
  /** Squall's image. */
  readonly image: string;
  /** What stands for the folder of a named volume. */
  readonly volume: (name: string) => string;
  readonly secret: (name: string) => string;
  /** What stands for a file of the repository that is mounted. */
  readonly file: (path: string) => string;
  /** `/etc`: who is where, and who is who. */
  readonly etc: string;
  /** Programs by name: Node, and what stands for those of other images. */
  readonly programs: Readonly<Record<string, string>>;
}

/** A process in a container. */
export interface Contained {
  /** Its own, not that of bubblewrap. */
  readonly pid: number;
  /** Resolves with its exit code. */
  readonly ended: Promise<number | null>;
}

/** The world of a process of the image: read-only, but for what `more` mounts. Ends with whoever started it. */
export function world(ground: Ground, more: readonly string[]): string[] {
  const programs = Object.entries(ground.programs);
  return [
    ...['--die-with-parent', '--new-session', '--unshare-user', '--uid', USER, '--gid', USER, '--cap-drop', 'ALL'],
    ...['--ro-bind', '/usr', '/usr', '--dev', '/dev', '--clearenv'],
    ...['bin', 'lib', 'lib64'].flatMap((name) => ['--symlink', `usr/${name}`, `/${name}`]),
    ...['--symlink', '../run', '/var/run'],
    ...['hosts', 'passwd', 'group', 'nsswitch.conf'].flatMap((name) => [
      '--ro-bind',
      join(ground.etc, name),
      `/etc/${name}`,
    ]),
    ...programs.flatMap(([name, path]) => ['--ro-bind', path, `/opt/bin/${name}`]),
    ...['--setenv', 'PATH', '/opt/bin:/usr/bin:/bin'],
    ...more,
  ];
}

/** Bubblewrap's arguments for the service called `name`, before its command. */
export function containerOf(name: string, ground: Ground, changed: Readonly<Record<string, string>>): string[] {
  const service = serviceOf(name);
  const isOurs = service.build !== undefined;
  const variables = { ...(isOurs ? environment() : {}), ...service.environment, ...changed };
  return world(ground, [
    ...(sharesProcesses(name, service)
      ? ['--ro-bind', '/proc', '/proc']
      : ['--unshare-pid', '--as-pid-1', '--proc', '/proc']),
    ...service.tmpfs.flatMap((path) => ['--tmpfs', path]),
    ...(isOurs ? ['--ro-bind', ground.image, '/squall', '--chdir', '/squall'] : []),
    ...mountsOf(service).flatMap(({ source, target, isNamed, readOnly }) => [
      readOnly ? '--ro-bind' : '--bind',
      isNamed ? ground.volume(source) : ground.file(source),
      target,
    ]),
    ...service.secrets.flatMap((secret) => ['--ro-bind', ground.secret(secret), `/run/secrets/${secret}`]),
    ...Object.entries(variables).flatMap(([key, value]) => ['--setenv', key, value]),
    ...(service.read_only ? ['--remount-ro', '/'] : []),
  ]);
}

/** Whether it sees the processes of another service, or another its. Here they see this machine's then. */
function sharesProcesses(name: string, { pid }: Service): boolean {
  return pid !== undefined || Object.values(COMPOSE.services).some((other) => other.pid === `service:${name}`);
}

/** Starts a command in a container, its output in `logFile`. */
export async function startContained(args: readonly string[], logFile: string): Promise<Contained> {
  const output = openSync(logFile, 'a');
  const child = spawn('bwrap', ['--info-fd', '3', ...args], { stdio: ['ignore', output, output, 'pipe'] });
  closeSync(output);
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
  let told = '';
  for await (const chunk of child.stdio[3] as AsyncIterable<Buffer>) told += chunk.toString();
  const pid = Number(/"child-pid": (\d+)/.exec(told)?.[1]);
  if (!(pid > 1)) throw new Error(`bubblewrap did not start; see ${logFile}`);
  return { pid, ended };
}

/** Runs a command in a container to its end, within `timeoutMs`. */
export async function runContained(args: readonly string[], timeoutMs: number): Promise<Ended> {
  const running = open('bwrap', args);
  const timer = setTimeout(() => running.child.kill('SIGKILL'), timeoutMs);
  return running.ended.finally(() => clearTimeout(timer));
}
