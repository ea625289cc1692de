/**
 * What a renewal of a fault in a pod costs by each channel that there could be, on a real node: a program run in the container
 * for each (which is Squall's), a stream that stays open to each pod, and a write to each pod, which nobody in it could read.
 *
 * Owns the order of things. CPU is what processes have used, not what the time was: all of them share the machine's cores.
 */
import { cpus } from 'node:os';
import { PassThrough, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { Exec, KubeConfig } from '@kubernetes/client-node';
import { z } from 'zod';
import type { Attempt, FaultDriver } from '../activities/faults/driver.ts';
import { driver as partition } from '../activities/faults/kubernetes/pod-partition.ts';
import { kubernetesApi } from '../activities/kubernetes/api.ts';
import type { Fault } from '../domain/fault.ts';
import { Cluster } from '../test/kubernetes/cluster/cluster.ts';
import { importFaultImage, whyNoFaultImage } from '../test/kubernetes/fault-image.ts';
import { Pods } from '../test/kubernetes/running-pods.ts';
import type { RunningPod } from '../test/kubernetes/running-pods.ts';
import { megabytes } from './outcome.ts';
import type { Outcome } from './outcome.ts';

const ROUNDS = 5;
const TTL_MS = 3_600_000;
/** How many streams are opened at once. */
const OPENED_AT_ONCE = 8;
/** How many renewals a second a run asks for at most (`domain/timing.ts`). */
const BUDGET = 200;
const PATIENT: Attempt = { signal: new AbortController().signal, remainingMs: () => 600_000 };

/** One channel: renews all pods once. */
type Renew = () => Promise<unknown>;

/** What a renewal costs by one channel. */
interface Cost {
  readonly perSecond: number;
  /** CPU time of everything on this machine, and of the API server alone, in milliseconds a renewal. */
  readonly machineMs: number;
  readonly serverMs: number;
  /** What the API server has grown by while the channel was open, in bytes for each pod. */
  readonly serverBytes: number;
}

/** Measures with `pods` real pods on one node. */
export async function measureRenewals(
  { pods: count }: { pods: number },
  say: (line: string) => void,
): Promise<Outcome> {
  const why = await whyNoFaultImage();
  if (why !== false)
    return { tables: [], goals: [], notes: [`Renewals were not measured: ${why}.`], figures: { skipped: why } };
  await using undo = new AsyncDisposableStack();
  const cluster = await Cluster.open({ node: true });
  undo.defer(() => cluster.close());
  await importFaultImage(cluster);
  const pods = await Pods.open(cluster);
  say(`starting ${count} pods`);
  const running = await pods.deploy('many', count);
  const driver: FaultDriver<unknown> = partition({
    name: 'bench',
    installation: 'bench',
    stateDir: '',
    settings: pods.settings,
  });
  say('cutting them off');
  const params = driver.params.parse({});
  const faults = running.map(({ id: target, name: id }): Fault<unknown> => ({
    id,
    installation: 'bench',
    run: 'bench',
    target,
    params,
    ttlMs: TTL_MS,
    notAfterMs: TTL_MS,
  }));
  const put = await driver.inject(faults, PATIENT);
  const failed = put.find(({ result }) => result !== 'injected');
  if (failed) throw new Error(`${failed.id}: ${failed.result} ${failed.detail}`);

  say('a program run for each renewal');
  const exec = await costOf(cluster, count, () => renewed(driver, faults));
  say('a write for each renewal');
  const api = kubernetesApi({ kubeconfig: cluster.kubeconfig, nodes: false });
  let written = 0;
  const write = await costOf(cluster, count, async () => {
    const body = { metadata: { annotations: { 'bench/renewed': `${++written}` } } };
    const at = (name: string): string => `/api/v1/namespaces/${pods.namespace}/pods/${name}`;
    await Promise.all(running.map(({ name }) => api.patch(at(name), body, z.unknown(), PATIENT)));
  });
  say('a stream for each pod');
  const grownFrom = await server(cluster);
  const streams = await openAll(cluster, pods.namespace, running);
  undo.defer(() => streams.forEach(({ close }) => close()));
  const opened = await server(cluster);
  const stream = await costOf(cluster, count, () => Promise.all(streams.map(({ say: ping }) => ping())));
  const attached = { ...stream, serverBytes: (opened.bytes - grownFrom.bytes) / count };
  await driver.revert(faults, PATIENT);
  return outcome(count, { exec, stream: attached, write });
}

async function renewed(driver: FaultDriver<unknown>, faults: readonly Fault<unknown>[]): Promise<void> {
  for (const { id, result, detail } of (await driver.renew?.(faults, PATIENT)) ?? [])
    if (result !== 'renewed') throw new Error(`${id}: ${result} ${detail}`);
}

async function costOf(cluster: Cluster, count: number, renew: Renew): Promise<Cost> {
  // What is opened, loaded or compiled once is no renewal's.
  await renew();
  const [before, machineBefore, fromMs] = [await server(cluster), machineMs(), performance.now()];
  for (let round = 0; round < ROUNDS; round++) await renew();
  const [tookMs, usedMs] = [performance.now() - fromMs, machineMs() - machineBefore];
  const after = await server(cluster);
  const renewals = ROUNDS * count;
  return {
    perSecond: (renewals / tookMs) * 1_000,
    machineMs: usedMs / renewals,
    serverMs: (after.cpuMs - before.cpuMs) / renewals,
    serverBytes: 0,
  };
}

/** What all processes of this machine have used, in milliseconds. */
function machineMs(): number {
  return cpus().reduce((sum, { times: { user, nice, sys, irq } }) => sum + user + nice + sys + irq, 0);
}

/** What the API server says of itself. */
async function server(cluster: Cluster): Promise<{ readonly cpuMs: number; readonly bytes: number }> {
  const metrics = await cluster.kubectl('get', '--raw', '/metrics');
  const of = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(metrics)?.[1]);
  return { cpuMs: of('process_cpu_seconds_total') * 1_000, bytes: of('process_resident_memory_bytes') };
}

