/**
 * The layers above the target, with the target's own expiry taken away: what ends the fault here is the lease, the query
 * before a renewal, or the run's second lease, and nothing else can.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openFileStore } from '../../activities/journal/file.ts';
import { reset, setMood } from '../../bench/torture/blows.ts';
import { pausing } from '../../bench/torture/experiment.ts';
import type { Lane } from '../../bench/torture/lane.ts';
import { Victims } from '../../bench/torture/victims.ts';
import type { LeaseResult } from '../../workflows/messages.ts';
import { startRun } from '../../workers/start-run.ts';
import { record } from '../replay/record.ts';
import { until } from '../until.ts';
import { Scenes, TWO } from './scenes.ts';

const GROUPS = [
  'terminated',
  'lost',
  'first',
  'last',
  'cancelled',
  'killed',
  'liar',
  'late',
  'released',
  'fixed',
  'wedged',
] as const;
type Group = (typeof GROUPS)[number];
const one = (value: number) => ({ value, dimension: 'count', text: `${value}` }) as const;

describe('without expiry on the target', () => {
  let scenes: Scenes<Group>;
  let folder: string;
  let lane: Lane;
  let held: Scenes<Group>['held'];
  before(async () => {
    scenes = await Scenes.open(GROUPS);
    ({ folder, lane, held } = scenes);
  });
  after(() => scenes.close());

  /** Another control worker in the place of the present one. */
  async function deploy({ wedged }: { readonly wedged: boolean }): Promise<void> {
    await lane.kill('control');
    lane.wedged = wedged;
    await lane.start('control');
  }

  describe('side by side', { concurrency: 3 }, () => {
    // It takes longest, beside all the others.
    it('a fault that is never renewed outlives its time-to-live as long as it is wanted', () =>
      held(
        'fixed',
        async ({ handle, victims }) => {
          const { status } = await scenes.endOf(handle);
          assert.equal(status, 'completed');
          assert.ok((victims.lastStoppedMs ?? 0) - (victims.firstStoppedMs ?? 0) > 20_000, 'it was on all the time');
        },
        {
          fault: 'host/fixed-pause',
          timeToLiveMs: 15_000,
          blastRadius: { stages: TWO, holdMs: 40_000, seed: 'any' },
        },
      ));

    it('L1: a cancelled lease reverts, and its run ends without a verdict', () =>
      held('cancelled', async ({ handle, lease }) => {
        await lease.cancel();
        assert.equal((await scenes.endOf(handle)).status, 'inconclusive');
      }));

    it('L1: the lease of a terminated run is cancelled by the server, and reverts', () =>
      held('terminated', ({ handle }) => handle.terminate('a test')));

    it('L2: a run reset to its first task holds nothing of the run before', () =>
      held('first', async ({ handle, victims }) => {
        await reset(handle, lane, 'first');
        await until(() => victims.stopped().length === 0);
        // It may have found out by itself that it was reset, and ended.
        await lane.client.workflow
          .getHandle(handle.workflowId)
          .signal('abort', { mode: 'immediate', reason: 'enough', by: 'a test' })
          .catch(() => undefined);
        await scenes.endOf(handle);
      }));

    it('L2: a run reset to its last task holds nothing of the run before', () =>
      held('last', async ({ handle }) => {
        await reset(handle, lane, 'last');
        await scenes.endOf(handle);
      }));

    it('L3: a terminated lease is followed by one that reverts, and the run ends without a verdict', () =>
      held('lost', async ({ handle, lease }) => {
        await lease.terminate('a test');
        const { status, reason } = await scenes.endOf(handle);
        assert.equal(status, 'inconclusive');
        assert.match(reason, /lost/);
      }));
  });

  // A worker and a driver's mood are everybody's: these go one after the other.
  describe('one at a time', () => {
    it('L1: a run whose site worker was killed goes on, and reverts at its end', () =>
      held(
        'killed',
        async ({ handle }) => {
          await lane.kill('site');
          await lane.start('site');
          await handle.signal('abort', { mode: 'immediate', reason: 'enough', by: 'a test' });
          assert.equal((await scenes.endOf(handle)).status, 'aborted');
        },
        { timeToLiveMs: 60_000 },
      ));

    it('L2: the lease of a run that a deploy has wedged gets no answer, and reverts although the run stays open', () =>
      held(
        'wedged',
        async ({ handle, lease, victims }) => {
          await deploy({ wedged: true });
          try {
            // It is as it was, and replays; what its run did is beyond this deploy.
            await until(() => victims.stopped().length === 0);
            const { endedBy } = (await lease.result()) as LeaseResult;
            assert.equal(endedBy, 'unanswered');
            assert.equal((await handle.describe()).status.name, 'RUNNING');
          } finally {
            await deploy({ wedged: false });
          }
          // It would go on now, but the server takes up to a minute to ask again.
          await handle.terminate('a test');
        },
        { timeToLiveMs: 20_000 },
      ));

    it('a run that nobody took for too long is refused, and touches nothing', async () => {
      const victims = await Victims.start(join(folder, 'victims'), 'late', 1);
      await lane.kill('control');
      const experiment = pausing({
        fault: 'host/undying-pause',
        group: 'late',
        seed: 'any',
        ttlMs: 6_000,
        stages: [1],
      });
      const handle = await startRun(lane.client, 'late', {
        experiment,
        documentHash: '',
        startedBy: 'a test',
        admitWithinMs: 1,
      });
      await lane.start('control');
      const { status, reason } = await scenes.endOf(handle);
      await victims.end();
      assert.equal(status, 'refused');
      assert.match(reason, /no worker took the run/);
      assert.equal(victims.firstStoppedMs, undefined);
    });

    it('a site worker that is released goes on watching: a breach afterwards aborts', () =>
      held(
        'released',
        async ({ handle }) => {
          const lastLevel = async (): Promise<unknown> =>
            (await lane.metrics('site')).match(/^chaos_impact_error_rate\S* (\S+)$/m)?.[1];
          lane.level = 3;
          await until(async () => (await lastLevel()) === '3');
          await new Promise((resolve) => setTimeout(resolve, 1_000));
          lane.level = 0;
          await lane.stop('site');
          await lane.start('site');
          lane.level = 9;
          const { status, deviated } = await scenes.endOf(handle).finally(() => (lane.level = 0));
          assert.deepEqual([status, deviated], ['aborted', true]);
          const journal = await openFileStore(join(folder, 'journal')).read('released');
          const levels = (journal?.events ?? []).flatMap((event) =>
            event.type === 'samples' ? (event.series['level']?.points ?? []).map(([, value]) => value) : [],
          );
          assert.ok(levels.includes(3), 'what was sampled before the release is kept');
          await record(lane.client, 'released');
        },
        {
          timeToLiveMs: 30_000,
          stopConditions: [
            { probe: 'level', breach: { kind: 'above', limit: one(5) }, forMs: 1_500, abort: 'immediate' },
            {
              probe: 'error-rate',
              breach: { kind: 'above', limit: { value: 1, dimension: 'ratio', text: '100%' } },
              forMs: 1_500,
              abort: 'immediate',
            },
          ],
        },
      ));

    it('a revert that says so and does not is not believed', () =>
      held(
        'liar',
        async ({ handle, victims }) => {
          await setMood(lane, 'lie-revert');
          await handle.signal('abort', { mode: 'immediate', reason: 'enough', by: 'a test' });
          await until(async () => (await scenes.phaseOf(handle)) === 'stuck' || victims.stopped().length === 0);
          assert.equal(await scenes.phaseOf(handle), 'stuck');
          await setMood(lane, undefined);
          assert.equal((await scenes.endOf(handle)).status, 'aborted');
        },
        { fault: 'host/moody-pause', timeToLiveMs: 120_000 },
      ));
  });
});
