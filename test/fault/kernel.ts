/**
 * A machine with another kernel than this one, for what this one lacks: Debian's, emulated, with the tests as all there is on it.
 *
 * Owns what is put into that machine (a file system in memory, made from this machine's own tools) and how it is started. It has no disk,
 * no network and no way to this machine but the lines that it prints.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ROOT } from './program.ts';

/** Where .ci/run unpacks Debian's kernel: `boot` and `lib/modules`. */
const KERNEL = join(ROOT, '.cache', 'fault-kernel');
const TOOLS = ['sh', 'mount', 'cat', 'ip', 'tc', 'nft', 'nsenter', 'setpriv', 'kmod'];
/** What a pod's network may need; of the drivers only the wire between two namespaces. */
const MODULES = ['net', 'lib', 'crypto', 'arch/x86/crypto', 'drivers/net/veth.ko'];

const release = existsSync(join(KERNEL, 'lib', 'modules')) ? readdirSync(join(KERNEL, 'lib', 'modules'))[0] : undefined;
const NEEDED = ['qemu-system-x86_64', 'cpio', 'depmod'];

/** Why no such machine can be started here; false where it can. */
export const WITHOUT_KERNEL =
  release !== undefined && NEEDED.every((tool) => which(tool) !== undefined)
    ? false
    : 'needs qemu-system-x86, cpio, kmod, and a Debian kernel in .cache/fault-kernel: run .ci/run';

function which(tool: string): string | undefined {
  const found = spawnSync('sh', ['-c', 'command -v "$1"', 'sh', tool], { encoding: 'utf8' });
  return found.status === 0 ? found.stdout.trim() : undefined;
}

function run(command: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  assert.equal(status, 0, `${command} ${args.join(' ')}: ${stderr}`);
  return stdout;
}

/** Copies a program with the libraries that it is linked to. */
function install(root: string, source: string, target: string): void {
  const libraries = spawnSync('ldd', [source], { encoding: 'utf8' }).stdout.match(/\/\S+/g) ?? [];
  for (const [from, to] of [[source, target] as const, ...libraries.map((path) => [path, path] as const)]) {
    mkdirSync(join(root, dirname(to)), { recursive: true });
    run('cp', '-L', from, join(root, to));
  }
}

/** Makes its file system in a folder; `script` is what it does, with `program` at /fault. */
function furnish(root: string, program: string, script: string): void {
  for (const folder of [
    'proc',
    'sys',
    'dev',
    'tmp',
    'run',
    'usr/bin',
    'usr/sbin',
    'usr/lib',
    'usr/lib64',
    'squall/test',
  ])
    mkdirSync(join(root, folder), { recursive: true });
  for (const folder of ['bin', 'sbin', 'lib', 'lib64']) symlinkSync(`usr/${folder}`, join(root, folder));
  for (const tool of TOOLS) install(root, realpathSync(which(tool) ?? tool), `/usr/bin/${tool}`);
  symlinkSync('../bin/kmod', join(root, 'sbin/modprobe'));
  install(root, process.execPath, '/usr/bin/node');
  install(root, program, '/fault');
  const modules = join('lib/modules', release ?? '');
  for (const each of MODULES) {
    mkdirSync(join(root, modules, 'kernel', dirname(each)), { recursive: true });
    run('cp', '-r', join(KERNEL, modules, 'kernel', each), join(root, modules, 'kernel', each));
  }
  for (const list of globSync('modules.{builtin,order}*', { cwd: join(KERNEL, modules) }))
    run('cp', join(KERNEL, modules, list), join(root, modules, list));
  run('depmod', '-b', root, release ?? '');
  for (const each of ['package.json', 'test/fault', 'test/until.ts', 'node_modules/zod']) {
    mkdirSync(join(root, 'squall', dirname(each)), { recursive: true });
    run('cp', '-r', join(ROOT, each), join(root, 'squall', each));
  }
  writeFileSync(join(root, 'init'), script);
  chmodSync(join(root, 'init'), 0o755);
}

const initOf = (command: string): string => `#!/bin/sh
export PATH=/usr/bin:/usr/sbin HOME=/tmp NO_COLOR=1 SQUALL_FAULT_PROGRAM=/fault SQUALL_FAULT_NETEM=1 SQUALL_FAULT_PATIENCE=3
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
mount -t tmpfs run /run
cd /squall
${command} 2>&1
echo "ended with $?"
echo o >/proc/sysrq-trigger
read forever
`;

/** Runs a command in such a machine, made in an empty folder, and returns what it printed. */
export function inKernel(folder: string, program: string, command: string): string {
  const root = join(folder, 'root');
  furnish(root, program, initOf(command));
  const files = join(folder, 'files.cpio');
  run('sh', '-c', 'cd "$1" && find . | cpio --quiet -o -H newc >"$2"', 'sh', root, files);
  const kernel = join(KERNEL, 'boot', `vmlinuz-${basename(release ?? '')}`);
  const machine = [
    '-accel',
    'tcg',
    '-smp',
    '2',
    '-cpu',
    'max',
    '-m',
    '2048',
    '-nographic',
    '-no-reboot',
    '-nic',
    'none',
  ];
  const { stdout, stderr } = spawnSync(
    // Behind everything else that runs here.
    'nice',
    [
      'qemu-system-x86_64',
      ...machine,
      '-kernel',
      kernel,
      '-initrd',
      files,
      '-append',
      'console=ttyS0 panic=-1 edd=off quiet rdinit=/init',
    ],
    // A machine that never ends is a failure, not a hang.
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 800_000, killSignal: 'SIGKILL' },
  );
  return stdout + stderr;
}
