/** What of a game day is audited: what somebody began, went on with, or ended, and nothing that nobody did. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auditOfDayEvent } from '../../domain/game-day-audit.ts';
import type { GameDayEntry } from '../../domain/game-day-events.ts';

const alice = { by: 'alice', from: 'desk' };
const audited = (entry: GameDayEntry) => auditOfDayEvent('a-day', { seq: 3, atMs: 5_000, ...entry }, 'a hash');

test('what somebody did, once, with what the day was', () => {
  assert.deepEqual(audited({ type: 'paused', why: 'lunch', ...alice }), {
    key: 'game-day a-day 3 5000 paused',
    atMs: 5_000,
    what: 'game-day',
    who: 'alice',
    from: 'desk',
    why: 'a-day: paused: lunch',
    hash: 'a hash',
  });
  const cases: readonly (readonly [GameDayEntry, string])[] = [
    [{ type: 'begun', ...alice }, 'begun'],
    [{ type: 'scenario-begun', scenario: 1, ...alice }, 'scenario 2 approved'],
    [{ type: 'scenario-ended', scenario: 0, ending: 'skipped', why: 'late', ...alice }, 'scenario 1 skipped: late'],
    [{ type: 'resumed', ...alice }, 'resumed'],
    [{ type: 'extended', byMs: 60_000, ...alice }, 'the day extended by 1m'],
    [{ type: 'extended', byMs: 60_000, scenario: 0, ...alice }, 'scenario 1 extended by 1m'],
    [{ type: 'day-ended', ending: 'aborted', why: 'enough', ...alice }, 'aborted: enough'],
  ];
  for (const [entry, why] of cases) assert.equal(audited(entry)?.why, `a-day: ${why}`);
});

test('nothing that nobody did, nor what is only learnt', () => {
  const none: readonly GameDayEntry[] = [
    { type: 'scenario-begun', scenario: 0 },
    { type: 'scenario-ended', scenario: 0, ending: 'done', why: 'all was met' },
    { type: 'day-ended', ending: 'completed', why: 'all was done' },
    { type: 'note', as: 'scribe', text: 'the pager went', ...alice },
    { type: 'criterion', scenario: 0, criterion: 0, verdict: 'met', evidence: 'seen', ...alice },
  ];
  for (const entry of none) assert.equal(audited(entry), undefined);
});
