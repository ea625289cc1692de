/**
 * The node: containerd, kubelet, scheduler and proxy, as they are told to run.
 *
 * Owns their files and arguments, and what keeps them from writing on the machine: their folders are in memory, and the
 * kernel settings that a kubelet insists on are shown to it as it wants them. Control groups are the machine's; they are
 * removed when the cluster ends.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Component } from './control-plane.ts';
import { IMAGE } from './image.ts';

/** The node's address, which its loopback has. Pods are reached from it by a bridge. */
export const NODE_ADDRESS = '10.99.0.2';
/** What its programs are, as Debian packages them. */
export const NODE_PACKAGES = 'containerd runc containernetworking-plugins busybox-static iptables nftables conntrack';

const CGROUPS = '/sys/fs/cgroup';
/** What a kubelet otherwise sets on the whole machine. */
const WANTED = { 'vm/overcommit_memory': 1, 'vm/panic_on_oom': 0, 'kernel/panic': 10, 'kernel/panic_on_oops': 1 };
const KEYS = { 'kernel/keys/root_maxkeys': 1_000_000, 'kernel/keys/root_maxbytes': 25_000_000 };

/** Hides what the node's programs would write on the machine; `state` is in memory already. */
export function hide(state: string): void {
  for (const folder of ['/var/lib', '/var/log']) {
    const [upper, work] = ['upper', 'work'].map((part) => join(state, folder.replaceAll('/', '-'), part));
    for (const part of [upper, work]) mkdirSync(part ?? '', { recursive: true });
    const options = `lowerdir=${folder},upperdir=${upper},workdir=${work}`;
    execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', options, folder]);
  }
  for (const [name, value] of Object.entries({ ...WANTED, ...KEYS })) {
    const shown = join(state, name.replaceAll('/', '-'));
    writeFileSync(shown, `${value}\n`);
    execFileSync('mount', ['--bind', shown, join('/proc/sys', name)]);
  }
  for (const args of [
    ['addr', 'add', `${NODE_ADDRESS}/32`, 'dev', 'lo'],
    ['route', 'add', '10.96.0.0/24', 'dev', 'lo', 'src', NODE_ADDRESS],
  ])
    execFileSync('ip', args);
  writeFileSync('/proc/sys/net/ipv4/ip_forward', '1');
}

/** As much of the processors' time as ten processes, in the words of version 1 and of version 2. */
const WEIGHTS = { 'cpu.shares': 10_240, 'cpu.weight': 1_000 };

/** Version 1 has a hierarchy for each controller, version 2 one for all. */
function hierarchies(): string[] {
  if (existsSync(join(CGROUPS, 'cgroup.controllers'))) return [CGROUPS];
  return readdirSync(CGROUPS).map((name) => join(CGROUPS, name));
}

/** Makes the control group `name`, below which every container is. */
export function makeGroup(name: string): void {
  for (const hierarchy of hierarchies()) {
    mkdirSync(join(hierarchy, name), { recursive: true });
    // All pods together would have no more time than one process outside, however busy the machine is.
    for (const [file, weight] of Object.entries(WEIGHTS))
      if (existsSync(join(hierarchy, name, file))) writeFileSync(join(hierarchy, name, file), `${weight}`);
  }
  const [parent, own] = [join(CGROUPS, 'cpuset'), join(CGROUPS, 'cpuset', name)];
  if (!existsSync(join(own, 'cpuset.cpus'))) return;
  for (const file of ['cpuset.cpus', 'cpuset.mems']) writeFileSync(join(own, file), readFileSync(join(parent, file)));
}

/** Removes the control group `name` and those below it; none may have a process any more. */
export function removeGroup(name: string): void {
  const remove = (path: string): void => {
    if (!existsSync(path)) return;
    for (const entry of readdirSync(path, { withFileTypes: true }))
      if (entry.isDirectory()) remove(join(path, entry.name));
    rmdirSync(path);
  };
  for (const hierarchy of hierarchies()) remove(join(hierarchy, name));
}

