/** The Chaos Monkey as it ships (`experiments/programs/monkey.yaml`), on pods that run: each of its faults, start to clean end. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { isGrpcDeadlineError } from '@temporalio/client';
import { openFileStore } from '../../activities/journal/file.ts';
import { Lane } from '../../bench/torture/lane.ts';
import { traces } from '../../bench/torture/pods/traces.ts';
import type { Live } from '../../bench/torture/pods/api.ts';
import { scheduledCadences } from '../../workers/schedules.ts';
import type { TickResult } from '../../workflows/messages.ts';
import { squall } from '../cli/squall.ts';
import { ROOT } from '../readme/blocks.ts';
import { until } from '../until.ts';
import { Cluster } from './cluster/cluster.ts';
import { FAULT_IMAGE, importFaultImage, whyNoFaultImage } from './fault-image.ts';
import { Pods } from './running-pods.ts';

const POOL = ['monkey-kill', 'monkey-latency', 'monkey-cpu', 'monkey-disk'] as const;
const SPOOL = {
  container: { volumeMounts: [{ name: 'spool', mountPath: '/spool' }] },
  spec: { volumes: [{ name: 'spool', emptyDir: { medium: 'Memory', sizeLimit: '8Mi' } }] },
};

const LABELS = ['enabled=enabled', 'identifier=pay', 'mtbf=1', 'kill-mode=fixed', 'kill-value=2'].map(
  (label) => `kube-monkey/${label}`,
);
/** Open at any time of this day and the next. */
const OPEN =
  "admission: { healthy: none, incidents: none, capacity: none, windows: { office: { timeZone: UTC, open: { mon-sun: '00:00-24:00' } } } }\n";

