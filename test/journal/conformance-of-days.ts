/** What every journal store must do with the records of game days, beside its journals. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { JournalError } from '../../activities/journal/store.ts';
import type { JournalStore } from '../../activities/journal/store.ts';
import { GAME_DAY_SCHEMA } from '../../domain/game-day-events.ts';
import type { GameDayEvent } from '../../domain/game-day-events.ts';
import { gameDayOf } from '../game-days/day-of.ts';

const gameDay = gameDayOf({ name: 'failover' });
const dayCalled = (atMs: number): GameDayEvent => ({
  seq: 0,
  atMs,
  type: 'called',
  gameDay,
  documentHash: 'a hash',
  installation: 'any',
  by: 'alice',
});

/** What was written of a day that was aborted. */
const heldDay = (): GameDayEvent[] => [
  dayCalled(1_000),
  { seq: 1, atMs: 2_000, type: 'begun', by: 'alice', from: 'laptop' },
  { seq: 0, atMs: 3_000, type: 'samples', series: { level: { dimension: 'count', points: [[3_000, null]] } } },
  { seq: 2, atMs: 9_000, type: 'day-ended', ending: 'aborted', why: 'nul \0, a lone \ud800, a line\nend' },
];

/** Defines the suite; `open` opens another store on the same place, as another process has it. */
export function conformanceOfDays(open: () => JournalStore): void {
  it('gives one back as it was, and lists how far each came, the latest last', async () => {
    const { days } = open();
    assert.equal(await days.read('late'), undefined);
    assert.deepEqual(await days.list(), []);
    await days.append('late', [dayCalled(5_000)]);
    assert.deepEqual((await days.append('early', heldDay())).added, heldDay());
    assert.deepEqual(await open().days.read('early'), { schema: GAME_DAY_SCHEMA, day: 'early', events: heldDay() });
    assert.deepEqual(await open().days.list(), [
      { day: 'early', gameDay: 'failover', calledAtMs: 1_000, begunAtMs: 2_000, endedAtMs: 9_000, ending: 'aborted' },
      { day: 'late', gameDay: 'failover', calledAtMs: 5_000, begunAtMs: null, endedAtMs: null, ending: null },
    ]);
    // They are not runs.
    assert.deepEqual(await open().list(), []);
    assert.equal(await open().read('early'), undefined);
  });

  it('keeps what is offered twice once, orders what is late, and loses nothing of a reset day', async () => {
    const { days } = open();
    const [called, ...rest] = heldDay() as [GameDayEvent, ...GameDayEvent[]];
    await days.append('a', rest);
    assert.deepEqual((await days.append('a', [called, ...rest])).added, [called]);
    const again = { ...called, atMs: 20_000 };
    await days.append('a', [called, again]);
    assert.deepEqual((await days.read('a'))?.events, [called, ...rest, again]);
  });

  it('refuses events that are not events, and names that are none', async () => {
    const { days } = open();
    await assert.rejects(days.append('a', [{ ...dayCalled(0), seq: -1 }]));
    await assert.rejects(days.append('', [dayCalled(0)]), JournalError);
    assert.equal(await days.read('a'), undefined);
  });
}
