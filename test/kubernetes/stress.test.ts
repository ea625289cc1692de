/** Faults that are a burden on a pod, on a real node: how much of it they take, and that it comes back whatever ends them. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { sweep } from '../../activities/sweep.ts';
import type { DriverFactory, FaultDriver } from '../../activities/faults/driver.ts';
import { driver as cpu } from '../../activities/faults/kubernetes/pod-cpu.ts';
import { driver as diskFill } from '../../activities/faults/kubernetes/pod-disk-fill.ts';
import { driver as memory } from '../../activities/faults/kubernetes/pod-memory.ts';
import { driver as pause } from '../../activities/faults/kubernetes/pod-pause.ts';
import type { Fault } from '../../domain/fault.ts';
import { until } from '../until.ts';
import { Cluster } from './cluster/cluster.ts';
import { IMAGE } from './cluster/image.ts';
import { memoryBytes, processorMs, processors, states, throttled } from './control-groups.ts';
import { exactly } from './exactly.ts';
import { FAULT_IMAGE, importFaultImage, onNode, whyNoFaultImage } from './fault-image.ts';
import { ATTEMPT, faultOn } from './nodes.ts';
import { Pods } from './running-pods.ts';
import type { Described, RunningPod } from './running-pods.ts';

const CTR = ['ctr', '-a', '/run/squall/containerd.sock', '-n', 'k8s.io'];
const MB = 1e6;

const limited = (limits: Readonly<Record<string, string>>): Described => ({
  container: { resources: { requests: { cpu: '1m', memory: '1Mi' }, limits } },
});
const inMemory = { name: 'data', emptyDir: { medium: 'Memory', sizeLimit: '8Mi' } };
const withVolume = (volume: { readonly name: string; readonly [key: string]: unknown }): Described => ({
  container: { volumeMounts: [{ name: volume.name, mountPath: '/data' }] },
  spec: { volumes: [volume] },
});

describe('faults that are a burden on a pod', { skip: await whyNoFaultImage() }, () => {
  const undo = new AsyncDisposableStack();
  let cluster: Cluster;
  let pods: Pods;
  before(async () => {
    cluster = await Cluster.open({ node: true });
    undo.defer(() => cluster.close());
    await importFaultImage(cluster);
    pods = await Pods.open(cluster);
  });
  after(() => undo.disposeAsync());

  const first = <T>([outcome]: readonly T[]): T => outcome ?? assert.fail('no outcome');
  const open = <Params>(driver: DriverFactory<Params>, settings = pods.settings): FaultDriver<Params> =>
    driver({ name: 'lab', installation: 'lab', stateDir: '', settings });

  interface Harmed<Params> {
    readonly pod: RunningPod;
    readonly driver: FaultDriver<Params>;
    readonly fault: Fault<Params>;
  }

  /** A pod with a fault on it, `params` as an author writes them. */
  async function harmed<Params>(
    factory: DriverFactory<Params>,
    params: unknown,
    described: Described,
    change: Partial<Fault<Params>> = {},
  ): Promise<Harmed<Params>> {
    const pod = await pods.run(undefined, described);
    const driver = open(factory);
    const fault = faultOn(pod.id, driver.params.parse(params), change);
    const { result, detail } = first(await driver.inject([fault], ATTEMPT));
    assert.equal(result, 'injected', detail);
    return { pod, driver, fault };
  }

  /** Reverts; returns what the program says that it has done. */
  async function healed<Params>({ driver, fault }: Harmed<Params>): Promise<string> {
    const { result, detail } = first(await driver.revert([fault], ATTEMPT));
    assert.equal(result, 'reverted', detail);
    assert.deepEqual(await driver.verify([fault], ATTEMPT), ['absent']);
    return detail ?? '';
  }

  /** Kills the program in a pod; the driver then takes what has happened for what it is. */
  async function killed<Params>({ pod, driver, fault }: Harmed<Params>): Promise<void> {
    let id = '';
    // A pod says what runs in it a little later than it does.
    await until(async () => {
      const [container] = ((await pods.pod(pod)).status?.['ephemeralContainerStatuses'] ?? []) as {
        containerID?: string;
      }[];
      return (id = container?.containerID?.replace('containerd://', '') ?? '') !== '';
    });
    onNode(cluster, [...CTR, 'task', 'kill', '-s', 'SIGKILL', id]);
    await until(async () => first((await driver.renew?.([fault], ATTEMPT)) ?? []).result === 'lapsed');
    assert.deepEqual(await driver.verify([fault], ATTEMPT), ['absent']);
    await until(async () => (await sweep([driver], ATTEMPT)).reverted.includes(fault.id));
    assert.deepEqual(await pods.added(pod), [137], 'nothing else was needed');
  }

  /** Whether a pod serves its page. */
  async function answers({ ip }: RunningPod): Promise<boolean> {
    const fetch = `printf 'GET /bytes HTTP/1.0\\r\\n\\r\\n' | timeout 3 nc ${ip} 8080 | wc -c`;
    return Number(await pods.kubectl('exec', 'peer', '--', 'sh', '-c', fetch)) > 700_000;
  }

  it('takes processor time, as much as the pod may have, and says how much', async () => {
    const busy = await harmed(cpu, { workers: 3, load: '90%' }, limited({ cpu: '200m' }));
    assert.equal(processors(busy.pod), 0.2, 'the pod as a whole is limited');
    const [before, beganAtMs, waits] = [processorMs(busy.pod), performance.now(), throttled(busy.pod)];
    await until(() => processorMs(busy.pod) - before > 500 && throttled(busy.pod) > waits);
    const share = (processorMs(busy.pod) - before) / (performance.now() - beganAtMs);
    assert.ok(share < 0.4, `three threads had ${share} processors`);
    assert.match(await healed(busy), /^3 threads busy for 90% took \d+\.\d s of processor time/);
    await killed(await harmed(cpu, { workers: 1 }, limited({ cpu: '200m' })));
  });

  it('takes memory up to its share of the limit, with what the pod has, and gives it back', async () => {
    const leaking = await harmed(memory, { rate: '40MB/s', to: '80%' }, limited({ memory: '100M' }));
    let most = 0;
    await until(() => (most = Math.max(most, memoryBytes(leaking.pod))) > 70 * MB);
    assert.equal((await pods.pod(leaking.pod)).status?.['phase'], 'Running');
    assert.match(await healed(leaking), /MB taken of up to 80\.0 MB; \d+ processes together have \d+/);
    await until(() => memoryBytes(leaking.pod) < 40 * MB);
    const another = await harmed(memory, { rate: '40MB/s', to: '60%' }, limited({ memory: '100M' }));
    await until(() => memoryBytes(another.pod) > 50 * MB);
    await killed(another);
    await until(() => memoryBytes(another.pod) < 40 * MB);
  });

  it('is what dies when the pod has too little, and the pod’s own container is not', async () => {
    const leaking = await harmed(memory, { rate: '20MB/s', to: '90%' }, limited({ memory: '100M' }));
    // The pod's own container takes the rest at once, which it then has.
    const eats = 'dd if=/dev/zero of=/dev/shm/eaten bs=1M count=60';
    await until(() => memoryBytes(leaking.pod) > 60 * MB);
    await until(async () => {
      // What eats may be killed too; the pod's own container is not what eats.
      await pods.kubectl('exec', leaking.pod.name, '-c', 'main', '--', 'sh', '-c', `${eats}; true`).catch(() => '');
      return (await pods.added(leaking.pod))[0] === 137;
    });
    const restarts = 'jsonpath={.status.containerStatuses[0].restartCount}';
    assert.equal(await pods.kubectl('get', 'pod', leaking.pod.name, '-o', restarts), '0');
    assert.equal(first((await leaking.driver.renew?.([leaking.fault], ATTEMPT)) ?? []).result, 'lapsed');
    await healed(leaking);
  });

  it('takes room on a volume by a file that nobody can see, and that is gone with its program', async () => {
    const filled = await harmed(diskFill, { volume: 'data', to: '90%' }, withVolume(inMemory));
    const [full, files] = [
      await pods.usedPercent(filled.pod, '/data'),
      ['exec', filled.pod.name, '--', 'ls', '-A', '/data'],
    ];
    assert.ok(full >= 89 && full <= 91, `${full}`);
    assert.equal(await pods.kubectl(...files), '');
    await pods.kubectl('exec', filled.pod.name, '--', 'dd', 'if=/dev/zero', 'of=/data/own', 'bs=1k', 'count=400');
    await until(async () => (await pods.usedPercent(filled.pod, '/data')) <= 91, 'it makes room for what others write');
    assert.match(await healed(filled), /^\d\.\d MB taken of 8\.4 MB by a nameless file on a file system of its own/);
    assert.ok((await pods.usedPercent(filled.pod, '/data')) < 10);
    const another = await harmed(diskFill, { volume: 'data' }, withVolume(inMemory));
    assert.ok((await pods.usedPercent(another.pod, '/data')) >= 89);
    await killed(another);
    assert.equal(await pods.usedPercent(another.pod, '/data'), 0);
    const onDisk = withVolume({ name: 'data', emptyDir: { sizeLimit: '8Mi' } });
    assert.match(
      await healed(await harmed(diskFill, { volume: 'data' }, onDisk)),
      /^7\.5 MB taken of 8\.4 MB by a nameless file within a limit that its file system does not know/,
    );
  });

  it('leaves of its node’s disk what others need, also where the limit of a volume is above it', async () => {
    const pod = await pods.run(undefined, withVolume({ name: 'data', emptyDir: { sizeLimit: '1Ti' } }));
    const driver = open(diskFill);
    const fault = faultOn(pod.id, driver.params.parse({ volume: 'data' }));
    const { result, detail } = first(await driver.inject([fault], ATTEMPT));
    assert.match(`${result} ${detail}`, /failed .*no-room/);
    assert.equal(first(await driver.revert([fault], ATTEMPT)).result, 'reverted');
  });

  it('fills a claim that is a file system of its own, and none that is a folder of a larger one', async () => {
    onNode(cluster, ['mkdir', '-p', '/run/squall/own', '/run/squall/folder']);
    onNode(cluster, ['mount', '-t', 'tmpfs', '-o', 'size=8m', 'own', '/run/squall/own']);
    undo.defer(async () => void onNode(cluster, ['umount', '/run/squall/own']));
    const claimed = async (name: string): Promise<Described> => {
      const common = { accessModes: ['ReadWriteOnce'], storageClassName: '' };
      const path = `/run/squall/${name}`;
      const volume = { ...common, capacity: { storage: '8Mi' }, hostPath: { path } };
      await cluster.create({ apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name }, spec: volume });
      const claim = { ...common, volumeName: name, resources: { requests: { storage: '8Mi' } } };
      const metadata = { name, namespace: pods.namespace };
      await cluster.create({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata, spec: claim });
      return withVolume({ name: 'data', persistentVolumeClaim: { claimName: name } });
    };
    const filled = await harmed(diskFill, { volume: 'data', to: '50%' }, await claimed('own'));
    const full = await pods.usedPercent(filled.pod, '/data');
    assert.ok(full >= 49 && full <= 51, `${full}`);
    await healed(filled);
    assert.equal(await pods.usedPercent(filled.pod, '/data'), 0);
    const pod = await pods.run(undefined, await claimed('folder'));
    const driver = open(diskFill);
    const fault = faultOn(pod.id, driver.params.parse({ volume: 'data' }));
    const { result, detail } = first(await driver.inject([fault], ATTEMPT));
    assert.match(`${result} ${detail}`, /failed .*not-its-own/);
    assert.equal(first(await driver.revert([fault], ATTEMPT)).result, 'reverted');
  });

  it('holds a container’s processes still, even the first, and lets them go', async () => {
    const still = await harmed(pause, {}, {});
    assert.equal(await answers(still.pod), false);
    assert.match(states(still.pod), /t/);
    assert.match(await healed(still), /^1 threads held still for \d+\.\d s/);
    assert.equal(await answers(still.pod), true);
    const another = await harmed(pause, {}, {});
    assert.equal(await answers(another.pod), false);
    await killed(another);
    assert.equal(await answers(another.pod), true);
    assert.doesNotMatch(states(another.pod), /t/);
  });

  it('holds one container of several still, where they share their processes', async () => {
    const besides = { name: 'aside', image: IMAGE, command: ['sleep', '100000'] };
    const main = { name: 'main', image: IMAGE, command: ['sh', '-c', 'httpd -f -p 8080'] };
    const described = { spec: { shareProcessNamespace: true, containers: [main, besides] } };
    const still = await harmed(pause, { container: 'aside' }, described);
    assert.equal(states(still.pod).replaceAll(/[^t]/g, ''), 't');
    await healed(still);
    assert.doesNotMatch(states(still.pod), /t/);
    const why = await still.driver.unfit?.([still.pod.id], {});
    assert.deepEqual([...(why ?? [])], [[still.pod.id, 'it has several containers: say which `container`']]);
  });

  it('pods whom it cannot be done to are no candidates, with the reason', async () => {
    const pod = await pods.run(undefined, withVolume({ name: 'data', emptyDir: {} }));
    const why = async <Params>(factory: DriverFactory<Params>, params: unknown): Promise<string | undefined> => {
      const driver = open(factory);
      return (await driver.unfit?.([pod.id], driver.params.parse(params)))?.get(pod.id);
    };
    assert.match((await why(cpu, {})) ?? '', /no limit of processor time: say how many `workers`/);
    assert.equal(await why(cpu, { workers: 1 }), undefined);
    assert.match((await why(memory, { to: '80%' })) ?? '', /no memory limit: say an amount/);
    assert.equal(await why(memory, { to: '20MB' }), undefined);
    assert.match((await why(diskFill, { volume: 'data' })) ?? '', /its volume data has no sizeLimit/);
    assert.match((await why(diskFill, { volume: 'other' })) ?? '', /it has no volume other/);
    assert.match((await why(pause, { container: 'other' })) ?? '', /it has no container other/);
    const wide = await pods.run(undefined, { spec: { hostPID: true } });
    const driver = open(pause);
    assert.match((await driver.unfit?.([wide.id], {}))?.get(wide.id) ?? '', /hostPID/);
  });

  it('a namespace that lets in nothing with a privilege lets in all but the one that holds processes still', async () => {
    const restricted = await Pods.open(cluster);
    const label = 'pod-security.kubernetes.io/enforce';
    const securityContext = {
      ...{ runAsUser: 65_532, runAsNonRoot: true, allowPrivilegeEscalation: false },
      ...{ capabilities: { drop: ['ALL'] }, seccompProfile: { type: 'RuntimeDefault' } },
    };
    const pod = await restricted.run(undefined, { container: { command: ['sleep', '100000'], securityContext } });
    await cluster.kubectl('label', 'namespace', restricted.namespace, `${label}=restricted`);
    const why = async <Params>(factory: DriverFactory<Params>, params: Params): Promise<string | undefined> =>
      (await open(factory, restricted.settings).unfit?.([pod.id], params))?.get(pod.id);
    assert.equal(await why(cpu, { workers: 1, load: '10%' }), undefined);
    assert.equal(await why(memory, { rate: '1MB/s', to: '20MB' }), undefined);
    const said = `SYS_PTRACE is forbidden in namespace ${restricted.namespace} by its label ${label}: restricted`;
    assert.equal(await why(pause, {}), said);
  });

  it('needs what it says it needs, and nothing else', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'squall-stress-'));
    undo.defer(() => rm(folder, { recursive: true, force: true }));
    const exact = await Pods.open(cluster);
    await exact.deploy('exact', 2, withVolume(inMemory));
    const accounts = { cluster, namespace: exact.namespace, folder, section: { faultImage: FAULT_IMAGE } };
    const selector = { namespace: exact.namespace, owner: 'deployment/exact' };
    await exactly(accounts, 'kubernetes/pod-cpu', cpu, { workers: 1, load: '10%' }, selector);
    await exactly(accounts, 'kubernetes/pod-memory', memory, { rate: '1MB/s', to: '20MB' }, selector);
    await exactly(accounts, 'kubernetes/pod-disk-fill', diskFill, { volume: 'data' }, selector);
    await exactly(accounts, 'kubernetes/pod-pause', pause, {}, selector);
  });
});
