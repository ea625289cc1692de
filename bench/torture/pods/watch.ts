/**
 * The observer of a cluster: what the kernel of its node and its API server say of everything that runs harm.
 *
 * Owns the looks, one after the other, and what counts as a trace of Squall. It never asks Squall, nor the program in a pod.
 * What is not answered is not known to have changed.
 */
import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Cluster } from '../../../test/kubernetes/cluster/cluster.ts';
import { nodeCommand } from '../../../test/kubernetes/fault-image.ts';
import { Api } from './api.ts';
import type { Container, Live } from './api.ts';
import { isKept, traces } from './traces.ts';

const exec = promisify(execFile);

/** Between two looks, in milliseconds. */
const LOOK_MS = 500;
/** What objects are told apart by: the slot of the trial that harms them. */
const SLOT = 'app';
/** A deployment whose pods must all be ready says so, and for which slot: it is not itself what is harmed there. */
export const WHOLE = 'whole';
/** The taint that runs put on nodes. */
export const TAINT = 'torture/fault';
/** How objects are when nothing is done to them. */
export const REPLICAS = 4;
export const UNHARMED = 'as it was';

/** Of each program of ours that burdens a pod: its network namespace, and what it does. It does nothing else, and ends when it is over. */
const BURDENS = `for e in $(find /proc -maxdepth 2 -name exe -lname /fault); do p="\${e%/exe}"
echo "! $(readlink "$p/ns/net") $(tr '\\0' ' ' <"$p/cmdline")"; done 2>/dev/null`;
/** For each network namespace of a pod: its number, its address, our table with its gate, queueing disciplines like ours, and whether it could be looked at. */
const NETWORKS = `for n in /run/netns/*; do echo "@ $n $(stat -Lc %i "$n")"; nsenter --net="$n" sh -c '
ip -4 -o addr show dev eth0; nft list table inet squall; tc qdisc show && echo seen' 2>/dev/null; done; true`;

/** What can be looked at: `copy` is a replica set, to which a deployment's annotations are copied. */
export type Kind = 'pod' | 'node' | 'deployment' | 'copy' | 'configmap' | 'fuse' | 'policy' | 'lease';

/** One thing that can be harmed, as it was seen last. */
export interface Seen {
  readonly slot: string;
  readonly kind: Kind;
  readonly name: string;
  /** Where its object is, in the API; undefined where only its network is left of it. */
  readonly path?: string;
  readonly live?: Live;
  /** Whether a fault acts, as far as its records say; what acts in a pod ends by itself. */
  readonly acts: boolean;
  /** Whether its harm itself is seen. */
  readonly harms: boolean;
  /** What is left of ours, in words; fences, which only keep what comes late from acting, are not meant. */
  readonly left: readonly string[];
}

/** The same before it is known what acts in a pod's network. */
type Found = Omit<Seen, 'acts' | 'harms'> & { readonly acts?: boolean; readonly harms?: boolean };
type Listed = readonly { readonly live: Live; readonly path: string }[];

interface Network {
  readonly address: string;
  readonly acts: boolean;
  readonly left: readonly string[];
}

/** Looks at one cluster until it is closed. */
export class Watch {
  readonly api: Api;
  readonly cluster: Cluster;
  readonly namespace: string;
  #networks: ReadonlyMap<string, Network> = new Map();
  #seen: readonly Seen[] = [];
  #objects: readonly Found[] = [];
  /** Which slot a pod is of, and what was made for a fault on it: what owns something may be gone before it. */
  readonly #slots = new Map<string, string>();
  /** Whose pod's network is known by its address once; a pod that is gone has none to be found by. */
  readonly #owners = new Map<string, { readonly slot: string; readonly name: string }>();
  readonly #listeners = new Set<() => void>();
  #closed = false;
  readonly #looking: Promise<void>;

  constructor(cluster: Cluster, namespace: string) {
    this.cluster = cluster;
    this.namespace = namespace;
    this.api = new Api(cluster.kubeconfig);
    this.#looking = this.#look();
  }

  /** What there is of a slot. */
  of(slot: string): readonly Seen[] {
    return this.#seen.filter((seen) => seen.slot === slot);
  }

