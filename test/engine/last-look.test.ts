/** The last look before a revert: of many targets it takes long, and whoever looks is heard of meanwhile. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { MockActivityEnvironment } from '@temporalio/testing';
import { driver as noop } from '../../activities/faults/noop/noop.ts';
import { revert } from '../../activities/lease.ts';
import type { FaultBatch } from '../../activities/interface.ts';
import { leaseTiming } from '../../domain/timing.ts';
import { until } from '../until.ts';

const BATCH: FaultBatch = {
  run: 'r',
  lease: 'r/stage-1',
  kind: 'noop/noop',
  targets: ['a'],
  params: {},
  notAfterMs: 600_000,
  timing: leaseTiming(1),
};

test('a last look that is slow beats, and is not taken for lost', async () => {
  const stateDir = await mkdtemp(join(tmpdir(), 'squall-look-'));
  try {
    const slow = noop({ name: 'here', installation: 'any', stateDir, settings: {} });
    const before: string[] = [];
    const env = new MockActivityEnvironment({ startToCloseTimeoutMs: 600_000, heartbeatTimeoutMs: 300 });
    env.on('heartbeat', () => before.push('beat'));
    const [renew, off] = [slow.renew?.bind(slow), slow.revert.bind(slow)];
    slow.renew = async (faults, attempt) => {
      // As slow as it takes to be heard of three times meanwhile.
      await until(() => before.length >= 3);
      return (await renew?.(faults, attempt)) ?? [];
    };
    slow.revert = async (faults, attempt) => {
      before.push('revert');
      return off(faults, attempt);
    };
    await env.run(() => revert(BATCH, null, slow, 'any', { isOpen: async () => null, wants: async () => 'yes' }, true));
    const beats = before.indexOf('revert');
    assert.ok(beats >= 3, before.join());
  } finally {
    await rm(stateDir, { recursive: true });
  }
});
