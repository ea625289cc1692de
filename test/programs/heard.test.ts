/** What a tick is started with may have been typed by hand: what none can be made of is none. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { pausing } from '../../bench/torture/experiment.ts';
import { tickHeard } from '../../workflows/heard.ts';

const experiment = pausing({ fault: 'noop/noop', group: 'any', seed: 'any', ttlMs: 5_000 });
const tick = (more: object): unknown => {
  const pool = [{ experiment, documentHash: 'any', draw: {} }];
  return {
    program: 'it',
    appliedBy: 'a test',
    cadence: { name: 'often', everyMs: 1, pick: 'random', dryRun: false, pool, ...more },
  };
};
const share = (ratio: unknown) => ({ kind: 'share', share: ratio, text: 'any' });
const count = { kind: 'count', count: 2, text: '2' };
const at = { weekday: 5, last: true, hour: 14, minute: 0, timeZone: 'UTC' };

for (const [name, more] of [
  ['as before 0.5', {}],
  ['with all that there is', { at, waitUpToMs: 0, radius: { from: share(0.01), to: share(0.05) } }],
  ['by numbers', { radius: { from: count, to: count } }],
] as const)
  it(`a tick ${name}`, () => assert.deepEqual(tickHeard(tick(more)), tick(more)));

for (const [name, more] of [
  ['a day that there is not', { at: { ...at, weekday: 7 } }],
  ['no hour', { at: { ...at, hour: '14' } }],
  ['no time', { at: 'daily 10:00 UTC' }],
  ['a wait without a number', { waitUpToMs: '30m' }],
  ['a radius of nobody, which has no end of steps', { radius: { from: share(0), to: share(0.05) } }],
  ['a radius below nobody', { radius: { from: share(-1), to: share(0.05) } }],
  ['a radius of two kinds', { radius: { from: count, to: share(0.05) } }],
  ['a radius of words', { radius: '5%' }],
  ['no more than half a radius', { radius: { from: count } }],
] as const)
  it(`not with ${name}`, () => assert.equal(tickHeard(tick(more)), undefined));
