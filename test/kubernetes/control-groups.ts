/**
 * What the kernel counts of a whole pod: its control group, seen from the machine that the cluster's node is.
 *
 * Owns where it is, in either version. Never asks a driver, nor anything in the pod.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunningPod } from './running-pods.ts';

const ROOT = '/sys/fs/cgroup';
const UNIFIED = existsSync(join(ROOT, 'cgroup.controllers'));

/** The pod's control group, where `controller` counts. */
function groupOf({ id }: RunningPod, controller: string): string {
  const uid = id.slice(id.indexOf('@') + 1);
  const from = UNIFIED ? ROOT : join(ROOT, controller);
  // Others' groups go while it looks, of which it complains.
  const { stdout } = spawnSync('find', [from, '-type', 'd', '-name', `pod${uid}`], { encoding: 'utf8' });
  const found = stdout.trim();
  if (found === '') throw new Error(`there is no control group of ${id}`);
  return found;
}

function read(pod: RunningPod, controller: string, file: { readonly v1: string; readonly v2: string }): string {
  return readFileSync(join(groupOf(pod, controller), UNIFIED ? file.v2 : file.v1), 'utf8');
}

/** How much processor time all containers of a pod have had, in milliseconds. */
export function processorMs(pod: RunningPod): number {
  const said = read(pod, 'cpuacct', { v1: 'cpuacct.usage', v2: 'cpu.stat' });
  return UNIFIED ? Number(/usage_usec (\d+)/.exec(said)?.[1]) / 1e3 : Number(said) / 1e6;
}

/** How often the pod had to wait because it had had all that it may have. */
export function throttled(pod: RunningPod): number {
  return Number(/nr_throttled (\d+)/.exec(read(pod, 'cpu', { v1: 'cpu.stat', v2: 'cpu.stat' }))?.[1]);
}

/** How many processors a pod may use; undefined where as many as there are. */
export function processors(pod: RunningPod): number | undefined {
  if (UNIFIED) {
    const [quota, period] = read(pod, 'cpu', { v1: '', v2: 'cpu.max' }).split(' ');
    return quota === 'max' ? undefined : Number(quota) / Number(period);
  }
  const quota = Number(read(pod, 'cpu', { v1: 'cpu.cfs_quota_us', v2: '' }));
  return quota < 0 ? undefined : quota / Number(read(pod, 'cpu', { v1: 'cpu.cfs_period_us', v2: '' }));
}

/** What all containers of a pod have in memory, in bytes. */
export function memoryBytes(pod: RunningPod): number {
  return Number(read(pod, 'memory', { v1: 'memory.usage_in_bytes', v2: 'memory.current' }));
}

/** What the processes of all containers of a pod are doing, by the kernel's letters: `S` sleeping, `t` held by a tracer. */
export function states(pod: RunningPod): string {
  const group = groupOf(pod, UNIFIED ? '' : 'pids');
  const containers = readdirSync(group, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return containers
    .flatMap(({ name }) =>
      whole(join(group, name, 'cgroup.procs'))
        .split('\n')
        .filter(Boolean),
    )
    .map((process) => /^State:\t(\w)/m.exec(whole(`/proc/${process}/status`))?.[1] ?? '')
    .join('');
}

/** What a file says; nothing where a container or a process has just ended. */
function whole(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
