/**
 * Squall's image on a cluster's node, made as deploy/Dockerfile says, without a container engine.
 *
 * Owns what stands for its base image: this machine's Node and the libraries that it needs, and busybox for a shell. Whatever
 * the Dockerfile runs is run in that.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, globSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT } from '../readme/blocks.ts';
import { buildImage, entrypoint, environment } from '../service/image.ts';
import type { Cluster } from './cluster/cluster.ts';
import { archive, BUSYBOX } from './cluster/image.ts';
import { onNode } from './fault-image.ts';

const NODE = join(ROOT, 'node_modules', 'node', 'bin', 'node');
const PATH = '/usr/local/bin:/usr/bin:/bin';

/** Why no image can be made here; false where one can. */
export function whyNoSquallImage(): string | false {
  return spawnSync('bwrap', ['--version']).status === 0 ? false : 'no bubblewrap: apt-get install bubblewrap';
}

/** Makes the image, and brings it onto the node by the name that it is to have there. */
export async function importSquallImage(cluster: Cluster, name: string): Promise<void> {
  // Beside node_modules, so that the image can be made of links.
  const cache = join(ROOT, '.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'image-'));
  try {
    const root = join(folder, 'root');
    base(root);
    await buildImage(join(root, 'squall'), async (script) => {
      const seen = [
        '--bind',
        root,
        '/',
        '--ro-bind',
        '/usr',
        '/usr',
        '--bind',
        join(root, 'usr', 'local'),
        '/usr/local',
      ];
      const world = [
        ...seen,
        '--proc',
        '/proc',
        '--dev',
        '/dev',
        '--tmpfs',
        '/tmp',
        '--chdir',
        '/squall',
        '--clearenv',
      ];
      const set = Object.entries({ ...environment(), PATH }).flatMap(([key, value]) => ['--setenv', key, value]);
      execFileSync('bwrap', ['--die-with-parent', '--unshare-pid', ...world, ...set, 'sh', '-c', script]);
    });
    for (const addon of globSync('squall/node_modules/**/*.node', { cwd: root }))
      if (!link(root, join(root, addon))) rmSync(join(root, addon));
    const variables = Object.entries({ ...environment(), PATH }).map(([key, value]) => `${key}=${value}`);
    const runs = { Entrypoint: entrypoint(), Env: variables, User: 'node', WorkingDir: '/squall' };
    const written = archive(folder, name, root, runs);
    onNode(cluster, ['ctr', '-a', '/run/squall/containerd.sock', '-n', 'k8s.io', 'images', 'import', written]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Brings along what a program or an addon is linked with; false where it is for another machine. */
function link(root: string, program: string): boolean {
  const { status, stdout } = spawnSync('ldd', [program], { encoding: 'utf8' });
  for (const [, path = ''] of stdout.matchAll(/(\/\S+) \(0x/g)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    copyFileSync(path, join(root, path));
  }
  return status === 0;
}

/** Node, what it is linked with, a shell, and the user that the Dockerfile names. */
function base(root: string): void {
  for (const path of ['bin', 'dev', 'etc', 'proc', 'run', 'tmp', 'usr/local/bin', 'usr/bin', 'var/lib'])
    mkdirSync(join(root, path), { recursive: true });
  copyFileSync(NODE, join(root, 'usr', 'local', 'bin', 'node'));
  assert.ok(link(root, NODE));
  copyFileSync(BUSYBOX, join(root, 'bin', 'busybox'));
  const applets = execFileSync(BUSYBOX, ['--list'], { encoding: 'utf8' }).trim().split('\n');
  for (const name of applets) if (name !== 'busybox') symlinkSync('busybox', join(root, 'bin', name));
  writeFileSync(join(root, 'etc', 'passwd'), 'root:x:0:0::/root:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\n');
  writeFileSync(join(root, 'etc', 'group'), 'root:x:0:\nnode:x:1000:\n');
}