describe('the Chaos Monkey on pods', { skip: await whyNoFaultImage() }, () => {
  const undo = new AsyncDisposableStack();
  let pods: Pods;
  let lane: Lane;
  let env: Record<string, string>;
  /** The file, for this cluster, with holds that a test can wait for. */
  let text: string;
  before(async () => {
    const cluster = await Cluster.open({ node: true });
    undo.defer(() => cluster.close());
    await importFaultImage(cluster);
    pods = await Pods.open(cluster);
    await Promise.all([pods.deploy('payments', 6), pods.deploy('orders', 2, SPOOL)]);
    for (const labelled of ['deployment/payments', 'pods'])
      await pods.kubectl('label', labelled, ...(labelled === 'pods' ? ['-l', 'app=payments'] : []), ...LABELS);
    const orders = createServer((_, response) => response.end('{"orders":100}'));
    await new Promise<void>((resolve) => orders.listen(0, '127.0.0.1', resolve));
    undo.defer(() => new Promise<void>((resolve) => void orders.close(() => resolve())));
    const url = `http://127.0.0.1:${(orders.address() as AddressInfo).port}/`;
    const folder = await mkdtemp(join(tmpdir(), 'squall-monkey-'));
    undo.defer(() => rm(folder, { recursive: true, force: true }));
    const section = { kubeconfig: cluster.kubeconfig, namespaces: [pods.namespace], faultImage: FAULT_IMAGE };
    lane = new Lane(folder, 'monkey', {
      groups: [],
      sections: [`kubernetes: ${JSON.stringify(section)}`],
      configuration: OPEN,
      probes: `  orders: { type: http, url: '${url}', jsonPointer: /orders, unit: count }\n`,
    });
    undo.defer(() => lane.down());
    await lane.up();
    env = { TEMPORAL_ADDRESS: lane.address, SQUALL_CONFIG: lane.config, SQUALL_AS: 'alice' };
    const shipped = await readFile(join(ROOT, 'experiments', 'programs', 'monkey.yaml'), 'utf8');
    text = shipped
      .replaceAll('site: prod-eu, namespace: shop', `site: torture, namespace: ${pods.namespace}`)
      .replaceAll('every: 10m', 'every: 30d')
      .replaceAll(/hold: \w+/g, 'hold: 20s')
      .replaceAll('for: 30s', 'for: 5s');
  });
  after(() => undo.disposeAsync());

  async function schedule(...args: string[]): Promise<string> {
    const { code, out, err } = await squall(['schedule', ...args], env);
    assert.equal(code, 0, `${args.join(' ')}: ${out}${err}`);
    return out;
  }
  async function apply(program: string, document: string): Promise<void> {
    const path = join(lane.folder, `${program}.yaml`);
    await writeFile(path, document.replace('program: chaos-monkey', `program: ${program}`));
    await schedule('apply', path);
  }
  async function tick(program: string): Promise<TickResult> {
    await schedule('tick', program);
    let begun: string | undefined;
    await until(async () => {
      const cadences = await scheduledCadences(lane.client);
      begun = cadences.find((cadence) => cadence.program === program)?.ticks[0];
      return begun !== undefined;
    });
    const handle = lane.client.workflow.getHandle(begun ?? '');
    for (;;) {
      try {
        return (await handle.result()) as TickResult;
      } catch (error) {
        // A busy server may not say for a minute that there is nothing to be said yet.
        if (!isGrpcDeadlineError((error as Error).cause)) throw error;
      }
    }
  }

  it('says what it would do, and does nothing', async () => {
    await apply('dry', text.replace('dryRun: false', 'dryRun: true'));
    const { picked, run } = await tick('dry');
    assert.ok(new Set<string>(POOL).has(picked), picked);
    assert.equal(run, undefined);
  });

  it('hits a group by the labels of kube-monkey, as far as they say, and says when it is nobody’s turn', async () => {
    const shipped = await readFile(join(ROOT, 'experiments', 'programs', 'kube-monkey.yaml'), 'utf8');
    const groups = (day: string): string =>
      shipped
        .replaceAll('site: prod-eu, namespace: shop', `site: torture, namespace: ${pods.namespace}`)
        .replace('every: 10m', 'every: 30d')
        .replace('day: 8h', `day: ${day}`)
        .replace('hold: 1m', 'hold: 10s');
    const path = join(lane.folder, 'kube-monkey.yaml');
    await writeFile(path, groups('1000d'));
    await schedule('apply', path);
    const seldom = await tick('kube-monkey');
    if (seldom.run === undefined) assert.match(seldom.skipped ?? '', /nobody’s turn of 1 groups, the likeliest one/);
    await writeFile(path, groups('1h'));
    await schedule('apply', path);
    assert.match(await schedule('list'), /of groups by the labels of kube-monkey/);
    const { group, status, run = '' } = await tick('kube-monkey');
    assert.deepEqual([group, status], [`${pods.namespace}/payments`, 'completed']);
    const { events } = (await openFileStore(join(lane.folder, 'journal')).read(run)) ?? assert.fail();
    const opened = events.filter((event) => event.type === 'stage-opened');
    assert.deepEqual(
      opened.map(({ targets }) => targets.length),
      [2],
    );
  });

  it('does each of its faults, and leaves nothing', async () => {
    // One after the other: who is under a fault shuts the next one out.
    for (const name of POOL) {
      // A pool of one: who is picked is not left to chance here.
      const pool = new RegExp(`^ {6}- (?:experiment: )?${name}\\n(?: {8}.*\\n)?`, 'm').exec(text)?.[0] ?? '';
      await apply(name, text.replace(/^ {4}pool:\n(?: {6}.*\n)+/m, `    pool:\n${pool}`));
      const result = await tick(name);
      const { picked, status, deviated, drawn } = result;
      assert.deepEqual([picked, status, deviated], [name, 'completed', false], JSON.stringify(result));
      assert.deepEqual(Object.keys(drawn), name === 'monkey-latency' ? ['delay', 'jitter'] : []);
    }
    const { items } = JSON.parse(await pods.kubectl('get', 'pods', '-o', 'json')) as { items: Live[] };
    assert.deepEqual(items.flatMap(traces), []);
    const told = await pods.kubectl('get', 'events', '-o', 'jsonpath={.items[*].reason}');
    for (const reason of ['SquallPodKill', 'SquallPodLatency', 'SquallPodCpu', 'SquallPodDiskFill'])
      assert.ok(told.includes(reason), `no event ${reason}: ${told}`);
  });
});
