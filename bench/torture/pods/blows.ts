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
import type { Blow, Struck } from '../blows.ts';
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
  'kill Temporal and both workers',
  'terminate run and leases',
  'cancel the run',
  'cut the site worker off',
];
/** The longest that the API server stands still, in milliseconds. */
const STILL_MAX_MS = 60_000;
/** A container that was on its way may still start, and act for one time-to-live from then, in milliseconds. */
const STARTING_MS = 7_000;
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

  return [
    ...BLOWS.filter(({ name }) => ANYWHERE.includes(name)),
    {
      name: 'stop the API server',
      async strike({ random, ttlMs }) {
        cluster.tell('kube-apiserver', 'SIGSTOP');
        const stoppedAtMs = performance.now();
        return async () => {
          // Nobody can renew, nor revert: what acts ends by itself.
          const alone = ttlMs + STARTING_MS;
          await sleep(stoppedAtMs + alone - performance.now());
          for (const slot of current())
            if (slot.kind === 'pods') slot.condemn(`${alone} ms after the API server stood still`);
          await sleep(Math.max(0, STILL_MAX_MS - alone) * random());
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
          cluster.kubectl('delete', 'nodes', ...told),
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
    {
      name: 'kill fault containers, workers and Temporal',
      async strike(struck: Struck) {
        const everything = BLOWS.find(({ name }) => name === 'kill Temporal and both workers');
        const putRight = await everything?.strike(struck);
        await killContainers(running);
        return async () => putRight?.();
      },
    },
  ];
}