/** A stream to one pod: it answers each line with one. */
interface Stream {
  readonly say: () => Promise<void>;
  readonly close: () => void;
}

async function openAll(cluster: Cluster, namespace: string, pods: readonly RunningPod[]): Promise<Stream[]> {
  const config = new KubeConfig();
  config.loadFromFile(cluster.kubeconfig);
  const streams: Stream[] = [];
  const left = [...pods];
  const work = async (): Promise<void> => {
    for (let pod = left.pop(); pod; pod = left.pop()) streams.push(await openStream(config, namespace, pod.name));
  };
  await Promise.all(Array.from({ length: OPENED_AT_ONCE }, work));
  return streams;
}

async function openStream(config: KubeConfig, namespace: string, pod: string): Promise<Stream> {
  const input = new PassThrough();
  let heard = (): void => undefined;
  const output = new Writable({
    write(_chunk, _encoding, done) {
      heard();
      done();
    },
  });
  const echo = ['sh', '-c', 'while read line; do echo renewed; done'];
  const opening: Promise<unknown> = new Exec(config).exec(namespace, pod, 'main', echo, output, null, input, false);
  // The client does not bring its types.
  const socket = (await opening) as { close(): void };
  return {
    async say() {
      const answered = new Promise<void>((resolve) => (heard = resolve));
      input.write('renew\n');
      await Promise.race([
        answered,
        sleep(30_000).then(() => {
          throw new Error(`${pod} does not answer`);
        }),
      ]);
    },
    close: () => socket.close(),
  };
}

function outcome(count: number, costs: Readonly<Record<'exec' | 'stream' | 'write', Cost>>): Outcome {
  const row = (name: string, { perSecond, machineMs: all, serverMs, serverBytes }: Cost): string[] => [
    name,
    perSecond.toFixed(0),
    `${all.toFixed(1)} ms`,
    `${serverMs.toFixed(1)} ms`,
    ((serverMs * BUDGET) / 1_000).toFixed(2),
    serverBytes > 0 ? megabytes(serverBytes) : '',
  ];
  return {
    tables: [
      {
        title: `a renewal of a fault on each of ${count} real pods of one node`,
        head: ['', 'a second', 'CPU', 'API server’s', `its cores at ${BUDGET} a second`, 'its memory a pod'],
        rows: [
          row('a program run in the container, as Squall does', costs.exec),
          row('a line over a stream that stays open', costs.stream),
          row('a write to the pod', costs.write),
        ],
      },
    ],
    goals: [],
    notes: ['API server, kubelet, containers and client share the cores of this machine.'],
    figures: { pods: count, ...costs },
  };
}
