/** The cluster that tests are done on: real, and gone with its test. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { until } from '../until.ts';
import { Cluster, whyNoCluster } from './cluster/cluster.ts';

const SKIP = (await whyNoCluster()) || (process.env['KUBECONFIG'] ? 'KUBECONFIG names one that is not its own' : false);

describe('a cluster of a test', { skip: SKIP }, () => {
  it('has controllers that do what they do anywhere', async () => {
    await using undo = new AsyncDisposableStack();
    const cluster = await Cluster.open();
    undo.defer(() => cluster.close());
    await cluster.kubectl('create', 'deployment', 'web', '--image=none', '--replicas=2');
    const pods = async (): Promise<string> => cluster.kubectl('get', 'pods', '-l', 'app=web', '-o', 'name');
    await until(async () => (await pods()).trim().split('\n').length === 2);
  });

  it('takes its processes, its network and its folder with it when the test is killed', async () => {
    const test = spawn(process.execPath, [join(import.meta.dirname, 'dying-test.ts')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [said] = (await Promise.race([once(test.stdout, 'data'), once(test, 'exit')])) as [unknown];
    const folder = String(said);
    assert.ok(existsSync(folder), folder);
    const pids = descendants(test.pid ?? 0);
    const names = pids.map(nameOf);
    for (const name of ['etcd', 'kube-apiserver', 'kube-controller']) {
      assert.ok(
        names.some((found) => found.startsWith(name)),
        `${name} among ${names.join(', ')}`,
      );
    }
    test.kill('SIGKILL');
    await until(() => !existsSync(folder) && pids.every((pid) => !existsSync(`/proc/${pid}`)));
  });
});

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

/** The name it was called by: all components are one binary. */
function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0] ?? '';
  } catch {
    return '';
  }
}