/** Control groups of tests that have died together with the first process of their cluster. */
export function forgottenGroups(isAlive: (pid: number) => boolean): string[] {
  const names = new Set(hierarchies().flatMap((hierarchy) => readdirSync(hierarchy)));
  return [...names].filter((name) => {
    const pid = /^squall-test-(\d+)-/.exec(name)?.[1];
    return pid !== undefined && !isAlive(Number(pid));
  });
}

/** Writes what the node's programs read into `state`, and says how they are started; containerd is the first. */
export function nodeComponents(state: string, group: string, config: string): Component[] {
  const at = (name: string): string => join(state, name);
  mkdirSync(at('cni'));
  writeFileSync(at('containerd.toml'), containerd(at));
  writeFileSync(at('cni/10-bridge.conflist'), JSON.stringify(bridge(at('addresses'))));
  writeFileSync(at('resolv.conf'), '');
  writeFileSync(at('kubelet.yaml'), JSON.stringify(kubelet(at, group)));
  const loopback = ['--bind-address=127.0.0.1', `--kubeconfig=${config}`];
  const asked = [`--authentication-kubeconfig=${config}`, `--authorization-kubeconfig=${config}`];
  return [
    { name: 'containerd', args: ['--config', at('containerd.toml')] },
    { name: 'kube-scheduler', args: [...loopback, ...asked, '--leader-elect=false'] },
    {
      name: 'kubelet',
      args: [
        ...[`--config=${at('kubelet.yaml')}`, `--kubeconfig=${config}`, `--root-dir=${at('kubelet')}`],
        ...['--hostname-override=node', `--node-ip=${NODE_ADDRESS}`, `--cert-dir=${at('kubelet-pki')}`],
      ],
    },
    {
      name: 'kube-proxy',
      args: [
        ...[...loopback, '--proxy-mode=nftables', '--hostname-override=node', '--cluster-cidr=10.244.0.0/24'],
        // These would be set on the whole machine.
        ...['max-per-core', 'tcp-timeout-established', 'tcp-timeout-close-wait'].map((name) => `--conntrack-${name}=0`),
      ],
    },
  ];
}

function containerd(at: (name: string) => string): string {
  const left = ['snapshotter.v1.btrfs', 'snapshotter.v1.devmapper', 'snapshotter.v1.zfs', 'snapshotter.v1.aufs'];
  return `version = 2
root = "${at('containerd')}"
state = "${at('containerd-state')}"
disabled_plugins = [${[...left, 'internal.v1.tracing'].map((name) => `"io.containerd.${name}"`).join(', ')}]
[grpc]
  address = "${at('containerd.sock')}"
[plugins."io.containerd.internal.v1.opt"]
  path = "${at('opt')}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${IMAGE}"
  disable_apparmor = true
  # Lowering it takes a capability that containers seldom have.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${at('cni')}"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
`;
}

function bridge(dataDir: string): unknown {
  const ipam = {
    type: 'host-local',
    dataDir,
    ranges: [[{ subnet: '10.244.0.0/24' }]],
    routes: [{ dst: '0.0.0.0/0' }],
  };
  const plugin = { type: 'bridge', bridge: 'pods', isGateway: true, hairpinMode: true, ipam };
  return { cniVersion: '1.0.0', name: 'pods', plugins: [plugin] };
}

function kubelet(at: (name: string) => string, group: string): unknown {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: NODE_ADDRESS,
    authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
    authorization: { mode: 'AlwaysAllow' },
    containerRuntimeEndpoint: `unix://${at('containerd.sock')}`,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${group}`,
    failCgroupV1: false,
    failSwapOn: false,
    protectKernelDefaults: true,
    resolvConf: at('resolv.conf'),
    podLogsDir: at('logs'),
    volumePluginDir: at('plugins'),
    // The image cannot be pulled again.
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
    evictionHard: { 'memory.available': '50Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
    localStorageCapacityIsolation: false,
    readOnlyPort: 0,
    syncFrequency: '5s',
    nodeStatusUpdateFrequency: '4s',
  };
}
