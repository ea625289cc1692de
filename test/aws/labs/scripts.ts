/**
 * Instances whose scripts are run for real on this machine, for the conformance of the faults that are scripts.
 *
 * Owns the namespaces of those that need some, which are gone with the process that keeps them. Harm is looked for on this machine, by
 * what the kernel says of its processes.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Lab } from '../../../activities/faults/conformance.ts';
import { awsTargetId } from '../../../activities/faults/aws/target.ts';
import type { Account } from '../account.ts';
import { Agents } from '../agent.ts';
import { linesOf, NOT_HERE } from '../on-instance.ts';

/** Long enough for a busy machine, in milliseconds. */
const SHORT_TTL_MS = 8_000;
const MEGABYTES = 12;
/** Where an agent must reach Systems Manager. */
const HOSTS = ['ssm', 'ssmmessages', 'ec2messages'].map((name) => `10.79.0.9 ${name}.eu-west-1.amazonaws.com`);

/** Why such a lab cannot be had on this machine; false where it can. */
export function whyNoScripts(...tools: string[]): string | false {
  const missing = tools.filter((tool) => spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0);
  return NOT_HERE || (missing.length > 0 && `needs ${missing.join(' and ')}`);
}

/** What differs between them. */
interface Scripts {
  readonly fault: 'cpu' | 'memory' | 'disk-fill' | 'network';
  readonly params: unknown;
  /** What makes an instance a place of its own, as a shell says it. Default: it is this machine. */
  readonly place?: readonly string[];
  /** By its processes, and what leads into its place. */
  readonly harmed: (processes: readonly number[], enter: readonly string[]) => boolean;
}

async function lab(account: Account, { fault, params, place, harmed }: Scripts): Promise<Lab> {
  const agents = Agents.of(account);
  const ids: string[] = [];
  const keepers = new Map<string, ChildProcess>();
  return {
    driver: new URL(`../../../activities/faults/aws/instance-${fault}.ts`, import.meta.url),
    params,
    settings: { aws: account.settings },
    shortTtlMs: SHORT_TTL_MS,
    async target() {
      const name = await account.instance();
      ids.push(name);
      const keeper = place && (await kept(place));
      if (keeper !== undefined) keepers.set(name, keeper);
      const enter = keeper === undefined ? [] : entering(keeper);
      agents.add(name, enter);
      let isGone = false;
      return {
        id: awsTargetId({ region: account.region, kind: 'instance', name }),
        harmed: async () => !isGone && harmed(agents.processes(name), enter),
        async remove() {
          await (await account.observe.ec2()).terminateInstances({ InstanceIds: [name] });
          isGone = true;
          await agents.end(name);
        },
      };
    },
    async close() {
      await agents.close(ids);
      for (const keeper of keepers.values()) {
        keeper.stdin?.end();
        if (keeper.exitCode === null) await once(keeper, 'exit');
      }
    },
  };
}

/** A process in namespaces of its own, where all of that was done. */
async function kept(place: readonly string[]): Promise<ChildProcess> {
  const script = [...place, 'echo ready', 'exec cat'].join(' && ');
  const keeper = spawn('unshare', ['--mount', '--net', 'sh', '-c', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const said = await Promise.race([once(keeper.stdout, 'data'), once(keeper, 'exit')]);
  assert.ok(Buffer.isBuffer(said[0]), 'namespaces cannot be had');
  return keeper;
}

function entering({ pid = 0 }: ChildProcess): string[] {
  return ['nsenter', `--mount=/proc/${pid}/ns/mnt`, `--net=/proc/${pid}/ns/net`, '--wdns=/'];
}

export async function openInstanceCpuLab(account: Account): Promise<Lab> {
  return lab(account, {
    fault: 'cpu',
    params: { percent: 5, cores: 1 },
    harmed: (processes) => processes.some((pid) => linesOf(`/proc/${pid}/cmdline`, '\0').includes('burn')),
  });
}

export async function openInstanceMemoryLab(account: Account): Promise<Lab> {
  const pages = (pid: number): number => Number(linesOf(`/proc/${pid}/statm`)[0]?.split(' ')[1] ?? 0);
  return lab(account, {
    fault: 'memory',
    params: { megabytes: MEGABYTES },
    harmed: (processes) => processes.some((pid) => pages(pid) * 4_096 > 0.9e6 * MEGABYTES),
  });
}

/** Each instance has a small file system, at the same path as all others. */
export async function openInstanceDiskFillLab(account: Account): Promise<Lab> {
  const folder = mkdtempSync(join(tmpdir(), 'squall-lab-'));
  const [path, image] = [join(folder, 'disk'), join(folder, 'image')];
  mkdirSync(path);
  const made = `mktemp "${image}-XXXXXX"`;
  const place = [
    `own=$(${made})`,
    'truncate --size=16M "$own"',
    'mkfs.ext4 -q -F "$own"',
    `mount -o loop "$own" "${path}"`,
    'rm "$own"',
  ];
  const opened = await lab(account, {
    fault: 'disk-fill',
    params: { path, percent: 60 },
    place,
    harmed: (processes) => processes.some((pid) => takenBy(pid) > 1e6),
  });
  return {
    ...opened,
    async close() {
      await opened.close?.();
      rmSync(folder, { recursive: true });
    },
  };
}

/** How many bytes a process has in files without a name. */
function takenBy(pid: number): number {
  let taken = 0;
  try {
    for (const file of readdirSync(`/proc/${pid}/fd`)) {
      const at = `/proc/${pid}/fd/${file}`;
      if (/\.squall-\w+ \(deleted\)$/.test(readlinkSync(at))) taken += statSync(at).size;
    }
  } catch {
    // It has ended meanwhile.
  }
  return taken;
}

/** Each instance has a network, from which nothing leads anywhere, and knows where Systems Manager is. */
export async function openInstanceNetworkLab(account: Account): Promise<Lab> {
  const folder = mkdtempSync(join(tmpdir(), 'squall-lab-'));
  const hosts = join(folder, 'hosts');
  writeFileSync(hosts, `${HOSTS.join('\n')}\n`);
  const opened = await lab(account, {
    fault: 'network',
    params: { bandwidth: '64kbit' },
    place: [
      `mount --bind "${hosts}" /etc/hosts`,
      'ip link add eth0 type veth peer name other',
      'ip address add 10.79.0.1/24 dev eth0',
      'ip link set other up',
      'ip link set eth0 up',
      'ip route add default via 10.79.0.2',
    ],
    harmed(_processes, [first = '', ...rest]) {
      const { stdout } = spawnSync(first, [...rest, 'tc', 'qdisc', 'show', 'dev', 'eth0'], { encoding: 'utf8' });
      return stdout.startsWith('qdisc htb');
    },
  });
  return {
    ...opened,
    async close() {
      await opened.close?.();
      rmSync(folder, { recursive: true });
    },
  };
}
