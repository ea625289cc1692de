/** Faults of a pod's network on a real node: what each does to real traffic, what ends it, and what it must leave alone. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sweep } from '../../activities/sweep.ts';
import type { DriverFactory, FaultDriver } from '../../activities/faults/driver.ts';
import { driver as bandwidth } from '../../activities/faults/kubernetes/pod-bandwidth.ts';
import { driver as corrupt } from '../../activities/faults/kubernetes/pod-corrupt.ts';
import { driver as dns } from '../../activities/faults/kubernetes/pod-dns.ts';
import { driver as latency } from '../../activities/faults/kubernetes/pod-latency.ts';
import { driver as loss } from '../../activities/faults/kubernetes/pod-loss.ts';
import { driver as partition } from '../../activities/faults/kubernetes/pod-partition.ts';
import type { Fault } from '../../domain/fault.ts';
import { until } from '../until.ts';
import { Cluster } from './cluster/cluster.ts';
import { FAULT_IMAGE, importFaultImage, onNode, whyNoFaultImage } from './fault-image.ts';
import { ATTEMPT, faultOn } from './nodes.ts';
import { serveNames } from './name-server.ts';
import { Pods } from './running-pods.ts';
import type { RunningPod } from './running-pods.ts';

const TTL_MS = 3_000;
const CTR = ['ctr', '-a', '/run/squall/containerd.sock', '-n', 'k8s.io'];

describe('faults of a pod’s network on a real node', { skip: await whyNoFaultImage() }, () => {
  let cluster: Cluster;
  let pods: Pods;
  before(async () => {
    cluster = await Cluster.open({ node: true });
    await importFaultImage(cluster);
    pods = await Pods.open(cluster);
  });
  after(() => cluster.close());

  function open<Params>(driver: DriverFactory<Params>, faultImage = FAULT_IMAGE): FaultDriver<Params> {
    const kubernetes = { ...(pods.settings['kubernetes'] as object), faultImage };
    return driver({ name: 'lab', installation: 'lab', stateDir: '', settings: { kubernetes } });
  }
  const first = <T>([outcome]: readonly T[]): T => outcome ?? assert.fail('no outcome');

  /** A pod with a fault on it, `params` as an author writes them. */
  async function harmed<Params>(
    factory: DriverFactory<Params>,
    params: unknown,
    change: Partial<Fault<Params>> = {},
  ): Promise<{ pod: RunningPod; driver: FaultDriver<Params>; fault: Fault<Params> }> {
    const pod = await pods.run();
    const driver = open(factory);
    const fault = faultOn(pod.id, driver.params.parse(params), change);
    const { result, detail } = first(await driver.inject([fault], ATTEMPT));
    assert.equal(result, 'injected', detail);
    return { pod, driver, fault };
  }

  /** Reverts, and sees that nothing is left but containers that have ended. */
  async function healed({ pod, driver, fault }: Awaited<ReturnType<typeof harmed>>): Promise<void> {
    const { result, detail } = first(await driver.revert([fault], ATTEMPT));
    assert.equal(result, 'reverted', detail);
    assert.deepEqual(await driver.verify([fault], ATTEMPT), ['absent']);
    assert.equal(rulesIn(pod), '');
    assert.equal(await pods.answersAll(pod, 20), true);
  }

  /** The rules and queueing disciplines of ours in a pod's network, as the kernel tells them. */
  function rulesIn({ ip }: RunningPod): string {
    const found = `for n in /run/netns/*; do nsenter --net=$n ip -4 addr | grep -q '${ip}/' && nsenter --net=$n nft list tables | grep squall; nsenter --net=$n ip -4 addr | grep -q '${ip}/' && nsenter --net=$n tc qdisc | grep -w htb; done; true`;
    return onNode(cluster, ['sh', '-c', found]);
  }

  /** Kills the program of the only container that was added to a pod, or its own. */
  async function kill(pod: RunningPod, which: 'containerStatuses' | 'ephemeralContainerStatuses'): Promise<void> {
    let id = '';
    // A pod says what runs in it a little later than it does.
    await until(async () => {
      const [container] = ((await pods.pod(pod)).status?.[which] ?? []) as { containerID?: string }[];
      return (id = container?.containerID?.replace('containerd://', '') ?? '') !== '';
    });
    onNode(cluster, [...CTR, 'task', 'kill', '-s', 'SIGKILL', id]);
  }

  it('delays what a pod sends', async () => {
    const delayed = await harmed(latency, { delay: '150ms', jitter: '20ms', correlation: '25%' });
    const { received, fastestMs = 0 } = await pods.ping(delayed.pod, 10, pods.peer, 3);
    assert.equal(received, 10);
    assert.ok(fastestMs >= 130, `${fastestMs}`);
    await healed(delayed);
  });

  it('damages a share of the packets, which do not arrive as they were', async () => {
    const damaged = await harmed(corrupt, { corruption: '50%' });
    const { received } = await pods.ping(damaged.pod, 60);
    assert.ok(received > 5 && received < 55, `${received}`);
    await healed(damaged);
  });

  it('leaves no more than a rate', async () => {
    // A burst of a second and a tenth passes: of 700 kB so much is left that it takes more than a second at 312 kB/s.
    const limited = await harmed(bandwidth, { rate: '2500kbit', direction: 'ingress' });
    const tookMs = await pods.fetchMs(limited.pod);
    assert.ok(tookMs > 1_000, `${tookMs}`);
    await healed(limited);
  });

  it('keeps a pod from resolving names, some or all, in each of its ways, and from nothing else', async () => {
    const server = await pods.run();
    await using undo = new AsyncDisposableStack();
    undo.use(await serveNames(cluster, server));
    const refused = await harmed(dns, { answer: 'refused', names: ['*.example.org'] });
    const { pod } = refused;
    assert.equal(await pods.asks(pod, server, 'shop.example.org'), 'refused');
    assert.equal(await pods.asks(pod, server, 'example.com'), 'resolved');
    await healed(refused);
    assert.equal(await pods.asks(pod, server, 'shop.example.org'), 'resolved');
    assert.equal(await pods.codeOverTcp(pod, server), 0);
    const again = async (params: unknown, work: () => Promise<void>): Promise<void> => {
      const driver = open(dns);
      const fault = faultOn(pod.id, driver.params.parse(params));
      const { result, detail } = first(await driver.inject([fault], ATTEMPT));
      assert.equal(result, 'injected', detail);
      await work();
      assert.equal(await pods.reaches(pod, server), true);
      await healed({ pod, driver, fault });
    };
    await again({ answer: 'refused' }, async () => assert.equal(await pods.codeOverTcp(pod, server), 5));
    await again({}, async () => {
      assert.equal(await pods.asks(pod, server, 'example.org', 1), 'none');
      assert.equal(await pods.codeOverTcp(pod, server, 1), 'none');
    });
    await again({ answer: 'late', delay: '3s' }, async () => {
      assert.equal(await pods.asks(pod, server, 'example.org', 1), 'none');
      assert.equal(await pods.asks(pod, server, 'example.org', 20), 'resolved');
    });
    await again({ peers: [pods.peer.ip] }, async () =>
      assert.equal(await pods.asks(pod, server, 'example.org'), 'resolved'),
    );
  });

  it('cuts a pod off from a service, from its ports or others, and from nobody else', async () => {
    const [served, other] = [await pods.run('served', { labels: { app: 'served' } }), await pods.run()];
    await pods.kubectl('expose', 'pod', 'served', '--port=80', '--target-port=8080', '--selector=app=served');
    await until(async () =>
      (await pods.kubectl('get', 'endpointslices', '-o', 'jsonpath={.items[*].endpoints[*].addresses}')).includes(
        served.ip,
      ),
    );
    const cut = await harmed(partition, { peers: [{ service: 'served' }] });
    assert.equal(await pods.reaches(cut.pod, served), false);
    assert.equal(await pods.reaches(cut.pod, other), true);
    await healed(cut);
    const unharmed = await harmed(partition, { peers: [{ service: 'served' }], ports: [9_999] });
    assert.equal(await pods.reaches(unharmed.pod, served), true);
    await healed(unharmed);
    const { result, detail } = first(
      await open(partition).inject([faultOn(other.id, { peers: [{ service: 'nobody' }], dns: false })], ATTEMPT),
    );
    assert.match(`${result} ${detail}`, /failed there is no service nobody/);
  });

  it('leaves a pod alone from which a kubelet has answers, and the answers come', async () => {
    const probe = { httpGet: { path: '/bytes', port: 8080 }, periodSeconds: 1, failureThreshold: 3 };
    const pod = await pods.run('probed', { container: { readinessProbe: probe, livenessProbe: probe } });
    const driver = open(partition);
    const fault = faultOn(pod.id, { dns: false });
    await driver.inject([fault], ATTEMPT);
    assert.equal(await pods.reaches(pod), false);
    // Many probes of each kind, three of which would have been enough: one may be late on a busy machine.
    await new Promise((resolve) => setTimeout(resolve, 15_000));
    const statuses = (await pods.pod(pod)).status?.['containerStatuses'] as { ready: boolean; restartCount: number }[];
    assert.deepEqual(
      statuses.map(({ ready, restartCount }) => [ready, restartCount]),
      [[true, 0]],
    );
    await healed({ pod, driver, fault });
  });

  it('is ended by the kernel when its program is killed; another container takes off what is left', async () => {
    const cut = await harmed(partition, {}, { ttlMs: 4 * TTL_MS });
    const { pod, driver, fault } = cut;
    await kill(pod, 'ephemeralContainerStatuses');
    await until(async () => await pods.reaches(pod), 'traffic flows although nobody is left to revert');
    assert.notEqual(rulesIn(pod), '', 'what does not act any more is there');
    assert.equal(first((await driver.renew?.([fault], ATTEMPT)) ?? []).result, 'lapsed');
    assert.deepEqual(await driver.verify([fault], ATTEMPT), ['unknown']);
    await healed(cut);
    assert.deepEqual(await pods.added(pod), [137, 0]);
  });

  it('stays on when the pod’s own container is restarted, and is taken off as ever', async () => {
    const cut = await harmed(partition, {});
    await kill(cut.pod, 'containerStatuses');
    await until(
      async () =>
        (await pods.kubectl(
          'get',
          'pod',
          cut.pod.name,
          '-o',
          'jsonpath={.status.containerStatuses[0].restartCount}/{.status.containerStatuses[0].ready}',
        )) === '1/true',
    );
    assert.equal(await pods.reaches(cut.pod), false);
    await healed(cut);
  });

  it('is not the fault of a pod that comes by the same name', async () => {
    const { pod, driver, fault } = await harmed(partition, {});
    await pods.remove(pod);
    const next = await pods.run(pod.name);
    assert.equal(first((await driver.renew?.([fault], ATTEMPT)) ?? []).result, 'gone');
    assert.equal(first(await driver.revert([fault], ATTEMPT)).result, 'absent');
    assert.equal(first(await driver.inject([fault], ATTEMPT)).result, 'gone');
    assert.equal(await pods.isUntouched(next), true);
    assert.equal(await pods.reaches(next), true);
  });

  it('is cleared away by the sweep, once nobody renews it', async () => {
    const { pod, driver, fault } = await harmed(loss, { loss: '100%' }, { ttlMs: TTL_MS });
    await until(async () => (await sweep([driver], ATTEMPT)).reverted.includes(fault.id));
    assert.equal(await pods.reaches(pod), true);
    const { labels = {}, annotations = {} } = (await pods.pod(pod)).metadata;
    assert.deepEqual(Object.keys(labels), ['squall/network']);
    assert.deepEqual(Object.keys(annotations), ['squall/network-ended']);
    const fences = JSON.parse(annotations['squall/network-ended'] ?? '{}') as Record<string, number>;
    const old = Object.fromEntries(Object.entries(fences).map(([key, atMs]) => [key, atMs - 3_600_000]));
    await pods.kubectl('annotate', '--overwrite', 'pod', pod.name, `squall/network-ended=${JSON.stringify(old)}`);
    await sweep([driver], ATTEMPT);
    assert.equal(await pods.isUntouched(pod), true);
  });

  it('is not put on by a container whose image comes when the fault was reverted', async () => {
    const name = 'squall.test/late:1';
    const pod = await pods.run();
    const driver = open(partition, name);
    const fault = faultOn(pod.id, { dns: false });
    const { result, detail } = first(await driver.inject([fault], ATTEMPT));
    assert.match(`${result} ${detail}`, /failed its container cannot start: (?:ErrImagePull|ImagePullBackOff)/);
    assert.equal(first(await driver.revert([fault], ATTEMPT)).result, 'reverted');
    await importFaultImage(cluster, name);
    await until(
      async () => (await pods.added(pod))[0] === 2,
      'it starts after all, and ends as one that is told nothing',
    );
    assert.equal(rulesIn(pod), '');
    assert.deepEqual(await driver.verify([fault], ATTEMPT), ['absent']);
  });

  it('inject and revert at the same time leave nothing, whoever comes first', async () => {
    const targets = await Promise.all(Array.from({ length: 8 }, () => pods.run()));
    const driver = open(partition);
    const faults = targets.map(({ id }) => faultOn(id, { dns: false }));
    await Promise.all(
      faults.map(async (fault, i) => {
        const reverting = new Promise((resolve) => setTimeout(resolve, i * 100)).then(() =>
          driver.revert([fault], ATTEMPT),
        );
        await Promise.all([driver.inject([fault], ATTEMPT), reverting]);
      }),
    );
    await until(async () => (await driver.verify(faults, ATTEMPT)).every((found) => found === 'absent'));
    for (const pod of targets) assert.equal(rulesIn(pod), '', pod.name);
  });

  it('is not put on a pod that has its node’s network', async () => {
    const pod = await pods.run('on-host', { spec: { hostNetwork: true }, container: { command: ['sleep', '1000'] } });
    const { result, detail } = first(await open(partition).inject([faultOn(pod.id, { dns: false })], ATTEMPT));
    assert.match(`${result} ${detail}`, /failed .*hostNetwork/);
    assert.equal(await pods.isUntouched(pod), true);
  });
});
