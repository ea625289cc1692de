/** What anybody may send a budget: what cannot be read wedges nobody, and what is said in another's name grants nothing. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Lane } from '../../bench/torture/lane.ts';
import { budgetId } from '../../domain/budget-id.ts';
import { CONTROL_QUEUE } from '../../domain/queues.ts';
import { Installation } from '../cli/installation.ts';
import { until } from '../until.ts';
import { ask, Askers } from './asking.ts';

describe('a budget that is told anything', () => {
  let installation: Installation<'any'>;
  let lane: Lane;
  let askers: Askers;
  before(async () => {
    installation = await Installation.open(['any']);
    ({ lane } = installation);
    askers = await Askers.open(lane);
  });
  after(async () => {
    await askers.close();
    await installation.close();
  });

  it('what is no ask is not heard, and keeps nobody from being answered', async () => {
    const one = await askers.holder('well-formed');
    assert.deepEqual(await askers.asking('odd', ask(one, ['a'])), { answer: 'granted' });
    const handle = lane.client.workflow.getHandle(budgetId('odd'));
    for (const payload of [[], [{}], ['please'], [{ ...ask(one, ['b']), services: [{ keys: 7 }] }], [[null, 'please']]])
      await handle.signal('ask', ...payload);
    for (const payload of [[], [null], ['please'], [{ execution: 7 }]]) {
      await handle.signal('withdraw', ...payload);
      assert.deepEqual(await handle.query('answers', ...payload), [null]);
    }
    assert.deepEqual(await askers.asking('odd', ask(one, ['c'], false, 1)), { answer: 'granted' });
    await lane.client.workflow.getHandle('well-formed').terminate();
  });

  it('what is asked first in a run’s name grants it nothing, and is no answer to what it asks itself', async () => {
    const one = await askers.holder('forged');
    const handle = lane.client.workflow.getHandle(budgetId('forging'));
    assert.equal((await askers.asking('forging', ask(await askers.holder('opens'), ['x']))).answer, 'granted');
    const nothing = { ...ask(one, []), services: [] };
    await handle.signal('ask', nothing);
    await until(async () => (await askers.answerOf('forging', nothing))?.answer === 'granted');
    const real = ask(one, ['a']);
    assert.equal(await askers.answerOf('forging', real), null);
    assert.deepEqual(await askers.asking('forging', real), {
      answer: 'refused',
      why: 'another ask for this stage was granted',
    });
    // In the name of a run that there is not, which whoever looks finds over.
    const two = await askers.holder('astray');
    const astray = { ...ask({ ...two, run: 'nobody' }, ['b']), stage: 7 };
    await handle.signal('ask', astray);
    await until(async () => (await askers.answerOf('forging', astray))?.answer === 'granted');
    assert.deepEqual(await askers.asking('forging', ask(two, ['c'])), { answer: 'granted' });
    assert.deepEqual(await askers.asking('forging', ask(one, ['c'], false, 1)), {
      answer: 'refused',
      why: '1 of its 1 targets are astray’s',
    });
    for (const run of ['forged', 'opens', 'astray']) await lane.client.workflow.getHandle(run).terminate();
  });

  it('what is started with nothing is no run: it is over, and keeps no budget silent', async () => {
    const odd = await lane.client.workflow.start('experiment', {
      workflowId: 'no run',
      taskQueue: CONTROL_QUEUE,
      args: [{}],
    });
    await assert.rejects(odd.result(), { name: 'WorkflowFailedError' });
    const one = await askers.holder('a run');
    assert.deepEqual(await askers.asking('begins anew', ask(one, ['a'])), { answer: 'granted' });
    await lane.client.workflow.getHandle('a run').terminate();
  });
});
