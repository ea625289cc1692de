/** A site worker that is told to stop, in the middle of a revert: it ends what it has begun, since nobody else may be there. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, it } from 'node:test';
import { setMood } from '../../bench/torture/blows.ts';
import { begunFile } from '../../bench/torture/plugin.ts';
import { until } from '../until.ts';
import { Scenes } from './scenes.ts';

let scenes: Scenes<'drained'>;
before(async () => {
  scenes = await Scenes.open(['drained']);
});
after(() => scenes.close());

it('a worker that stops ends the reverts under way, however long they take', () =>
  scenes.held(
    'drained',
    async ({ handle, victims }) => {
      const { lane } = scenes;
      await setMood(lane, 'slow-revert');
      await handle.signal('abort', { mode: 'immediate', reason: 'enough', by: 'a test' });
      await until(() => existsSync(begunFile(lane.state)));
      assert.equal(victims.stopped().length, 2);
      await lane.stop('site');
      assert.equal(victims.stopped().length, 0);
      await lane.start('site');
      await scenes.endOf(handle);
    },
    { fault: 'host/moody-undying-pause' },
  ));
