import { after, describe, test } from 'node:test';
import { conformance } from '../../activities/faults/conformance.ts';
import { Cluster, whyNoCluster } from '../kubernetes/cluster/cluster.ts';
import { drainedNodes } from './drained-nodes.ts';
import { killedPods } from './killed-pods.ts';
import { base64, objectLab } from './objects.ts';
import type { Objects } from './objects.ts';
import { cutPods } from './policies.ts';
import { restartedDeployments } from './restarted-deployments.ts';
import { zonedNodes } from './zoned-nodes.ts';

const SKIP = await whyNoCluster();
if (SKIP !== false) test('Kubernetes faults on a real cluster', { skip: SKIP }, () => undefined);
else {
  const cluster = await Cluster.open();
  after(() => cluster.close());
  const on = (objects: Objects): void => conformance(`kubernetes/${objects.fault}`, () => objectLab(cluster, objects));
  // Most of it is waiting.
  void describe('Kubernetes faults on a real cluster, side by side', { concurrency: 3 }, () => {
    on({
      fault: 'node-cordon',
      params: {},
      kind: 'node',
      harmed: ({ spec }) => spec?.['unschedulable'] === true,
    });
    on({
      fault: 'node-taint',
      params: { key: 'lab/fault', value: 'here', effect: 'PreferNoSchedule' },
      kind: 'node',
      harmed: ({ spec }) => JSON.stringify(spec?.['taints'] ?? []).includes('lab/fault'),
    });
    on({
      fault: 'scale',
      params: { to: '40%' },
      kind: 'deployment',
      harmed: ({ spec }) => spec?.['replicas'] === 1,
    });
    on({
      fault: 'config-change',
      params: { key: 'url', value: 'http://nowhere' },
      kind: 'configmap',
      harmed: ({ data }) => data?.['url'] !== 'http://a',
    });
    on({
      fault: 'config-change',
      params: { key: 'url', value: null },
      kind: 'secret',
      harmed: ({ data }) => data?.['url'] !== base64('http://a'),
    });
    conformance('kubernetes/node-drain', () => drainedNodes(cluster));
    conformance('kubernetes/rollout-restart', () => restartedDeployments(cluster));
    conformance('kubernetes/zone-outage', () => zonedNodes(cluster));
    conformance('kubernetes/network-policy-partition', () => cutPods(cluster));
    conformance('kubernetes/pod-kill', () => killedPods(cluster, {}));
    conformance('kubernetes/pod-kill, without asking a budget', () =>
      killedPods(cluster, { mode: 'delete', gracePeriod: '2s' }),
    );
  });
}
