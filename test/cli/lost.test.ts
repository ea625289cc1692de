/** Runs that are ended from outside: what becomes of their faults is found out from their leases, or said to be unknown. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Lane } from '../../bench/torture/lane.ts';
import { until } from '../until.ts';
import { Installation, nameOf, underway } from './installation.ts';
import { squall, start } from './squall.ts';

describe('squall with a run that is ended from outside', () => {
  let installation: Installation<'lost'>;
  let lane: Lane;
  let env: Record<string, string>;
  let about: typeof installation.about;
  before(async () => {
    installation = await Installation.open(['lost']);
    ({ lane, env, about } = installation);
  });
  after(() => installation.close());

  it('a run that is terminated from outside is lost, and its leases confirm the rollback', () =>
    about('lost', '60s', async (file, victims) => {
      const run = start(['run', file], env);
      await underway(victims);
      await lane.client.workflow.getHandle(nameOf(run)).terminate('from outside');
      const { code, out } = await run.ended;
      assert.equal(code, 6, out);
      assert.match(out, /lost: .*its leases have reverted every fault/);
      assert.deepEqual(victims.stopped(), []);
    }));

  it('a run that is lost before anybody heard of its leases: they are found, and waited for', () =>
    about('lost', '60s', async (file, victims) => {
      const run = (await squall(['run', file, '--detach'], env)).out.trim();
      await underway(victims);
      await lane.kill('control');
      try {
        await lane.client.workflow.getHandle(run).terminate('from outside');
        const watching = start(['watch', run], env);
        await until(() => watching.child.exitCode !== null || watching.out().includes('waiting until'));
        assert.match(watching.out(), new RegExp(`waiting until ${run}/stage-1 has reverted`));
        assert.equal(watching.child.exitCode, null, 'it waits');
        await lane.start('control');
        const { code, out } = await watching.ended;
        assert.equal(code, 6, out);
        assert.match(out, /lost: .*its leases have reverted every fault/);
        assert.deepEqual(victims.stopped(), []);
      } finally {
        await lane.kill('control');
        await lane.start('control');
      }
    }));

  it('4: a run that is terminated with its lease says that its rollback is not known', () =>
    about('lost', '60s', async (file, victims) => {
      const run = (await squall(['run', file, '--detach'], env)).out.trim();
      await underway(victims);
      await lane.kill('control');
      try {
        for (const id of [run, `${run}/stage-1`]) await lane.client.workflow.getHandle(id).terminate('from outside');
        const { code, out } = await squall(['watch', run], env);
        assert.equal(code, 4, out);
        assert.match(
          out,
          /lost: .*whether every fault is reverted is not known: \S+\/stage-1 was ended from outside too/,
        );
        // The targets end the fault by themselves.
        await until(() => victims.stopped().length === 0);
      } finally {
        await lane.start('control');
      }
    }));

  it('6: a run that is terminated before it opened a lease did no fault', () =>
    about('lost', '60s', async (file, victims) => {
      await lane.kill('control');
      try {
        const run = (await squall(['run', file, '--detach'], env)).out.trim();
        await lane.client.workflow.getHandle(run).terminate('from outside');
        const { code, out } = await squall(['watch', run], env);
        assert.equal(code, 6, out);
        assert.match(out, /lost: .*it had opened no lease, so it did no fault/);
        assert.equal(victims.firstStoppedMs, undefined);
      } finally {
        await lane.start('control');
      }
    }));
});
