/**
 * Pods that run on a cluster's node, and what they reach: real traffic between real pods.
 *
 * Owns a namespace of its own, which goes with it. Looks at pods with kubectl only, never through a driver.
 */
import { randomBytes } from 'node:crypto';
import { targetId } from '../../activities/faults/kubernetes/target.ts';
import type { Cluster, KubernetesObject } from './cluster/cluster.ts';
import { IMAGE } from './cluster/image.ts';
import { FAULT_IMAGE } from './fault-image.ts';
import { ADDRESS } from './name-server.ts';

/** What came back of packets that a pod sent. */
export interface Pinged {
  readonly sent: number;
  readonly received: number;
  /** The fastest answer, in milliseconds; undefined where there was none. */
  readonly fastestMs: number | undefined;
}

/** A pod that runs. */
export interface RunningPod {
  readonly name: string;
  /** As a target. */
  readonly id: string;
  readonly ip: string;
}

/** What a pod has beside what all have. */
export interface Described {
  readonly labels?: Readonly<Record<string, string>>;
  readonly container?: Readonly<Record<string, unknown>>;
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** Where peers' bytes are fetched from. */
const PORT = 8080;

/** Beyond an answer's time, what a ping may take in all, in seconds. */
const PATIENCE_S = 9;
/** How often packets are sent of which some do not come back: a machine that stands still may miss them. */
const TRIES = 3;

/** A namespace with pods, one of which is everybody's peer. */
export class Pods {
  readonly cluster: Cluster;
  readonly namespace = `pods-${randomBytes(4).toString('hex')}`;
  #peer: RunningPod | undefined;
  #count = 0;

  private constructor(cluster: Cluster) {
    this.cluster = cluster;
  }

  static async open(cluster: Cluster): Promise<Pods> {
    const pods = new Pods(cluster);
    await cluster.kubectl('create', 'namespace', pods.namespace);
    pods.#peer = await pods.run('peer');
    return pods;
  }

  /** A site whose targets these are. */
  get settings(): Readonly<Record<string, unknown>> {
    const { kubeconfig } = this.cluster;
    return { kubernetes: { kubeconfig, namespaces: [this.namespace], faultImage: FAULT_IMAGE } };
  }

  get peer(): RunningPod {
    if (this.#peer === undefined) throw new Error('there is no peer yet');
    return this.#peer;
  }

  /** Starts a pod, which serves a page of `bytes` zeros; returns once it is ready. */
  async run(
    name = `pod-${++this.#count}`,
    { labels = {}, container = {}, spec = {} }: Described = {},
  ): Promise<RunningPod> {
    const { metadata } = await this.cluster.create({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: this.namespace, labels },
      spec: podSpec(container, spec),
    });
    await this.kubectl('wait', '--for=condition=Ready', `pod/${name}`, '--timeout=90s');
    const ip = await this.kubectl('get', 'pod', name, '-o', 'jsonpath={.status.podIP}');
    return { name, ip, id: targetId({ kind: 'pod', namespace: this.namespace, name, uid: metadata.uid ?? '' }) };
  }

  /** Starts `replicas` pods that a deployment replaces; returns once all are ready. */
  async deploy(
    app: string,
    replicas: number,
    { labels: more = {}, container = {}, spec = {} }: Described = {},
  ): Promise<RunningPod[]> {
    const labels = { app };
    await this.cluster.create({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: app, namespace: this.namespace },
      spec: {
        replicas,
        selector: { matchLabels: labels },
        template: { metadata: { labels: { ...more, ...labels } }, spec: podSpec(container, spec) },
      },
    });
    await this.kubectl('wait', '--for=condition=Available', `deployment/${app}`, '--timeout=90s');
    const listed = await this.kubectl('get', 'pods', '-l', `app=${app}`, '-o', 'json');
    return (JSON.parse(listed) as { items: KubernetesObject[] }).items.map(({ metadata, status }) => {
      const { name = '', uid = '' } = metadata;
      const id = targetId({ kind: 'pod', namespace: this.namespace, name, uid });
      return { name, ip: String(status?.['podIP']), id };
    });
  }

  /** Deletes a pod; returns once it is gone. */
  async remove({ name }: RunningPod): Promise<void> {
    await this.kubectl('delete', 'pod', name);
  }

  async pod({ name }: RunningPod): Promise<KubernetesObject> {
    return JSON.parse(await this.kubectl('get', 'pod', name, '-o', 'json')) as KubernetesObject;
  }

  /** Whether the pod exists, and says of itself nothing that ours could have written. */
  async isUntouched(pod: RunningPod): Promise<boolean> {
    const { labels = {}, annotations = {} } = (await this.pod(pod)).metadata;
    return ![...Object.keys(labels), ...Object.keys(annotations)].some((key) => key.startsWith('squall/'));
  }

