/** Runs that end by themselves and cannot know whether the system held: they say so, and are never called held. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setMood } from '../../bench/torture/blows.ts';
import type { Lane } from '../../bench/torture/lane.ts';
import { until } from '../until.ts';
import { Scenes, TWO } from './scenes.ts';

const GROUPS = ['continued', 'dead', 'unseen', 'unanswered', 'unrecovered', 'late-stuck', 'hung'] as const;
type Group = (typeof GROUPS)[number];

describe('nothing is proven', () => {
  let scenes: Scenes<Group>;
  let lane: Lane;
  let held: Scenes<Group>['held'];
  before(async () => {
    scenes = await Scenes.open(GROUPS);
    ({ lane, held } = scenes);
  });
  after(() => scenes.close());

  describe('side by side', { concurrency: true }, () => {
    it('a fault that ended after its last renewal was not on to the end, and proves nothing', () =>
      held(
        'continued',
        async ({ handle, victims }) => {
          // Past the first renewal; the next comes after the hold.
          await until(() => scenes.renewed('continued'));
          const [held] = victims.stopped();
          process.kill(held ?? assert.fail('the fault is over already'), 'SIGCONT');
          const { status, deviated, reason } = await scenes.endOf(handle);
          assert.deepEqual([status, deviated], ['inconclusive', null]);
          assert.match(reason, /1 of 2 faults ended by themselves.*somebody has continued the process/);
          const { events } = await scenes.story(handle);
          const at = (type: string): number => events.findIndex((event) => event.type === type);
          assert.ok(at('abort') > at('reverted'), 'it was seen at the end');
        },
        { timeToLiveMs: 120_000, blastRadius: { stages: TWO, holdMs: 10_000, seed: 'any' } },
      ));

    it('targets that mostly die under the fault leave little to hold, and no verdict', () =>
      held(
        'dead',
        async ({ handle, victims }) => {
          for (const pid of victims.stopped().slice(1)) process.kill(pid, 'SIGKILL');
          const { status, reason } = await scenes.endOf(handle);
          assert.equal(status, 'inconclusive');
          assert.match(reason, /2 of 3 targets are gone/);
        },
        {
          timeToLiveMs: 60_000,
          blastRadius: { stages: [{ kind: 'count', count: 3, text: '3' }], holdMs: 600_000, seed: 'any' },
        },
      ));
  });

  it('a fault under which no probe answered is not called held, although it was short', () =>
    held(
      'unanswered',
      async ({ handle, victims }) => {
        assert.equal(victims.stopped().length, 2);
        lane.level = undefined;
        await until(async () => ['rolling-back', 'recovering', 'closed'].includes(await scenes.phaseOf(handle)));
        lane.level = 0;
        const { status, deviated, reason } = await scenes.endOf(handle);
        assert.deepEqual([status, deviated], ['inconclusive', null]);
        assert.match(reason, /stage 1 was watched for only \d+% of its hold|has no data/);
      },
      {
        steadyState: [
          {
            probe: 'level',
            group: 'system',
            tolerance: { kind: 'range', max: { value: 5, dimension: 'count', text: '5' } },
          },
        ],
        sampleEveryMs: 2_000,
        timeToLiveMs: 60_000,
        blastRadius: { stages: TWO, holdMs: 4_000, seed: 'any' },
      },
    ).finally(() => (lane.level = 0)));

  // A worker and a driver's mood are everybody's: these go one after the other.
  describe('one at a time', () => {
    it('a stage that hardly anybody watched proves nothing, although nobody was away for long', () =>
      held(
        'unseen',
        async ({ handle, victims }) => {
          await lane.kill('site');
          await until(async () => (await scenes.phaseOf(handle)) === 'rolling-back');
          await lane.start('site');
          const { status, deviated, reason } = await scenes.endOf(handle);
          assert.deepEqual([status, deviated], ['inconclusive', null]);
          assert.match(reason, /stage 1 was watched for only/);
          assert.equal(victims.stopped().length, 0);
        },
        { timeToLiveMs: 60_000, blastRadius: { stages: TWO, holdMs: 10_000, seed: 'any' } },
      ));

    it('a run after which nobody could look whether the steady state returned has no verdict', () =>
      held(
        'unrecovered',
        async ({ handle }) => {
          await until(async () => (await scenes.phaseOf(handle)) === 'recovering');
          await lane.kill('site');
          const { status, deviated, reason } = await scenes.endOf(handle).finally(() => lane.start('site'));
          assert.deepEqual([status, deviated], ['inconclusive', null]);
          assert.match(reason, /nobody looked whether the steady state returned/);
        },
        {
          // So that it is still recovering when its worker is killed.
          sampleEveryMs: 4_000,
          recoverWithinMs: 1_000,
          timeToLiveMs: 60_000,
          blastRadius: { stages: TWO, holdMs: 16_000, seed: 'any' },
        },
      ));

    it('a run whose last revert was stuck has held its fault for longer than was asked, and proves nothing', async () => {
      // Before it begins, so that nothing is reverted in time: this mood is a revert's alone.
      await setMood(lane, 'fail-revert');
      await held(
        'late-stuck',
        async ({ handle }) => {
          await until(async () => (await scenes.phaseOf(handle)) === 'stuck');
          await setMood(lane, undefined);
          const { status, deviated, reason } = await scenes.endOf(handle);
          assert.deepEqual([status, deviated], ['inconclusive', null]);
          assert.match(reason, /a revert cannot be confirmed/);
        },
        { fault: 'host/moody-pause', timeToLiveMs: 120_000, blastRadius: { stages: TWO, holdMs: 10_000, seed: 'any' } },
      ).finally(() => setMood(lane, undefined));
    });

    it('a renewal that never returns ends the run, which saw nothing of its fault', () =>
      held(
        'hung',
        async ({ handle }) => {
          await setMood(lane, 'hang-renew');
          const { status } = await scenes.endOf(handle).finally(() => setMood(lane, undefined));
          assert.equal(status, 'inconclusive');
        },
        { fault: 'host/moody-pause' },
      ));
  });
});
