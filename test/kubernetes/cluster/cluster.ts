/**
 * A real Kubernetes for tests: the one that `KUBECONFIG` names, else one of this test's own.
 *
 * Owns the way from a test to a cluster, and why this machine has none. A cluster of a test's own lives in network, mount
 * and process namespaces (`inside.ts`), and nothing of it outlives the test, whatever dies.
 */
import { execFile, spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { generate } from 'selfsigned';
import { until } from '../../until.ts';
import { findBinary } from './binary.ts';
import { kubeconfig } from './control-plane.ts';
import { BUSYBOX } from './image.ts';
import type { Answering, Begin, Died, Told } from './messages.ts';
import { forgottenGroups, NODE_ADDRESS, NODE_PACKAGES, removeGroup } from './node.ts';

const exec = promisify(execFile);

const NAMESPACES = ['--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc'];
/** Whoever is not root may be root in namespaces of their own, where the system lets them. */
const UNSHARE = process.getuid?.() === 0 ? NAMESPACES : ['--user', '--map-root-user', ...NAMESPACES];

/** Why this machine has no cluster; false where it has one. */
export async function whyNoCluster(): Promise<string | false> {
  const how = 'or name any cluster with KUBECONFIG';
  if (process.env['KUBECONFIG'])
    return spawnSync('kubectl', ['version', '--client']).status === 0 ? false : 'KUBECONFIG is set, but no kubectl';
  if (process.platform !== 'linux') return `no Kubernetes of its own on ${process.platform}: KUBECONFIG names another`;
  if (spawnSync('unshare', [...UNSHARE, 'true']).status !== 0) return `may not have namespaces: run it as root, ${how}`;
  if (spawnSync('ip', ['-V']).status !== 0) return `no ip on PATH: apt-get install iproute2, ${how}`;
  return (await findBinary()) === undefined ? `no Kubernetes binary: npm run kubernetes builds it, ${how}` : false;
}

/** Why this machine has no cluster with a node that runs pods; false where it has one. */
export async function whyNoNode(): Promise<string | false> {
  const why = await whyNoCluster();
  if (why !== false || process.env['KUBECONFIG']) return why;
  if (process.getuid?.() !== 0) return 'a node needs root: run it as root, or name any cluster with KUBECONFIG';
  const programs = ['containerd', 'runc', 'nft', 'iptables', 'conntrack', 'ctr'];
  const there = programs.every((name) => spawnSync(name, ['--version']).error === undefined);
  return there && existsSync(BUSYBOX) && existsSync('/usr/lib/cni/bridge')
    ? false
    : `no node: apt-get install ${NODE_PACKAGES}`;
}

/** A cluster that answers. */
export class Cluster {
  readonly kubeconfig: string;
  /** The process that holds the namespaces of a test's own cluster; undefined where the cluster is another's. */
  readonly holder: number | undefined;
  readonly #kubectl: string;
  readonly #close: () => Promise<void>;
  readonly #inside: ChildProcess | undefined;

  private constructor(config: string, kubectl: string, close: () => Promise<void>, inside?: ChildProcess) {
    this.kubeconfig = config;
    this.holder = inside?.pid;
    this.#inside = inside;
    this.#kubectl = kubectl;
    this.#close = close;
  }

  /**
   * Names a cluster, or starts one, with a node where that is asked for, as {@link whyNoCluster} has found it possible. In one that
   * is `still` there are no controllers.
   */
  static async open({ node = false, still = false } = {}): Promise<Cluster> {
    const named = process.env['KUBECONFIG'];
    return named ? new Cluster(named, 'kubectl', async () => undefined) : Cluster.#start(node, still);
  }

  static async #start(node: boolean, still: boolean): Promise<Cluster> {
    const binary = await findBinary();
    if (binary === undefined) throw new Error('there is no Kubernetes binary');
    await using undo = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), 'squall-kubernetes-'));
    undo.defer(() => rm(folder, { recursive: true, force: true }));
    const { private: key, cert } = await certificate();
    const token = randomBytes(16).toString('hex');
    const door = createServer();
    await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve));
    const { port } = door.address() as AddressInfo;
    const inside = spawn('unshare', [...UNSHARE, process.execPath, join(import.meta.dirname, 'inside.ts')], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    undo.defer(() => end(inside));
    for (const group of node ? forgottenGroups(isAlive) : []) removeGroup(group);
    const group = node ? { group: `squall-test-${process.pid}-${token.slice(0, 8)}` } : {};
    const begin: Begin = { binary, folder, token, key, certificate: cert, ...group, ...(still ? { still } : {}) };
    await new Promise<void>((resolve, reject) =>
      inside.send(begin, door, {}, (error) => (error === null ? resolve() : reject(error))),
    );
    door.close();
    let died: string | undefined;
    inside.on('message', (message: Died) => (died ??= message.died));
    inside.once('exit', () => (died ??= 'inside.ts'));
    const answers = async (path: string): Promise<boolean> => {
      if (died !== undefined) throw new Error(`${died} ended:\n${await lastWords(join(folder, `${died}.log`))}`);
      return (await get(port, path, token, cert)) === 200;
    };
    await until(() => answers('/readyz'));
    await until(() => answers('/api/v1/namespaces/default/serviceaccounts/default'));
    await writeFile(join(folder, 'config'), kubeconfig(`https://127.0.0.1:${port}`, cert, token), { mode: 0o600 });
    await symlink(binary, join(folder, 'kubectl'));
    const cluster = new Cluster(join(folder, 'config'), join(folder, 'kubectl'), () => parts.disposeAsync(), inside);
    if (node) {
      inside.send({ answering: true } satisfies Answering);
      const ready = 'jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status}';
      await until(async () => (await cluster.kubectl('get', 'nodes', '-o', ready)) === 'True');
    }
    const parts = undo.move();
    return cluster;
  }

  /** What `kubectl` prints. Rejects with its words where it fails. */
  async kubectl(...args: readonly string[]): Promise<string> {
    const { stdout } = await exec(this.#kubectl, ['--kubeconfig', this.kubeconfig, ...args], { maxBuffer: 64 << 20 });
    return stdout;
  }

  /** Follows what `kubectl` prints, line by line, until it is ended. */
  follow(...args: readonly string[]): { readonly lines: readonly string[]; readonly end: () => Promise<void> } {
    const child = spawn(this.#kubectl, ['--kubeconfig', this.kubeconfig, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const gone = once(child, 'exit');
    const lines: string[] = [];
    createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
    return {
      lines,
      async end() {
        child.kill();
        await gone;
      },
    };
  }

  /** Creates what is described; a status that it describes is set too, as nobody else is there to do it. */
  async create(object: KubernetesObject): Promise<KubernetesObject> {
    const made = await this.#piped(['create', '-o', 'json', '-f', '-'], object);
    if (object.status === undefined) return made;
    const patch = ['patch', object.kind, made.metadata.name ?? '', '--subresource=status', '--type=merge'];
    const within = made.metadata.namespace === undefined ? [] : ['-n', made.metadata.namespace];
    return JSON.parse(
      await this.kubectl(...patch, ...within, '-o', 'json', '-p', JSON.stringify({ status: object.status })),
    ) as KubernetesObject;
  }

  /** Sends `body` to a path of the API. */
  async raw(verb: 'create' | 'delete' | 'replace', path: string, body: unknown): Promise<void> {
    await this.#piped([verb, '--raw', path, '-f', '-'], body);
  }

  /** Stops, kills or starts a component, such as `kube-apiserver` or `kubelet`: only of a cluster of the test's own. */
  tell(component: string, to: Told['to']): void {
    if (this.#inside === undefined) throw new Error('the cluster that KUBECONFIG names is not to be harmed');
    this.#inside.send({ component, to } satisfies Told);
  }

  async close(): Promise<void> {
    await this.#close();
  }

  async #piped(args: readonly string[], input: unknown): Promise<KubernetesObject> {
    const running = exec(this.#kubectl, ['--kubeconfig', this.kubeconfig, ...args], { maxBuffer: 64 << 20 });
    running.child.stdin?.end(JSON.stringify(input));
    return JSON.parse((await running).stdout) as KubernetesObject;
  }
}

/** An object as tests write it and read it. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name?: string;
    readonly generateName?: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly [key: string]: unknown;
  };
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: Readonly<Record<string, unknown>>;
  readonly data?: Readonly<Record<string, string>>;
}

function certificate(): ReturnType<typeof generate> {
  return generate([{ name: 'commonName', value: 'kubernetes' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'kubernetes.default.svc' },
          { type: 7, ip: '127.0.0.1' },
          { type: 7, ip: '10.96.0.1' },
          { type: 7, ip: NODE_ADDRESS },
        ],
      },
    ],
  });
}

async function end(inside: ChildProcess): Promise<void> {
  if (inside.exitCode !== null || inside.signalCode !== null) return;
  const gone = once(inside, 'exit');
  inside.disconnect();
  await gone;
}

function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}`);
}

/** The status of an answer; 0 where there is none. */
function get(port: number, path: string, token: string, ca: string): Promise<number> {
  const headers = { Authorization: `Bearer ${token}` };
  return new Promise((resolve) => {
    const asked = request({ host: '127.0.0.1', port, path, ca, headers, timeout: 2_000, agent: false }, (response) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode ?? 0));
      response.once('error', () => resolve(0));
    });
    asked.once('timeout', () => asked.destroy());
    asked.once('error', () => resolve(0));
    asked.end();
  });
}

async function lastWords(log: string): Promise<string> {
  return readFile(log, 'utf8').then(
    (text) => text.slice(-2_000),
    () => 'it said nothing',
  );
}