  /** Sends `count` packets of so many bytes from one pod to another, or to the peer. */
  async ping({ name }: RunningPod, count: number, to = this.peer, waitS = 1, bytes = 56): Promise<Pinged> {
    // It waits for the last as long as answers took, and a damaged one may say that it took hours.
    const most = ['timeout', '-s', 'INT', `${waitS + PATIENCE_S}`];
    const told = [...most, 'ping', '-q', '-c', `${count}`, '-i', '0.02', '-W', `${waitS}`, '-s', `${bytes}`, to.ip];
    // It fails where nothing comes back.
    const said = await this.kubectl('exec', name, '-c', 'main', '--', 'sh', '-c', `${told.join(' ')}; true`);
    const [, sent = '0', received = '0'] = /(\d+) packets transmitted, (\d+) packets received/.exec(said) ?? [];
    const fastest = /min\/avg\/max = ([\d.]+)\//.exec(said)?.[1];
    return {
      sent: Number(sent),
      received: Number(received),
      fastestMs: fastest === undefined ? undefined : Number(fastest),
    };
  }

  /** Whether a pod reaches the peer at all. */
  async reaches(pod: RunningPod, to = this.peer): Promise<boolean> {
    return (await this.ping(pod, 2, to)).received > 0;
  }

  /** Whether the peer answers all of `count` packets, in one of a few tries. */
  async answersAll(pod: RunningPod, count: number, bytes?: number): Promise<boolean> {
    for (let time = 1; time <= TRIES; time += 1)
      if ((await this.ping(pod, count, this.peer, 1, bytes)).received === count) return true;
    return false;
  }

  /** How long it takes a pod to fetch 700 kB of the peer, in milliseconds. Throws where it gets less. */
  async fetchMs({ name }: RunningPod): Promise<number> {
    const beganAtMs = performance.now();
    const fetch = `printf 'GET /bytes HTTP/1.0\\r\\n\\r\\n' | nc ${this.peer.ip} ${PORT} | wc -c`;
    const bytes = Number(await this.kubectl('exec', name, '-c', 'main', '--', 'sh', '-c', fetch));
    if (!(bytes > 700_000)) throw new Error(`it got ${bytes} bytes`);
    return performance.now() - beganAtMs;
  }

  /** What a name server in another pod answers a pod over UDP, when it waits so long: what it is asked about resolves, is refused, or nothing comes. */
  async asks(
    { name }: RunningPod,
    server: Pick<RunningPod, 'ip'>,
    about: string,
    waitS = 6,
  ): Promise<'resolved' | 'refused' | 'none'> {
    const ask = `nslookup -type=a -timeout=${waitS} -retry=3 ${about}. ${server.ip}; true`;
    const said = await this.kubectl('exec', name, '-c', 'main', '--', 'sh', '-c', `{ ${ask}; } 2>&1`);
    if (said.includes(ADDRESS)) return 'resolved';
    return /REFUSED/i.test(said) ? 'refused' : 'none';
  }

  /** The same over TCP, with the code of the answer: 0 where it resolves, 5 where it is refused. */
  async codeOverTcp({ name }: RunningPod, server: RunningPod, waitS = 6): Promise<number | 'none'> {
    // The length, an id, a question that wants recursion, and one of them: `a.` IN A.
    const question = '\\0\\023\\1\\2\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0\\1a\\0\\0\\1\\0\\1';
    const ask = `{ printf '${question}'; sleep 1; } | nc -w ${waitS} ${server.ip} 53 | xxd -p; true`;
    const said = await this.kubectl('exec', name, '-c', 'main', '--', 'sh', '-c', ask);
    // Behind the length, the id, and the first half of the flags.
    return said.length < 12 ? 'none' : Number.parseInt(said.slice(11, 12), 16);
  }

  /** How full the file system of a folder is for a pod, in per cent. */
  async usedPercent({ name }: RunningPod, folder: string): Promise<number> {
    const said = await this.kubectl('exec', name, '-c', 'main', '--', 'df', '-P', folder);
    return Number(/ (\d+)% /.exec(said)?.[1]);
  }

  /** Where the containers that we have added to a pod have come to: their exit codes, or what they are doing. */
  async added(pod: RunningPod): Promise<(number | string)[]> {
    const { status = {} } = await this.pod(pod);
    const statuses = (status['ephemeralContainerStatuses'] ?? []) as { state: Record<string, { exitCode?: number }> }[];
    return statuses.map(({ state }) => state['terminated']?.exitCode ?? Object.keys(state)[0] ?? 'unknown');
  }

  async kubectl(...args: readonly string[]): Promise<string> {
    return this.cluster.kubectl('-n', this.namespace, ...args);
  }

  async close(): Promise<void> {
    await this.cluster.kubectl('delete', 'namespace', this.namespace, '--wait=false');
  }
}

/** What all pods do: they serve 700 kB of zeros. */
function podSpec(container: object = {}, spec: object = {}): Readonly<Record<string, unknown>> {
  const make = 'mkdir -p /tmp/www && dd if=/dev/zero of=/tmp/www/bytes bs=1000 count=700';
  const command = ['sh', '-c', `${make} && exec httpd -f -p ${PORT} -h /tmp/www`];
  return {
    terminationGracePeriodSeconds: 0,
    containers: [{ name: 'main', image: IMAGE, command, ...container }],
    ...spec,
  };
}
