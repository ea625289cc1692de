/** What is heard: whatever somebody sends, it is read or it is nothing, and nothing of it throws. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { pausing } from '../../bench/torture/experiment.ts';
import { actHeard, dayHeard } from '../../workflows/day-heard.ts';
import {
  abortHeard,
  askHeard,
  endersHeard,
  newsHeard,
  resumeHeard,
  runHeard,
  stopHeard,
  tellingsHeard,
  withdrawalHeard,
} from '../../workflows/heard.ts';
import { gameDayOf } from '../game-days/day-of.ts';
import { noticeOf } from '../notify/notices.ts';

const HEARD = [abortHeard, stopHeard, resumeHeard, askHeard, withdrawalHeard, newsHeard, tellingsHeard, endersHeard];

test('no payload makes a reader throw', () => {
  fc.assert(
    fc.property(fc.option(fc.jsonValue(), { nil: undefined }), (payload) => {
      for (const heard of [...HEARD, runHeard, dayHeard, actHeard]) heard(payload);
    }),
  );
});

test('an ask is taken with what an ask has, and nothing that it may not say of itself', () => {
  const ask = {
    run: 'a',
    execution: 'a-1',
    stage: 0,
    services: [{ service: '', members: 3, keys: ['t'] }],
    limits: { runs: 2, serviceShare: 0.2 },
    waits: true,
  };
  assert.deepEqual(askHeard(ask), ask);
  assert.deepEqual(askHeard({ ...ask, remembered: true, services: [{ ...ask.services[0], more: 1 }] }), ask);
  for (const wrong of [
    { run: 1 },
    { stage: '0' },
    { limits: null },
    { services: [null] },
    { services: [{ keys: [1] }] },
  ])
    assert.equal(askHeard({ ...ask, ...wrong }), undefined, JSON.stringify(wrong));
  assert.deepEqual(withdrawalHeard(ask), { execution: 'a-1', stage: 0 });
  for (const wrong of [null, {}, { execution: 'a-1' }, { execution: 1, stage: 0 }])
    assert.equal(withdrawalHeard(wrong), undefined);
});

test('of what is to be told, what can be told is taken', () => {
  const telling = { notice: noticeOf('a', 'started', 0), to: ['chat'] };
  const odd = [null, {}, { notice: telling.notice }, { ...telling, to: [7] }, { ...telling, notice: { key: 'k' } }];
  assert.deepEqual(tellingsHeard([odd[0], telling, ...odd]), [telling]);
  assert.deepEqual(tellingsHeard([{ ...telling, notice: { ...telling.notice, facts: { site: 7 } } }]), []);
  assert.deepEqual(tellingsHeard(null), []);
  assert.deepEqual([endersHeard(['chat']), endersHeard(null), endersHeard([7])], [['chat'], undefined, undefined]);
});

test('what no run can be made of is none', () => {
  const experiment = pausing({ fault: 'host/pause', group: 'any', seed: 'any', ttlMs: 10_000 });
  const input = { experiment, documentHash: '', startedBy: 'a test' };
  assert.equal(runHeard(input), input);
  const { blastRadius, targets } = experiment;
  const odd: unknown[] = [undefined, null, {}, { experiment: null }, { experiment: {} }];
  for (const change of [
    { targets: null },
    { targets: { ...targets, site: undefined } },
    { blastRadius: {} },
    { blastRadius: { ...blastRadius, stages: [null] } },
    { stopConditions: undefined },
    { hypothesis: 7 },
  ])
    odd.push({ ...input, experiment: { ...experiment, ...change } });
  for (const one of odd) assert.equal(runHeard(one), undefined, JSON.stringify(one));
});

test('what no game day can be made of is none, and what is done in one is taken with nothing else', () => {
  const input = { gameDay: gameDayOf(), documentHash: '', calledBy: 'a test' };
  assert.equal(dayHeard(input), input);
  for (const change of [{ roles: {} }, { scenarios: [{}] }, { durationMs: '1h' }, { abortOn: [7] }, { watched: null }])
    assert.equal(dayHeard({ ...input, gameDay: { ...input.gameDay, ...change } }), undefined, JSON.stringify(change));
  const said = { claim: { by: 'alice' }, execution: 'a-1', act: { act: 'approve', scenario: 0 } };
  assert.deepEqual(actHeard(said), said);
  assert.deepEqual(actHeard({ ...said, more: 1, act: { ...said.act, force: true } }), said);
  for (const change of [
    { claim: {} },
    { claim: { by: '' } },
    { execution: 7 },
    { act: { act: 'approve', scenario: 0.5 } },
  ])
    assert.equal(actHeard({ ...said, ...change }), undefined, JSON.stringify(change));
});
