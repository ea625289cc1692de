/** The cluster that tests are done on: real, and gone with its test. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { until } from '../until.ts';
import { Cluster, whyNoCluster, whyNoNode } from './cluster/cluster.ts';

const NOT_OWN = process.env['KUBECONFIG'] ? 'KUBECONFIG names one that is not its own' : false;
const SKIP = (await whyNoCluster()) || NOT_OWN;
const NO_NODE = (await whyNoNode()) || NOT_OWN;
const CGROUPS = '/sys/fs/cgroup';

describe('a cluster of a test', { skip: SKIP }, () => {
  it('has controllers that do what they do anywhere', async () => {
    await using undo = new AsyncDisposableStack();
    const cluster = await Cluster.open();
    undo.defer(() => cluster.close());
    await cluster.kubectl('create', 'deployment', 'web', '--image=none', '--replicas=2');
    const pods = async (): Promise<string> => cluster.kubectl('get', 'pods', '-l', 'app=web', '-o', 'name');
    await until(async () => (await pods()).trim().split('\n').length === 2);
  });

  it('takes its processes, its network and its folder with it when the test is killed', () =>
    dying([], ['etcd', 'kube-apiserver', 'kube-controller'], () => true));
});

describe('a cluster with a node', { skip: NO_NODE }, () => {
  it('runs pods, and leaves no container and no control group when the test is killed', () => {
    const groups = (pid: number): string[] =>
      readdirSync(CGROUPS).flatMap((name) => groupsIn(join(CGROUPS, name), pid));
    return dying(['--node'], ['containerd', 'kubelet', 'kube-scheduler', 'kube-proxy', 'sh -c sleep 4711'], (pid) => {
      return groups(pid).length === 0;
    });
  });
});

/** Kills a test that holds a cluster in which there is each of `names`, and waits until nothing is left of it. */
async function dying(
  args: readonly string[],
  names: readonly string[],
  isClean: (pid: number) => boolean,
): Promise<void> {
  const test = spawn(process.execPath, [join(import.meta.dirname, 'dying-test.ts'), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said] = (await Promise.race([once(test.stdout, 'data'), once(test, 'exit')])) as [unknown];
  const folder = String(said);
  assert.ok(existsSync(folder), folder);
  const { pid = 0 } = test;
  const pids = descendants(pid);
  const found = pids.map(commandOf);
  for (const name of names)
    assert.ok(
      found.some((command) => command.startsWith(name)),
      `${name} among ${found.join(', ')}`,
    );
  test.kill('SIGKILL');
  await until(() => !existsSync(folder) && pids.every((other) => !existsSync(`/proc/${other}`)) && isClean(pid));
}

/** The control groups in `hierarchy` that belong to the test `pid`. */
function groupsIn(hierarchy: string, pid: number): string[] {
  return readdirSync(hierarchy).filter((name) => name.startsWith(`squall-test-${pid}-`));
}

/** The processes below `pid`, from whichever namespace. */
function descendants(pid: number): number[] {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name): [number, number] => [Number(name), parentOf(Number(name))]);
  const below = (of: number): number[] =>
    parents.filter(([, parent]) => parent === of).flatMap(([child]) => [child, ...below(child)]);
  return below(pid);
}

function parentOf(pid: number): number {
  try {
    return Number(/^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** What it was called with: all components are one binary. */
function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}
