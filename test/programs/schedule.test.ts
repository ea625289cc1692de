/** Programs on a real server: what is scheduled, changed, paused and removed. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { applyProgram, scheduledCadences } from '../../workers/schedules.ts';
import { eventsOf, squall } from '../cli/squall.ts';
import { until } from '../until.ts';
import { document, ScheduledProgram } from './scheduled.ts';

describe('a program', () => {
  let scheduled: ScheduledProgram;
  before(async () => {
    scheduled = await ScheduledProgram.open();
  });
  after(() => scheduled.close());

  it('is applied as its file says, changes what has changed, and stays paused', async () => {
    assert.match(await scheduled.apply(document('6s')), /^created +shop-monkey\/seldom$/m);
    assert.match(await scheduled.apply(document('6s')), /^unchanged shop-monkey\/seldom$/m);
    await until(async () => (await scheduled.listed()) !== undefined);
    assert.match(
      await scheduled.schedule('list'),
      /shop-monkey\/seldom +every 30d, next 20[\d-]+T.*\n +one of: one-frozen, one-stutters/,
    );
    await scheduled.schedule('pause', 'shop-monkey', '--reason', 'the sale has begun');
    assert.match(
      await scheduled.apply(document('7s')),
      /^changed +shop-monkey\/seldom\n +pool: one-frozen is another\n +pool: one-stutters is another$/m,
    );
    assert.match(await scheduled.schedule('list'), /paused: the sale has begun \(alice\)/);
    assert.match(
      (await squall(['maturity'], scheduled.env)).out,
      /no schedule is active: shop-monkey\/seldom is paused: the sale has begun \(alice\)/,
    );
    const { code, err } = await squall(['schedule', 'tick', 'shop-monkey'], scheduled.env);
    assert.equal(code, 2);
    assert.match(err, /shop-monkey\/seldom is paused: the sale has begun/);
    // What is added to a program that is paused is not to begin.
    assert.match(await scheduled.apply(document('7s', 'added')), /^created +shop-monkey\/added$/m);
    assert.equal(
      (await scheduled.lane.client.schedule.getHandle('squall-program/shop-monkey/added').describe()).state.paused,
      true,
    );
    await scheduled.schedule('apply', await scheduled.file(document('7s')), '--prune');
    await scheduled.schedule('resume', 'shop-monkey/seldom', '--reason', 'it is over');
    assert.equal((await scheduled.listed())?.paused, false);
    assert.match((await squall(['maturity'], scheduled.env)).out, /✗ missing\n +proof: active: shop-monkey\/seldom$/m);
  });

  it('is made as it was again when somebody has changed its times in Temporal', async () => {
    const handle = scheduled.lane.client.schedule.getHandle('squall-program/shop-monkey/seldom');
    await handle.update((found) => ({ ...found, spec: { intervals: [{ every: '1 day' }] } }));
    assert.match(
      await scheduled.apply(document('7s')),
      /^changed +shop-monkey\/seldom\n +somebody had changed it in Temporal$/m,
    );
    assert.match(await scheduled.apply(document('7s')), /^unchanged shop-monkey\/seldom$/m);
  });

  it('is rid of what its file no longer has only when it is told to, and of all by name', async () => {
    const other = await scheduled.file(document('6s', 'other'));
    const said = eventsOf((await squall(['--json', 'schedule', 'apply', other], scheduled.env)).out);
    assert.deepEqual(
      said.map(({ cadence, what }) => [cadence, what]),
      [
        ['other', 'created'],
        ['seldom', 'left over'],
      ],
    );
    assert.match(await scheduled.schedule('apply', other, '--prune'), /^removed +shop-monkey\/seldom$/m);
    await until(async () => (await scheduledCadences(scheduled.lane.client)).length === 1);
    assert.match(await scheduled.schedule('remove', 'shop-monkey'), /removed shop-monkey\/other/);
    await until(async () => (await scheduledCadences(scheduled.lane.client)).length === 0);
    assert.match(await scheduled.schedule('list'), /nothing is scheduled/);
    const { code, err } = await squall(['schedule', 'pause', 'shop-monkey'], scheduled.env);
    assert.equal(code, 2);
    assert.match(err, /nothing that is scheduled as shop-monkey/);
  });

  it('that is none is refused', async () => {
    const { code, err } = await squall(
      ['schedule', 'apply', await scheduled.file(document('6s').slice(document('6s').indexOf('---')))],
      scheduled.env,
    );
    assert.equal(code, 2);
    assert.match(err, /has no program/);
    assert.deepEqual(
      await applyProgram(scheduled.lane.client, { name: 'nobody', cadences: [] }, { appliedBy: 'a test', prune: true }),
      [],
    );
  });
});
