/** The janitor: a Schedule that a site worker makes, and the sweep that it asks for. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Ledger } from '../../activities/faults/ledger.ts';
import type { SweepReport } from '../../activities/interface.ts';
import { Lane } from '../../bench/torture/lane.ts';
import { recordAs } from '../replay/record.ts';
import { until } from '../until.ts';

describe('the janitor', () => {
  let folder: string;
  let lane: Lane;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'squall-janitor-'));
    lane = new Lane(folder, 'janitor', { groups: ['any'] });
    await lane.up();
  });
  after(async () => {
    await lane.down();
    await rm(folder, { recursive: true, force: true });
  });

  it('sweeps the site when its Schedule says so, and has one Schedule however often a worker starts', async () => {
    await lane.kill('site');
    await lane.start('site');
    const schedules = await Array.fromAsync(lane.client.schedule.list(), ({ scheduleId }) => scheduleId);
    assert.deepEqual(schedules, ['janitor-torture']);
    // A fault that has its time, so that a sweep finds it and leaves it.
    const ledger = new Ledger(lane.state);
    const times = { ttlMs: 600_000, notAfterMs: 600_000 };
    const fault = { id: 'run/stage-1/any', installation: 'janitor', run: 'run', target: 'any', params: {}, ...times };
    ledger.claim('noop/noop', [{ fault, resource: 'any', undo: {} }]);
    ledger.close();
    const handle = lane.client.schedule.getHandle('janitor-torture');
    await handle.trigger();
    let started = '';
    await until(async () => {
      const { info } = await handle.describe();
      started = info.recentActions[0]?.action.workflow.workflowId ?? '';
      return started !== '';
    }, 'the schedule has started a sweep');
    const report = (await lane.client.workflow.getHandle(started).result()) as SweepReport;
    assert.deepEqual(report, { found: 1, reverted: [], failed: [] });
    await recordAs(lane.client, started, 'sweep.janitor');
  });
});