  /** Calls `listener` after each look, until the returned function is called. */
  onLook(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Resolves when all of a look was after this was called. */
  async fresh(): Promise<void> {
    for (let looks = 0; looks < 2; looks++) {
      await new Promise<void>((resolve) => {
        const stop = this.onLook(() => {
          stop();
          resolve();
        });
      });
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#looking;
    this.api.close();
  }

  async #look(): Promise<void> {
    while (!this.#closed) {
      const [networks, objects] = await Promise.allSettled([this.#lookAtNetworks(), this.#list()]);
      if (objects.status === 'fulfilled') this.#objects = objects.value;
      if (networks.status === 'fulfilled') {
        this.#networks = networks.value;
        this.#seen = this.#join(networks.value);
        for (const listener of this.#listeners) listener();
      }
      await sleep(LOOK_MS);
    }
  }

  #join(networks: ReadonlyMap<string, Network>): Seen[] {
    const byAddress = new Map(this.#objects.flatMap((seen) => [[seen.live?.status?.podIP ?? '', seen] as const]));
    const found = new Map<string, Network>();
    for (const [name, network] of networks) {
      const pod = byAddress.get(network.address);
      if (pod !== undefined && !this.#owners.has(name)) this.#owners.set(name, { slot: pod.slot, name: pod.name });
      const owner = this.#owners.get(name);
      if (owner !== undefined) found.set(owner.name, network);
    }
    const seen = this.#objects.map((object): Seen => {
      const network = found.get(object.name);
      found.delete(object.name);
      const acts = object.acts ?? network?.acts ?? false;
      return { ...object, acts, harms: object.harms ?? acts, left: [...object.left, ...(network?.left ?? [])] };
    });
    const alone = [...found].map(([name, { acts, left }]): Seen => {
      const slot = [...this.#owners.values()].find((owner) => owner.name === name)?.slot ?? '';
      return { slot, kind: 'pod', name, acts, harms: acts, left };
    });
    return [...seen, ...alone];
  }

  async #lookAtNetworks(): Promise<ReadonlyMap<string, Network>> {
    const look = nodeCommand(this.cluster, ['sh', '-c', `${BURDENS}\n${NETWORKS}`]);
    const { stdout } = await exec(...look, { maxBuffer: 16 << 20 });
    const [programs = '', ...parts] = stdout.split(/^@ /m);
    const burdens = new Map(
      [...programs.matchAll(/^! net:\[(\d+)\] \S+ (cpu|memory|disk|pause) /gm)].map(([, inode, does]) => [inode, does]),
    );
    return new Map(
      parts.flatMap((part) => {
        const [name = '', inode] = part.slice(0, part.indexOf('\n')).split(' ');
        // What could not be looked at is as it was.
        const network = /^seen$/m.test(part) ? networkOf(part, burdens.get(inode)) : this.#networks.get(name);
        return network === undefined ? [] : [[name, network] as const];
      }),
    );
  }

  async #list(): Promise<Found[]> {
    const within = `namespaces/${this.namespace}`;
    const paths = {
      pod: `/api/v1/${within}/pods`,
      configmap: `/api/v1/${within}/configmaps`,
      deployment: `/apis/apps/v1/${within}/deployments`,
      copy: `/apis/apps/v1/${within}/replicasets`,
      node: '/api/v1/nodes',
      fuse: `/apis/batch/v1/${within}/jobs`,
      policy: `/apis/networking.k8s.io/v1/${within}/networkpolicies`,
      lease: `/apis/coordination.k8s.io/v1/${within}/leases`,
    } as const satisfies Record<Kind, string>;
    const listed = Object.entries(paths).map(async ([kind, path]): Promise<[string, Listed]> => {
      const found = await this.api.list(path);
      return [kind, found.map((live) => ({ live, path: `${path}/${live.metadata.name}` }))];
    });
    const all = Object.fromEntries(await Promise.all(listed)) as Record<Kind, Listed>;
    const slotOf = ({ labels = {} }: Live['metadata']): string => labels[SLOT] ?? labels[WHOLE] ?? '';
    for (const kind of ['pod', 'deployment'] as const)
      for (const { live } of all[kind]) this.#slots.set(live.metadata.name, slotOf(live.metadata));
    const nameOf = (kind: Kind, { metadata: { name } }: Live): string => `${kind} ${name}`;
    const made = (
      kind: Kind,
      is: Omit<Found, 'slot' | 'kind' | 'name' | 'left'>,
      left = (_live: Live) => [kind as string],
    ) =>
      all[kind].map((found): Found => {
        const { name, ownerReferences: [owner] = [] } = found.live.metadata;
        const slot = this.#slots.get(name) ?? this.#slots.get(owner?.name ?? '') ?? '';
        if (slot !== '') this.#slots.set(name, slot);
        return { ...found, ...is, slot, kind, name: nameOf(kind, found.live), left: left(found.live) };
      });
    const changed = (kind: Kind, how: (live: Live) => string[]) =>
      all[kind].map(({ live, path }): Found => {
        const harm = how(live);
        const noted = traces(live);
        const acts = noted.length + harm.length > 0;
        const left = [...(isKept(live) ? [] : noted), ...harm];
        return {
          live,
          path,
          slot: slotOf(live.metadata),
          kind,
          name: nameOf(kind, live),
          left,
          acts,
          harms: harm.length > 0,
        };
      });
    return [
      ...all.pod.map(({ live, path }): Found => ({
        ...{ live, path, slot: slotOf(live.metadata), kind: 'pod', name: nameOf('pod', live) },
        left: [...traces(live), ...running(live).map(({ name }) => `container ${name}`)],
      })),
      ...changed('configmap', ({ data }) => (data?.['url'] === UNHARMED ? [] : ['another value'])),
      ...changed('deployment', (live) => {
        const { metadata, spec } = live;
        if (metadata.labels?.[WHOLE] !== undefined) return missing(live);
        return spec?.replicas === REPLICAS ? [] : [`${spec?.replicas} replicas`];
      }),
      ...changed('node', ({ spec }) => [
        ...(spec?.unschedulable === true ? ['cordon'] : []),
        ...(spec?.taints?.some(({ key }) => key === TAINT) === true ? ['taint'] : []),
      ]),
      // The fuse owns the policy, and is owned by the pod.
      ...made('fuse', { acts: false }),
      ...made('policy', { acts: true }),
      // The harm of a kill is what its owner is without. When it is over, what is left is a fence.
      ...made('lease', { harms: false }, (live) => (isHeld(live) && !isKept(live) ? ['held'] : [])).map((lease) => ({
        ...lease,
        acts: lease.live !== undefined && isHeld(lease.live),
      })),
      // What is copied is kept as long as fences are.
      ...made('copy', { acts: false }, () => []),
    ];
  }
}

/** What a deployment is without, which is to have so many pods ready and all of them as it wants them. */
function missing({ metadata: { generation }, spec, status = {} }: Live): string[] {
  const { replicas, updatedReplicas, readyReplicas = 0, observedGeneration } = status;
  const isWhole =
    observedGeneration === generation &&
    [replicas, updatedReplicas, readyReplicas].every((count) => count === spec?.replicas);
  return isWhole ? [] : [`not whole, with ${readyReplicas} of ${spec?.replicas} pods ready`];
}

function isHeld({ metadata: { labels = {} } }: Live): boolean {
  return labels['squall/kill'] === 'held';
}

/** The containers of ours that run in a pod. */
export function running({ status }: Live): readonly Container[] {
  return (status?.ephemeralContainerStatuses ?? []).filter(
    ({ name, state }) => name.startsWith('squall-') && state?.running !== undefined,
  );
}

function networkOf(part: string, burden: string | undefined): Network {
  return {
    address: /inet ([\d.]+)\//.exec(part)?.[1] ?? '',
    acts: burden !== undefined || /set alive_\w+ \{[^}]*elements/.test(part),
    left: [
      ...(burden === undefined ? [] : [`a program that does ${burden}`]),
      ...(/^table inet squall/m.test(part) ? ['nft table'] : []),
      ...(/^qdisc (?:htb|tbf|netem)/m.test(part) ? ['queueing discipline'] : []),
    ],
  };
}
