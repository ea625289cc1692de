/** Game days on a real server: how one is held, by whom, and what it comes to. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { gameDayOf, scenarioOf } from './day-of.ts';
import { Days, ofType } from './days.ts';

describe('a game day', () => {
  let days: Days;
  before(async () => {
    days = await Days.open();
  });
  after(() => days.close());

  it('waits for its commander, runs what they approve, and keeps the record', async () => {
    const scenario = scenarioOf({
      approve: 'commander',
      criteria: [{ name: 'back soon', kind: 'recovery', withinMs: 20_000 }],
    });
    const day = await days.call('thin', gameDayOf({ scenarios: [scenario] }));
    assert.equal((await day.story()).state.phase, 'called');
    await day.does('alice', { act: 'begin' });
    await day.has({ type: 'scenario-due' });
    assert.equal((await day.story()).state.phase, 'waiting-for-approval');
    await day.does('alice', { act: 'approve', scenario: 0 });
    assert.deepEqual(await day.end(), { day: 'thin', ending: 'completed', why: '1 of 1 scenarios were done' });
    const events = await day.record();
    const [run] = ofType(events, 'run-ended');
    assert.deepEqual([run?.status, run?.deviated], ['completed', false]);
    assert.ok(run?.recoveredMs !== undefined);
    const [criterion] = ofType(events, 'criterion');
    assert.equal(criterion?.verdict, 'met', criterion?.evidence);
    assert.deepEqual(
      events.filter(({ type }) => type !== 'samples').map(({ type }) => type),
      [
        'called',
        'begun',
        'baseline',
        'scenario-due',
        'scenario-begun',
        'run',
        'run-ended',
        'criterion',
        'scenario-ended',
        'day-ended',
      ],
    );
    assert.equal(ofType(events, 'begun')[0]?.by, 'alice (not authenticated)');
    const samples = ofType(events, 'samples').flatMap(({ series }) => series['level']?.points ?? []);
    assert.ok(samples.length >= 3, `${samples.length} samples`);
    assert.deepEqual(
      (await days.store.days.list()).map(({ day: name, ending }) => [name, ending]),
      [['thin', 'completed']],
    );
  });
});
