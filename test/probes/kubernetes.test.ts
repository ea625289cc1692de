/** The `kubernetes` probe on a real cluster: each measure follows what happens there, and what is not there is no data. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { replicasOf, workloadStatus } from '../../activities/probes/kubernetes-objects.ts';
import { openProbes, probesSchema } from '../../activities/probes/registry.ts';
import type { Reading } from '../../domain/probe.ts';
import { Cluster, whyNoCluster } from '../kubernetes/cluster/cluster.ts';
import type { KubernetesObject } from '../kubernetes/cluster/cluster.ts';
import { until } from '../until.ts';

const SKIP = await whyNoCluster();
/** A namespace of this test's own. */
const NAMESPACE = 'squall-probes';

describe('probes of a real cluster', { skip: SKIP }, () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await Cluster.open();
    await cluster.kubectl('create', 'namespace', NAMESPACE);
  });
  after(async () => {
    await cluster.kubectl('delete', 'namespace', NAMESPACE, '--wait=false');
    await cluster.close();
  });

  const read = async (settings: Readonly<Record<string, unknown>>, unit = 'count'): Promise<Reading> => {
    const entry = { type: 'kubernetes', unit, timeout: '10s', kubeconfig: cluster.kubeconfig, ...settings };
    const { probe } = openProbes({ probe: probesSchema.parse({ probe: entry })['probe'] as never }).get('probe') as {
      probe: { read(signal: AbortSignal): Promise<Reading> };
    };
    return probe.read(new AbortController().signal);
  };
  const reads = async (settings: Readonly<Record<string, unknown>>, value: number, unit?: string): Promise<void> =>
    assert.deepEqual(await read(settings, unit), { ok: true, value });
  const noData = async (settings: Readonly<Record<string, unknown>>, why: RegExp): Promise<void> => {
    const found = await read(settings);
    assert.ok(!found.ok, JSON.stringify(found));
    assert.match(found.why, why);
  };
  const make = async (object: Omit<KubernetesObject, 'metadata'>, name: string, labels = {}): Promise<void> => {
    await cluster.create({ ...object, metadata: { name, namespace: NAMESPACE, labels } });
  };
  const set = (kind: string, name: string, status: object): Promise<string> => {
    const patch = JSON.stringify({ status });
    return cluster.kubectl('patch', kind, name, '-n', NAMESPACE, '--subresource=status', '--type=merge', '-p', patch);
  };
  const pod = (name: string, status: Record<string, unknown>): Promise<void> =>
    make({ apiVersion: 'v1', kind: 'Pod', spec: { containers: [{ name: 'app', image: 'none' }] }, status }, name, {
      app: 'web',
    });

  it('replicas: those that are ready, and their share; a status of an earlier generation is no data', async () => {
    await cluster.kubectl('create', 'deployment', 'shop', '--image=none', '--replicas=4', '-n', NAMESPACE);
    const ready = { measure: 'ready-replicas', namespace: NAMESPACE, of: 'deployment/shop' };
    await until(async () => (await read(ready)).ok);
    await reads(ready, 0);
    const pods = async (): Promise<string[]> => {
      const listed = await cluster.kubectl('get', 'pods', '-l', 'app=shop', '-n', NAMESPACE, '-o', 'name');
      return listed.trim().split('\n');
    };
    await until(async () => (await pods()).length === 4);
    const at = new Date().toISOString();
    for (const name of (await pods()).slice(0, 3))
      await set('pod', name.replace('pod/', ''), {
        phase: 'Running',
        conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: at }],
      });
    await until(async () => {
      const found = await read(ready);
      return found.ok && found.value === 3;
    });
    await reads({ ...ready, measure: 'ready-share' }, 0.75, 'ratio');
    await noData({ ...ready, of: 'deployment/shap' }, /^there is no deployment\/shap$/);
    await noData({ ...ready, namespace: 'nowhere' }, /^there is no deployment\/shop$/);
  });

  it('pods by phase, and how often their containers were started again', async () => {
    const state = (restartCount: number): Record<string, unknown> => ({
      containerStatuses: [{ name: 'app', image: 'none', imageID: '', ready: true, restartCount }],
    });
    await pod('web-1', { phase: 'Running', ...state(2) });
    await pod('web-2', { phase: 'Running', ...state(5) });
    await pod('web-3', { phase: 'Failed' });
    const web = { namespace: NAMESPACE, labels: { app: 'web' } };
    await reads({ measure: 'pods', ...web, phase: 'Running' }, 2);
    await reads({ measure: 'pods', ...web, phase: 'Failed' }, 1);
    await reads({ measure: 'pods', ...web }, 3);
    await reads({ measure: 'restarts', ...web }, 7);
    await noData({ measure: 'restarts', ...web, labels: { app: 'wbe' } }, /^no pod matches$/);
    await noData({ measure: 'pods', namespace: 'nowhere' }, /^no pod matches$/);
  });

  it('events of late, by the server’s clock', async () => {
    const event = (name: string, agoMs: number): Promise<KubernetesObject> => {
      const at = new Date(Date.now() - agoMs).toISOString().replace(/\.\d+Z/, 'Z');
      return cluster.create({
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name, namespace: NAMESPACE },
        involvedObject: { kind: 'Pod', name: 'web-1', namespace: NAMESPACE },
        reason: 'BackOff',
        type: 'Warning',
        message: 'Back-off restarting failed container',
        firstTimestamp: at,
        lastTimestamp: at,
        count: 40,
      } as never);
    };
    await event('late', 5_000);
    await event('early', 3_600_000);
    const backOff = { measure: 'events', namespace: NAMESPACE, reason: 'BackOff' };
    await reads(backOff, 1);
    await reads({ ...backOff, since: '2h' }, 2);
    await reads({ ...backOff, kind: 'Normal' }, 0);
    await noData({ ...backOff, namespace: 'nowhere' }, /^there is no namespace nowhere$/);
  });

  it('nodes by what their condition says', async () => {
    const names = ['squall-probes-1', 'squall-probes-2'];
    try {
      for (const [i, name] of names.entries())
        await cluster.create({
          apiVersion: 'v1',
          kind: 'Node',
          metadata: { name, labels: { squall: 'probes' } },
          status: { conditions: [{ type: 'Ready', status: i === 0 ? 'True' : 'Unknown' }] },
        });
      const labels = { squall: 'probes' };
      await reads({ measure: 'nodes', labels }, 1);
      await reads({ measure: 'nodes', labels, is: 'Unknown' }, 1);
      await reads({ measure: 'nodes', labels, condition: 'DiskPressure', is: 'True' }, 0);
      await noData({ measure: 'nodes', labels: { squall: 'probe' } }, /^no node matches$/);
    } finally {
      await cluster.kubectl('delete', 'node', ...names, '--ignore-not-found');
    }
  });

  it('an autoscaler, and the endpoints of a service', async () => {
    await cluster.kubectl('autoscale', 'deployment', 'shop', '--min=1', '--max=9', '--cpu-percent=50', '-n', NAMESPACE);
    const scaler = { namespace: NAMESPACE, of: 'shop' };
    // Its own controller says that it can.
    await until(async () => {
      const able = await read({ measure: 'autoscaler-condition', ...scaler, condition: 'AbleToScale' });
      return able.ok && able.value === 1;
    });
    await until(async () => {
      await set('hpa', 'shop', { desiredReplicas: 7, currentReplicas: 4 });
      const desired = await read({ measure: 'autoscaler-replicas', ...scaler });
      return desired.ok && desired.value === 7;
    });
    await noData({ measure: 'autoscaler-condition', ...scaler, condition: 'Scaling' }, /^it has no condition Scaling$/);
    await noData(
      { measure: 'autoscaler-replicas', ...scaler, of: 'shap' },
      /^there is no horizontalpodautoscaler\/shap$/,
    );

    await make({ apiVersion: 'v1', kind: 'Service', spec: { ports: [{ port: 80 }], clusterIP: 'None' } }, 'front');
    await reads({ measure: 'endpoints', namespace: NAMESPACE, of: 'front' }, 0);
    const slice = {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      addressType: 'IPv4',
      endpoints: [
        { addresses: ['10.1.0.1'], conditions: { ready: true } },
        { addresses: ['10.1.0.2'], conditions: { ready: false } },
        { addresses: ['10.1.0.3'] },
      ],
      ports: [{ port: 80 }],
    };
    await make(slice, 'front-1', { 'kubernetes.io/service-name': 'front' });
    await reads({ measure: 'endpoints', namespace: NAMESPACE, of: 'front' }, 2);
    await noData({ measure: 'endpoints', namespace: NAMESPACE, of: 'frnt' }, /^there is no service\/frnt$/);
  });

  it('a cluster that cannot be asked is no data, in time', async () => {
    await noData({ measure: 'nodes', kubeconfig: '/nowhere/config' }, /no such file|ENOENT/);
  });
});

it('a status that no controller has written since the last change is no data', () => {
  const status = (observedGeneration: number): Reading =>
    replicasOf(
      workloadStatus.parse({ metadata: { generation: 3 }, spec: {}, status: { observedGeneration, readyReplicas: 1 } }),
    );
  assert.equal(status(3).ok, true);
  assert.equal(status(2).ok, false);
});

const wrong = (settings: Readonly<Record<string, unknown>>, unit = 'count'): string =>
  probesSchema
    .safeParse({ probe: { type: 'kubernetes', unit, ...settings } })
    .error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
    .join('; ') ?? '';

it('settings that cannot be meant are refused', () => {
  const of = 'deployment/shop';
  assert.match(wrong({ measure: 'ready-share', namespace: 'shop', of }), /unit: ready-share is a ratio/);
  assert.match(wrong({ measure: 'ready-replicas', namespace: 'shop', of: 'shop' }), /of: expected deployment\/NAME/);
  assert.match(wrong({ measure: 'ready-replicas', namespace: '../shop', of }), /namespace: expected the name/);
  assert.match(wrong({ measure: 'pods', namespace: 'shop', of }), /probe: /);
  assert.notEqual(wrong({ measure: 'podz', namespace: 'shop' }), '');
});
