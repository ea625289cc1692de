/** The emergency stop in every phase of a run: it ends, nothing stays on its targets, and nobody is let in after it. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import type { WorkflowHandle } from '@temporalio/client';
import { setMood } from '../../bench/torture/blows.ts';
import type { Lane } from '../../bench/torture/lane.ts';
import { budgetId } from '../../domain/budget-id.ts';
import { saying, startServer } from '../probes/server.ts';
import type { TestServer } from '../probes/server.ts';
import { until } from '../until.ts';
import { attemptOf, isUnderWay, StopScenes, twoStages, wasTold } from './stop-scenes.ts';
import type { Ended } from './stop-scenes.ts';

const GROUPS = [
  'pre-flight',
  'approval',
  'queue',
  'keeper',
  'injecting',
  'holding',
  'between',
  'between-queued',
  'between-keeper',
  'rolling-back',
  'unwinding',
  'recovering',
  'stuck',
] as const;
const one = { value: 1, dimension: 'count', text: '1' } as const;

describe('the emergency stop comes in every phase', () => {
  let scenes: StopScenes<(typeof GROUPS)[number]>;
  let lane: Lane;
  let server: TestServer;
  before(async () => {
    server = await startServer(saying('{"spare":1}', 200, 'application/json'));
    scenes = await StopScenes.open(GROUPS, {
      probes: `  spare: { type: http, url: '${server.url}', jsonPointer: /spare, unit: ratio, timeout: 4s }\n`,
      configuration: `admission:
  healthy: [{ probe: alive, min: 1 }]
  incidents: [{ http: { url: '${server.url}', jsonPointer: /spare, calmWhen: { equals: 1 } } }]
  capacity: { probe: spare }
  coolDown: 0s
policy:
  version: '1'
  budget: { service: { label: service, share: 70% } }
  approvals: [{ people: 1, faults: [host/fixed-pause] }]
`,
    });
    ({ lane } = scenes);
  });
  after(async () => {
    await scenes.close();
    await server.close();
  });
  afterEach(async () => {
    await setMood(lane, undefined);
    lane.level = 0;
    await scenes.release();
  });

  /** A budget in the place of the real one that hears what it is asked and answers nobody, who waits for it for 20 s. */
  function silentBudget(): Promise<WorkflowHandle> {
    return lane.client.workflow.start('blastRadius', {
      workflowId: budgetId('torture'),
      workflowIdConflictPolicy: 'TERMINATE_EXISTING',
      taskQueue: 'nobody',
    });
  }

  /** The stop was why it ended. `touched`: whether there was anything to undo. */
  function assertStopped({ result, events, touched }: Ended, was: { readonly touched: boolean }): void {
    const aborts = events.filter((event) => event.type === 'abort');
    assert.deepEqual(
      aborts.map(({ cause, mode, by }) => [cause, mode, by]),
      [['emergency-stop', 'immediate', 'a test (not authenticated)']],
    );
    assert.equal(result.status, was.touched ? 'aborted' : 'refused', result.reason);
    assert.equal(touched, was.touched);
  }

  it('pre-flight: nothing is touched', async () => {
    // A baseline is taken, which lasts.
    const baseline = {
      steadyState: [{ probe: 'level', group: 'system', tolerance: { kind: 'baseline', share: 0.5 } }],
      sampleEveryMs: 2_000,
    } as const;
    const ended = await scenes.play('pre-flight', baseline, async ({ handle }) => {
      await until(() => isUnderWay(handle, 'preflight'));
      await scenes.stop('in pre-flight');
    });
    assertStopped(ended, { touched: false });
    await scenes.nobodyIsAdmitted('pre-flight');
  });

  it('awaiting approval: nothing is touched, and nobody can approve it any more', async () => {
    const ended = await scenes.play('approval', { fault: 'host/fixed-pause' }, async ({ handle }) => {
      await scenes.reaches(handle, 'awaiting-approval');
      await scenes.stop('while it waits for people');
    });
    assertStopped(ended, { touched: false });
    await scenes.nobodyIsAdmitted('approval');
  });

  it('in the budget’s queue: nothing is touched, and what it waited for ends too', async () => {
    const two = { ...twoStages(600_000), stages: [{ kind: 'count', count: 2, text: '2' }] } as const;
    const keeper = await scenes.play('keeper', { blastRadius: two }, async ({ victims }) => {
      await until(() => victims.stopped().length === 2);
      const waiting = { blastRadius: { ...twoStages(600_000), waitMs: 600_000 } };
      const ended = await scenes.play('queue', waiting, async ({ handle }) => {
        await scenes.queues(handle);
        await scenes.stop('while it waits in the queue');
      });
      assertStopped(ended, { touched: false });
    });
    assertStopped(keeper, { touched: true });
    await scenes.nobodyIsAdmitted('queue');
  });

  it('injecting, with the injection in flight: what it has done is undone', async () => {
    await setMood(lane, 'stall');
    const ended = await scenes.play('injecting', { fault: 'host/moody-undying-pause' }, async ({ handle, lease }) => {
      await scenes.reaches(handle, 'injecting');
      await until(() => isUnderWay(lease, 'inject'));
      await scenes.stop('in mid-injection');
      await setMood(lane, undefined);
    });
    assert.equal(
      ended.events.some(({ type }) => type === 'stage-held'),
      false,
    );
    assertStopped({ ...ended, touched: true }, { touched: true });
    await scenes.nobodyIsAdmitted('injecting');
  });

  it('holding: the fault ends', async () => {
    const ended = await scenes.play('holding', {}, async ({ handle, victims }) => {
      await scenes.reaches(handle, 'holding');
      assert.equal(victims.stopped().length, 1);
      await scenes.stop('while it holds');
    });
    assertStopped(ended, { touched: true });
    await scenes.nobodyIsAdmitted('holding');
  });

  it('between two stages, after admission has found nothing stopped: the next is not opened', async () => {
    const ended = await scenes.play('between', { blastRadius: twoStages(5_000) }, async ({ handle }) => {
      await scenes.reaches(handle, 'holding');
      const budget = await silentBudget();
      try {
        // The budget is asked last: the stop's rung, which is the first, has been passed by then.
        await until(() => wasTold(budget, 'ask'));
        await scenes.stop('between the stages');
        await until(async () => (await scenes.story(handle)).state.abort !== undefined);
      } finally {
        await budget.terminate();
      }
    });
    assertStopped(ended, { touched: true });
    assert.equal(ended.events.filter(({ type }) => type === 'stage-opened').length, 1);
    await scenes.nobodyIsAdmitted('between');
  });

  it('between two stages, in the budget’s queue for the next: both runs end, and none gets what the other held', async () => {
    const keeper = await scenes.play('between-keeper', {}, async ({ victims }) => {
      await until(() => victims.stopped().length === 1);
      const waiting = { blastRadius: { ...twoStages(1_000), waitMs: 600_000 } };
      const ended = await scenes.play('between-queued', waiting, async ({ handle, victims: others }) => {
        await scenes.queues(handle);
        assert.equal(others.stopped().length, 1);
        await scenes.stop('while it waits for more');
      });
      assertStopped(ended, { touched: true });
      assert.equal(ended.events.filter(({ type }) => type === 'stage-opened').length, 1);
    });
    assertStopped(keeper, { touched: true });
    await scenes.nobodyIsAdmitted('between-queued');
  });

  it('rolling back: it ends as it would have', async () => {
    await setMood(lane, 'fail-revert');
    const change = { fault: 'host/moody-undying-pause', blastRadius: twoStages(10_000) };
    const { result } = await scenes.play('rolling-back', change, async ({ handle }) => {
      await scenes.reaches(handle, 'rolling-back');
      await scenes.stop('while it rolls back');
      await until(() => wasTold(handle));
      await setMood(lane, undefined);
    });
    assert.equal(result.status, 'completed', result.reason);
    await scenes.nobodyIsAdmitted('rolling-back');
  });

  it('rolling back in order: what was still to wait its turn is reverted at once, and the cause stays', async () => {
    const change = { fault: 'host/moody-undying-pause', blastRadius: twoStages(12_000) };
    const { result, events } = await scenes.play('unwinding', change, async ({ handle, lease, victims }) => {
      await until(async () => victims.stopped().length === 2 && (await scenes.story(handle)).state.phase === 'holding');
      await setMood(lane, 'fail-revert');
      await handle.signal('abort', { mode: 'graceful', reason: 'wind down', by: 'ada' });
      await until(async () => (await attemptOf(lane.client.workflow.getHandle('unwinding/stage-2'), 'revert')) > 0);
      assert.equal(await attemptOf(lease, 'revert'), 0, 'the first stage is the last to be reverted');
      await scenes.stop('while it rolls back');
      await until(async () => (await attemptOf(lease, 'revert')) > 0);
      await setMood(lane, undefined);
    });
    assert.deepEqual([result.status, result.reason], ['aborted', 'wind down']);
    assert.deepEqual(
      events.flatMap((event) => (event.type === 'abort' ? [[event.cause, event.mode]] : [])),
      [
        ['person', 'graceful'],
        ['emergency-stop', 'immediate'],
      ],
    );
    await scenes.nobodyIsAdmitted('unwinding');
  });

  it('recovering: it ends as it would have', async () => {
    const change = {
      blastRadius: twoStages(10_000),
      steadyState: [{ probe: 'level', group: 'system', tolerance: { kind: 'range', max: one } }],
      recoverWithinMs: 30_000,
    } as const;
    const { result } = await scenes.play('recovering', change, async ({ handle }) => {
      await scenes.reaches(handle, 'holding');
      // The steady state does not come back.
      lane.level = 3;
      await scenes.reaches(handle, 'recovering');
      await scenes.stop('while it recovers');
      await until(() => wasTold(handle));
    });
    assert.deepEqual([result.status, result.deviated], ['completed', true], result.reason);
    await scenes.nobodyIsAdmitted('recovering');
  });

  it('stuck: the revert goes on being tried, the run does not end before it succeeds, and then ends as it would have', async () => {
    const fault = 'host/moody-undying-pause';
    const { result, events } = await scenes.play('stuck', { fault }, async ({ handle, lease, victims }) => {
      await scenes.reaches(handle, 'holding');
      await setMood(lane, 'fail-revert');
      await handle.signal('abort', { mode: 'immediate', reason: 'enough', by: 'ada' });
      await scenes.reaches(handle, 'stuck');
      await scenes.stop('while it is stuck');
      await until(async () => (await wasTold(handle)) && (await wasTold(lease)));
      const tried = await attemptOf(lease, 'revert');
      await until(async () => (await attemptOf(lease, 'revert')) > tried + 1);
      assert.equal((await scenes.story(handle)).state.phase, 'stuck');
      assert.equal(victims.stopped().length, 1, 'its fault is on, and nobody says otherwise');
      await scenes.nobodyIsAdmitted('stuck');
      await setMood(lane, undefined);
    });
    assert.equal(result.status, 'aborted', result.reason);
    assert.deepEqual(
      events.flatMap((event) => (event.type === 'abort' ? [event.cause] : [])),
      ['person'],
    );
    const types = events.map(({ type }) => type);
    assert.ok(types.indexOf('stuck') < types.indexOf('reverted'), types.join(', '));
  });
});
