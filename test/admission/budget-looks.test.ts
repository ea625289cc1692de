/** A budget and its looks at those in the way, on the time-skipping server: they may fail, and others ask meanwhile. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ApplicationFailure } from '@temporalio/common';
import type { Ask } from '../../domain/ask.ts';
import { budgetId } from '../../domain/budget-id.ts';
import { CONTROL_HOLD_QUEUE, CONTROL_QUEUE } from '../../domain/queues.ts';
import { SkippingServer } from '../engine/skipping-server.ts';
import { until } from '../until.ts';
import { answerOf, ask } from './asking.ts';

describe('a budget whose look fails', () => {
  let server: SkippingServer;
  let looks = 0;
  /** Who is found over; undefined: the look fails for good. */
  let over: string[] | undefined;
  before(async () => {
    const activities = {
      heldAt: () => [],
      endedOf: () => [],
      awaitEnd: () => {
        looks += 1;
        if (over) return over;
        throw ApplicationFailure.nonRetryable('it cannot be looked at');
      },
    };
    server = await SkippingServer.open({ [CONTROL_HOLD_QUEUE]: activities });
  });
  after(() => server.close());

  it('is not ended by that, does not look in a rush, and serves whoever waits once somebody is found over', async () => {
    const handle = await server.environment.client.workflow.start('blastRadius', {
      workflowId: budgetId('any'),
      taskQueue: CONTROL_QUEUE,
      args: ['any'],
    });
    const says = async (asked: Ask): Promise<string | undefined> => (await answerOf(handle, asked))?.answer;
    const asks = async (asked: Ask, answer: string): Promise<void> => {
      await handle.signal('ask', asked);
      await until(async () => (await says(asked)) === answer);
    };
    const of = (run: string, key: string): Ask => ask({ run, execution: `${run}-1` }, [key]);
    await asks(of('a', 't'), 'granted');
    await asks(of('b', 't'), 'waits');
    await until(() => looks === 1);
    // Its time stands still, so that the next look is not due.
    for (const run of ['c', 'd', 'e']) await asks(of(run, run), 'granted');
    assert.equal(looks, 1);
    over = ['a-1'];
    await server.environment.sleep('1m');
    await until(async () => (await says(of('b', 't'))) === 'granted');
    assert.equal(looks, 2);
  });
});

describe('a budget that is asked without cease', () => {
  let server: SkippingServer;
  let asked = 0;
  let busy = true;
  const next = (key: string): Ask => {
    asked += 1;
    return ask({ run: `run-${asked}`, execution: `execution-${asked}` }, [key], false);
  };
  before(async () => {
    const activities = {
      heldAt: () => [],
      awaitEnd: () => [],
      // Whenever it looks at whoever is in the way, somebody else asks meanwhile for what is another's.
      endedOf: async () => {
        if (busy) await server.environment.client.workflow.getHandle(budgetId('busy')).signal('ask', [next('t')]);
        return [];
      },
    };
    server = await SkippingServer.open({ [CONTROL_HOLD_QUEUE]: activities });
  });
  after(() => server.close());

  it('goes on in another execution all the same, and decides there what was asked meanwhile', async () => {
    const { client } = server.environment;
    const started = await client.workflow.start('blastRadius', {
      workflowId: budgetId('busy'),
      taskQueue: CONTROL_QUEUE,
      args: ['busy'],
    });
    const handle = client.workflow.getHandle(budgetId('busy'));
    const answered = (one: Ask, answer: string): Promise<void> =>
      until(async () => (await answerOf(handle, one))?.answer === answer);
    const holder = next('t');
    await handle.signal('ask', [holder]);
    await answered(holder, 'granted');
    await handle.signal('ask', [next('t')]);
    await until(async () => (await handle.describe()).runId !== started.firstExecutionRunId);
    busy = false;
    const [late, free] = [next('t'), next('u')];
    await handle.signal('ask', [late, free]);
    await answered(late, 'refused');
    await answered(free, 'granted');
    await answered(holder, 'granted');
  });
});
