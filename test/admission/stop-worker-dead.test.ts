/** The emergency stop with workers dead: it is latched all the same, and whoever comes up first ends the runs and lets nobody in. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import type { Lane } from '../../bench/torture/lane.ts';
import { readLatch } from '../../activities/admission/stop.ts';
import { until } from '../until.ts';
import { StopScenes, wasTold } from './stop-scenes.ts';
import type { Ended, Scene } from './stop-scenes.ts';

const GROUPS = ['control', 'site', 'control-first', 'site-first'] as const;

describe('the emergency stop, with workers dead', () => {
  let scenes: StopScenes<(typeof GROUPS)[number]>;
  let lane: Lane;
  before(async () => {
    scenes = await StopScenes.open(GROUPS);
    ({ lane } = scenes);
  });
  after(() => scenes.close());
  afterEach(() => scenes.release());

  async function stopped(reason: string): Promise<void> {
    await scenes.stop(reason);
    const latched = await readLatch(lane.client, 'stop/everything');
    assert.equal(latched?.reason, reason, 'it is latched, with nobody to serve it');
  }

  const aborted = async ({ handle }: Scene): Promise<string | undefined> =>
    scenes.story(handle).then(
      ({ state }) => state.abort?.cause,
      () => undefined,
    );

  function assertStopped({ result, events }: Ended): void {
    assert.equal(result.status, 'aborted', result.reason);
    assert.equal(events.find((event) => event.type === 'abort')?.cause, 'emergency-stop');
  }

  it('the control worker: once it is back it ends the run, and refuses the one that was started meanwhile', async () => {
    const ended = await scenes.play('control', {}, async ({ handle }) => {
      await scenes.reaches(handle, 'holding');
      await lane.kill('control');
      await stopped('no control worker');
      const meanwhile = await scenes.begin('control-meanwhile', 'control');
      await lane.start('control');
      await scenes.wasRefused(meanwhile);
    });
    assertStopped(ended);
  });

  it('the site worker: the run is aborted without it, and ends once it is back', async () => {
    const ended = await scenes.play('site', {}, async (scene) => {
      await scenes.reaches(scene.handle, 'holding');
      await lane.kill('site');
      await stopped('no site worker');
      await until(async () => (await aborted(scene)) === 'emergency-stop');
      await scenes.nobodyIsAdmitted('site');
      assert.equal(scene.victims.stopped().length, 1, 'nobody is there to undo it');
      assert.equal((await scene.handle.describe()).status.name, 'RUNNING', 'no run ends before its faults');
      await lane.start('site');
    });
    assertStopped(ended);
  });

  it('both, and the control worker comes up first: the run is aborted, and ends once the site is back', async () => {
    const ended = await scenes.play('control-first', {}, async (scene) => {
      await scenes.reaches(scene.handle, 'holding');
      await Promise.all([lane.kill('control'), lane.kill('site')]);
      await stopped('nobody is there');
      const meanwhile = await scenes.begin('control-first-meanwhile', 'control-first');
      await lane.start('control');
      await until(async () => (await aborted(scene)) === 'emergency-stop');
      await until(() => wasTold(scene.lease));
      await scenes.wasRefused(meanwhile);
      assert.equal(scene.victims.stopped().length, 1, 'nobody is there to undo it');
      await lane.start('site');
    });
    assertStopped(ended);
  });

  it('both, and the site worker comes up first: the fault ends by itself, and the run once it can be told', async () => {
    const change = { fault: 'host/pause' };
    const { result } = await scenes.play('site-first', change, async ({ handle, victims }) => {
      await scenes.reaches(handle, 'holding');
      await Promise.all([lane.kill('control'), lane.kill('site')]);
      await stopped('nobody is there');
      const meanwhile = await scenes.begin('site-first-meanwhile', 'site-first');
      await lane.start('site');
      // Nobody answers for the run, so nobody renews its fault.
      await until(() => victims.stopped().length === 0);
      assert.equal((await handle.describe()).status.name, 'RUNNING');
      await lane.start('control');
      await scenes.wasRefused(meanwhile);
    });
    // By then nobody has seen the fault for long, which the run may find before it is told.
    assert.ok(result.status === 'aborted' || result.status === 'inconclusive', result.reason);
    await scenes.nobodyIsAdmitted('site-first');
  });
});
