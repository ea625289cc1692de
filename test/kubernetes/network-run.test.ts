/** Network faults as a site has them: who may be a target, with which leave, and whole runs on pods of a real node. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { candidatesOf } from '../../activities/candidates.ts';
import { driver as partition } from '../../activities/faults/kubernetes/pod-partition.ts';
import type { FaultDriver, Site } from '../../activities/faults/driver.ts';
import { targets } from '../../activities/targets/kubernetes.ts';
import { pausing } from '../../bench/torture/experiment.ts';
import { Lane } from '../../bench/torture/lane.ts';
import { startRun } from '../../workers/start-run.ts';
import type { RunResult, Story } from '../../workflows/messages.ts';
import { until } from '../until.ts';
import { Cluster } from './cluster/cluster.ts';
import { exactly } from './exactly.ts';
import { FAULT_IMAGE, importFaultImage, whyNoFaultImage } from './fault-image.ts';
import { ATTEMPT, faultOn } from './nodes.ts';
import { Pods } from './running-pods.ts';
import type { RunningPod } from './running-pods.ts';

const TTL_MS = 30_000;

describe('network faults at a site', { skip: await whyNoFaultImage() }, () => {
  const undo = new AsyncDisposableStack();
  let cluster: Cluster;
  let pods: Pods;
  let folder: string;
  before(async () => {
    cluster = await Cluster.open({ node: true });
    undo.defer(() => cluster.close());
    await importFaultImage(cluster);
    pods = await Pods.open(cluster);
    folder = await mkdtemp(join(tmpdir(), 'squall-network-'));
    undo.defer(() => rm(folder, { recursive: true, force: true }));
  });
  after(() => undo.disposeAsync());

  it('needs what it says it needs, and nothing else', async () => {
    await pods.deploy('exact', 2);
    await pods.kubectl('expose', 'pod', 'peer', '--port=80', '--selector=app=exact');
    const accounts = { cluster, namespace: pods.namespace, folder, section: { faultImage: FAULT_IMAGE } };
    const written = { peers: [{ service: 'peer' }] };
    const slices = ['get', 'endpointslices', '-o', 'jsonpath={.items[*].endpoints[*].addresses}'];
    await until(async () => (await pods.kubectl(...slices)) !== '');
    const selector = { namespace: pods.namespace, owner: 'deployment/exact' };
    await exactly(accounts, 'kubernetes/pod-partition', partition, written, selector);
  });

  it('pods whom it cannot be done to are no candidates, with the reason', async () => {
    const guarded = await Pods.open(cluster);
    await guarded.deploy('guarded', 3);
    await pods.deploy('on-host', 3, { container: { command: ['sleep', '1000'] }, spec: { hostNetwork: true } });
    const label = 'pod-security.kubernetes.io/enforce';
    await cluster.kubectl('label', 'namespace', guarded.namespace, `${label}=baseline`);
    const siteOf = ({ settings }: Pods): Site => ({ name: 'lab', installation: 'lab', stateDir: '', settings });
    const driver = partition(siteOf(guarded));
    const excluded = async (within: Pods, app: string): Promise<string[]> => {
      const site = siteOf(within);
      const doing = { driver: partition(site) as FaultDriver<unknown>, params: {} };
      const selector = { labels: { app } };
      const candidates = await candidatesOf(targets(site), selector, undefined, doing, AbortSignal.timeout(60_000));
      if ('invalid' in candidates) throw new Error(candidates.invalid);
      return candidates.excluded.map(({ reason, count }) => `${count} ${reason}`);
    };
    const last = '1 the last ready replica of its owner';
    assert.deepEqual(await excluded(pods, 'on-host'), [last, '2 its network is its node’s (hostNetwork)']);
    assert.deepEqual(await excluded(guarded, 'guarded'), [
      last,
      `2 NET_ADMIN is forbidden in namespace ${guarded.namespace} by its label ${label}: baseline`,
    ]);
    const [pod = assert.fail('no pod')] = await guarded.deploy('asked', 1);
    const fault = faultOn(pod.id, { dns: false });
    const [outcome] = await driver.inject([fault], ATTEMPT);
    assert.match(`${outcome?.result} ${outcome?.detail}`, /failed NET_ADMIN is forbidden .* by its label .*: baseline/);
    assert.equal((await driver.revert([fault], ATTEMPT))[0]?.result, 'reverted');
    assert.deepEqual(await driver.verify([fault], ATTEMPT), ['absent']);
    await cluster.kubectl('label', '--overwrite', 'namespace', guarded.namespace, `${label}=privileged`);
    assert.deepEqual(await excluded(guarded, 'guarded'), [last]);
  });

  describe('in a whole run', () => {
    let lane: Lane;
    let running: RunningPod[];
    before(async () => {
      running = await pods.deploy('web', 4);
      const written = `kubeconfig: '${cluster.kubeconfig}', namespaces: [${pods.namespace}], faultImage: '${FAULT_IMAGE}'`;
      lane = new Lane(folder, 'network-run', { groups: [], sections: [`kubernetes: { ${written} }`] });
      await lane.up();
      undo.defer(() => lane.down());
    });

    /** How many of the pods do not reach their peer. */
    async function cut(): Promise<number> {
      const reached = await Promise.all(running.map((pod) => pods.reaches(pod)));
      return reached.filter((reaches) => !reaches).length;
    }
    const held = async (): Promise<string[]> =>
      (await pods.kubectl('get', 'pods', '-l', 'squall/network=held', '-o', 'name')).split('\n').filter(Boolean);
    async function start(id: string, stages: number[], holdMs: number): ReturnType<typeof startRun> {
      const base = pausing({ fault: 'kubernetes/pod-partition', group: '', seed: id, ttlMs: TTL_MS, stages, holdMs });
      const selector = { namespace: pods.namespace, labels: { app: 'web' } };
      const experiment = { ...base, with: {}, targets: { site: 'torture', selector } };
      return startRun(lane.client, id, { experiment, documentHash: '', startedBy: 'a test' });
    }

    it('pods are cut off stage by stage, held, and all of it is taken off', async () => {
      const handle = await start('staged', [1, 3], 15_000);
      await until(async () => (await cut()) === 1);
      await until(async () => (await cut()) === 3);
      const { status, deviated, reason } = (await handle.result()) as RunResult;
      assert.deepEqual([status, deviated], ['completed', false], reason);
      const { events } = await handle.query<Story, [number]>('story', 0);
      // Whichever form of it this kernel has: a partition needs no netem.
      const how = events.flatMap((event) => (event.type === 'stage-held' ? [event.how?.join()] : []));
      assert.match(
        how.join(' '),
        /^by nft-\w+ \(egress\), nft-drop \(ingress\) by nft-\w+ \(egress\), nft-drop \(ingress\)$/,
      );
      assert.deepEqual([await cut(), await held()], [0, []]);
      assert.deepEqual((await Promise.all(running.map((pod) => pods.added(pod)))).flat(), [0, 0, 0]);
      const told = 'reason=SquallPodPartition,involvedObject.kind=ReplicaSet';
      const messages = 'jsonpath={range .items[*]}{.message}{"\\n"}{end}';
      const said = await pods.kubectl('get', 'events', '--field-selector', told, '-o', messages);
      const harmed = said.match(/^Squall has put kubernetes\/pod-partition on pod web-\S+ for run staged of /gm) ?? [];
      assert.equal(new Set(harmed).size, 3, said);
    });

    it('ends by itself when the workers are killed with its run and its lease; the next worker clears away', async () => {
      const handle = await start('dying', [2], 600_000);
      const phase = async (): Promise<string> =>
        handle.query<Story, [number]>('story', 0).then(
          ({ state }) => state.phase,
          () => '',
        );
      await until(async () => (await phase()) === 'holding' && (await cut()) === 2);
      // The control worker sweeps too.
      await Promise.all([lane.kill('control'), lane.kill('site')]);
      await lane.client.workflow.getHandle('dying/stage-1').terminate('a test');
      await handle.terminate('a test');
      await until(async () => (await cut()) === 0, 'traffic flows although nobody is left');
      assert.equal((await held()).length, 2);
      await lane.start('site');
      await until(async () => (await held()).length === 0);
    });
  });
});
