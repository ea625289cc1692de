/** What a pod may have, read from how it is described; and what authors may ask of burdens. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { amountOf, limitOf } from '../../activities/faults/kubernetes/in-pod/limit.ts';
import { podSchema } from '../../activities/faults/kubernetes/in-pod/pod.ts';
import type { Pod } from '../../activities/faults/kubernetes/in-pod/pod.ts';
import { driver as cpu } from '../../activities/faults/kubernetes/pod-cpu.ts';
import { driver as diskFill } from '../../activities/faults/kubernetes/pod-disk-fill.ts';
import { driver as memory } from '../../activities/faults/kubernetes/pod-memory.ts';

const SITE = { name: 'lab', installation: 'lab', stateDir: '', settings: {} };

function pod(spec: Readonly<Record<string, unknown>>): Pod {
  return podSchema.parse({ metadata: { name: 'a', uid: 'b', resourceVersion: '1' }, spec });
}
const container = (memory?: string, restartPolicy?: string): object => ({
  name: 'c',
  ...(restartPolicy === undefined ? {} : { restartPolicy }),
  resources: memory === undefined ? {} : { limits: { memory } },
});

describe('a limit', () => {
  it('is read as the API server writes it', () => {
    const amounts = { '500m': 0.5, '2': 2, '1.5': 1.5, '64Mi': 67_108_864, '1e3': 1_000, '2E': 2e18, '1k': 1_000 };
    for (const [written, amount] of Object.entries(amounts)) assert.equal(amountOf(written), amount, written);
    for (const written of ['', 'Mi', '-1', '1 Gi', '1Zi', 'constructor', '0x10', '1toString'])
      assert.equal(amountOf(written), undefined, written);
  });

  it('is the whole pod’s, and is there only where nothing is without one', () => {
    assert.equal(limitOf(pod({ containers: [container('1M'), container('2M')] }), 'memory'), 3e6);
    assert.equal(limitOf(pod({ containers: [container('1M'), container()] }), 'memory'), undefined);
    assert.equal(limitOf(pod({ containers: [container('1M'), container('0')] }), 'memory'), undefined);
    assert.equal(limitOf(pod({}), 'memory'), undefined);
    const before = [container('1M'), container('4M', 'Always')];
    assert.equal(limitOf(pod({ containers: [container('1M')], initContainers: before }), 'memory'), 5e6);
    const unlimited = [container(undefined), container('4M', 'Always')];
    assert.equal(limitOf(pod({ containers: [container('1M')], initContainers: unlimited }), 'memory'), undefined);
    const beside = [container(undefined, 'Always')];
    assert.equal(limitOf(pod({ containers: [container('1M')], initContainers: beside }), 'memory'), undefined);
    const whole = { resources: { limits: { memory: '9M' } }, containers: [container()] };
    assert.equal(limitOf(pod(whole), 'memory'), 9e6);
  });
});

describe('a burden', () => {
  it('has bounds', () => {
    const takes = (factory: typeof cpu | typeof memory | typeof diskFill, written: unknown): boolean =>
      factory(SITE).params.safeParse(written).success;
    for (const written of [{}, { workers: 4, load: '90%' }, { load: '1%' }]) assert.ok(takes(cpu, written));
    for (const written of [{ workers: 0 }, { workers: 257 }, { load: '0%' }, { load: '101%' }, { load: '90' }])
      assert.ok(!takes(cpu, written), JSON.stringify(written));
    for (const written of [
      { to: '80%' },
      { to: '95%', rate: '10MB/s' },
      { to: '400MB' },
      { to: '1GiB', rate: '1kB/s' },
    ])
      assert.ok(takes(memory, written), JSON.stringify(written));
    for (const written of [{}, { to: '96%' }, { to: '0%' }, { to: '400' }, { to: '1kB' }, { to: '80%', rate: '10MB' }])
      assert.ok(!takes(memory, written), JSON.stringify(written));
    for (const written of [{ volume: 'data' }, { volume: 'data', to: '95%' }]) assert.ok(takes(diskFill, written));
    for (const written of [{}, { volume: '../etc' }, { volume: 'data', to: '96%' }, { volume: 'data', to: '8MB' }])
      assert.ok(!takes(diskFill, written), JSON.stringify(written));
  });
});
