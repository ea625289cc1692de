/**
 * Blows in a cluster: those of any installation that matter there, and what can happen to a node, its pods and its API.
 *
 * Owns the list. Puts right what a supervisor would, and must never help Squall to clean up.
 */
import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { nodeCommand } from '../../../test/kubernetes/fault-image.ts';
import { until } from '../../../test/until.ts';
import { BLOWS } from '../blows.ts';
import type { Blow } from '../blows.ts';
import type { Container, Live } from './api.ts';
import type { Slot } from './slot.ts';
import { running } from './watch.ts';
import type { Watch } from './watch.ts';

const exec = promisify(execFile);

/** Blows of any installation. */
const ANYWHERE = [
  'kill the site worker',
  'kill both workers',
  'kill Temporal',
  'terminate run and leases',
  'cancel the run',
  'cut the site worker off',
];
/** The longest that the API server stands still, in milliseconds. */
const STILL_MAX_MS = 60_000;
/** What the clocks of two who look may differ in, on two busy cores, in milliseconds. */
const SLACK_MS = 3_000;
/** The longest that a kubelet or an API server is dead, in milliseconds. */
const DEAD_MAX_MS = 10_000;
const CTR = 'ctr -a /run/squall/containerd.sock -n k8s.io';

/** Every blow. `current`: what is harmed in the round under way. */
export function podBlows(watch: Watch, current: () => readonly Slot[]): Blow[] {
  const { cluster, api, namespace } = watch;
  const lives = (): Live[] => current().flatMap((slot) => slot.seen().flatMap(({ live }) => live ?? []));

  /** SIGKILL for the processes of containers, as the node's kernel would when memory is short. */
  async function killContainers(of: (live: Live) => readonly Container[]): Promise<void> {
    const ids = lives().flatMap((live) =>
      of(live).map(({ containerID = '' }) => containerID.replace('containerd://', '')),
    );
    // One that has ended by itself meanwhile is not there.
    const kill = ids.filter(Boolean).map((id) => `${CTR} task kill -s SIGKILL ${id}`);
    await exec(...nodeCommand(cluster, ['sh', '-c', [...kill, 'true'].join(' ; ')]));
  }

  /** Kills a component; it is started again after a while. */
  function dies(component: string): Blow['strike'] {
    return async ({ random }) => {
      cluster.tell(component, 'SIGKILL');
      return async () => {
        await sleep(500 + random() * DEAD_MAX_MS);
        cluster.tell(component, 'start');
        await until(() => api.isReady());
      };
    };
  }

  /** Waits, while nobody can renew, until whatever acted when that began must have ended by itself, and looks. */
  async function alone(ttlMs: number, sinceMs: number, why: string): Promise<void> {
    const ms = ttlMs + SLACK_MS;
    await sleep(Math.max(0, sinceMs + ms - performance.now()));
    await watch.fresh();
    // One that was only on its way has its time from when it came.
    for (const slot of current()) slot.condemn(performance.now() - sinceMs, why);
  }

  /** Kills all of Squall's processes, and more; they come back once the faults are over without them. */
  function allDie(name: string, more: () => Promise<void>): Blow {
    return {
      name,
      async strike({ lane, ttlMs }) {
        await Promise.all((['site', 'control', 'temporal'] as const).map((part) => lane.kill(part)));
        await more();
        const sinceMs = performance.now();
        return async () => {
          await alone(ttlMs, sinceMs, 'although nobody was left');
          await lane.start('temporal');
          await Promise.all([lane.start('control'), lane.start('site')]);
        };
      },
    };
  }

  return [
    ...BLOWS.filter(({ name }) => ANYWHERE.includes(name)),
    {
      name: 'stop the API server',
      async strike({ random, ttlMs }) {
        cluster.tell('kube-apiserver', 'SIGSTOP');
        const stoppedAtMs = performance.now();
        return async () => {
          await alone(ttlMs, stoppedAtMs, 'although the API server stood still');
          await sleep(Math.max(0, STILL_MAX_MS - (performance.now() - stoppedAtMs)) * random());
          cluster.tell('kube-apiserver', 'SIGCONT');
          await until(() => api.isReady());
        };
      },
    },
    { name: 'kill the API server', strike: dies('kube-apiserver') },
    { name: 'restart the kubelet', only: 'pods', strike: dies('kubelet') },
    {
      name: 'delete what is harmed',
      async strike() {
        const names = `app in (${current()
          .map(({ name }) => name)
          .join(',')})`;
        const told = ['--wait=false', '-l', names];
        await Promise.all([
          cluster.kubectl('delete', 'pods,deployments,configmaps', '-n', namespace, ...told),
          // The one on which pods run is not made anew.
          cluster.kubectl('delete', 'nodes', '--wait=false', '-l', `${names},!kubernetes.io/hostname`),
        ]);
        return async () => undefined;
      },
    },
    {
      name: 'restart the containers',
      only: 'pods',
      async strike() {
        await killContainers(({ status }) => status?.containerStatuses ?? []);
        return async () => undefined;
      },
    },
    {
      name: 'kill the fault containers',
      only: 'pods',
      async strike() {
        await killContainers(running);
        return async () => undefined;
      },
    },
    allDie('kill Temporal and both workers', async () => undefined),
    allDie('kill Temporal, workers and fault containers', () => killContainers(running)),
  ];
}
