/**
 * A game day that is struck at each step of a scenario: the slate is clean afterwards, and the day goes on or ends as docs/game-days.md says.
 *
 * Five days are brought to a step each, and struck together: a worker that is killed is everybody's.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { reset } from '../../bench/torture/blows.ts';
import type { Part } from '../../bench/torture/lane.ts';
import { Victims } from '../../bench/torture/victims.ts';
import { pausing } from '../../bench/torture/experiment.ts';
import type { DayAct } from '../../domain/game-day-acts.ts';
import type { Scenario } from '../../domain/game-day.ts';
import { assertCleanSlate } from '../engine/clean-slate.ts';
import { until } from '../until.ts';
import { gameDayOf, scenarioOf } from './day-of.ts';
import { Days, ofType } from './days.ts';
import type { Held } from './days.ts';

const STEP = { kind: 'by-hand', step: 'look' } as const;
const held = (): Scenario['work'] => {
  const pause = pausing({
    fault: 'host/pause',
    group: 'victims',
    seed: 'any',
    ttlMs: 30_000,
    stages: [2],
    holdMs: 600_000,
  });
  return { kind: 'experiment', experiment: pause, documentHash: '' };
};

/** Each step: its scenario, how a day comes there, and what goes on from there. */
const STEPS: Readonly<
  Record<
    string,
    {
      readonly scenario: Partial<Scenario>;
      readonly there: (day: Held) => Promise<unknown>;
      readonly on: readonly [string, DayAct][];
    }
  >
> = {
  called: {
    scenario: { work: STEP },
    there: async (day) => day.has({ type: 'called' }),
    on: [
      ['alice', { act: 'begin' }],
      ['alice', { act: 'done', scenario: 0, step: 'look' }],
    ],
  },
  due: {
    scenario: { work: STEP, approve: 'commander' },
    there: async (day) => {
      await day.does('alice', { act: 'begin' });
      await day.has({ type: 'scenario-due' });
    },
    on: [
      ['alice', { act: 'approve', scenario: 0 }],
      ['bob', { act: 'done', scenario: 0, step: 'look' }],
    ],
  },
  holding: {
    scenario: { work: held() },
    there: async (day) => {
      await day.does('alice', { act: 'begin' });
      await day.has({ type: 'run' });
    },
    on: [['alice', { act: 'skip', scenario: 0, why: 'seen' }]],
  },
  'by-hand': {
    scenario: { work: STEP },
    there: async (day) => {
      await day.does('alice', { act: 'begin' });
      await day.has({ type: 'step-asked' });
    },
    on: [['alice', { act: 'done', scenario: 0, step: 'look' }]],
  },
  judging: {
    scenario: { work: STEP, criteria: [{ name: 'told', kind: 'judged', by: 'observer' }] },
    there: async (day) => {
      await day.does('alice', { act: 'begin' });
      await day.has({ type: 'step-asked' });
      await day.does('alice', { act: 'done', scenario: 0, step: 'look' });
    },
    on: [['carol', { act: 'judge', scenario: 0, criterion: 0, met: true, why: 'seen' }]],
  },
};
const names = Object.keys(STEPS);

describe('a game day that is struck', () => {
  let days: Days;
  let called = 0;
  before(async () => {
    days = await Days.open();
  });
  after(() => days.close());

  /** Five days, each at its step, and the clean slate after what `act` does to them. */
  async function struck(act: (all: ReadonlyMap<string, Held>) => Promise<void>): Promise<void> {
    const victims = await Victims.start(join(days.folder, 'victims'), 'victims', 3);
    called += 1;
    try {
      const all = new Map<string, Held>();
      await Promise.all(
        Object.entries(STEPS).map(async ([name, { scenario, there }]) => {
          const day = await days.call(
            `${name}-${called}`,
            gameDayOf({ scenarios: [scenarioOf(scenario), scenarioOf({ work: STEP, approve: 'commander' })] }),
          );
          all.set(name, day);
          await there(day);
        }),
      );
      await until(() => victims.stopped().length >= 2);
      await act(all);
      await assertCleanSlate(days.lane, `holding-${called}-1-1-torture`, victims);
    } finally {
      await victims.end();
    }
  }

  /** Does it as soon as the day takes it. */
  async function does(day: Held, by: string, act: DayAct): Promise<void> {
    await until(async () => {
      return day.does(by, act).then(
        () => true,
        () => false,
      );
    }, `${day.name} takes ${act.act}`);
  }

  for (const parts of [
    ['control'],
    ['site'],
    ['temporal'],
    ['control', 'site', 'temporal'],
  ] as const satisfies Part[][])
    it(`goes on: kill ${parts.join(' and ')}`, () =>
      struck(async (all) => {
        await Promise.all(parts.map((part) => days.lane.kill(part)));
        for (const part of parts.toSorted((a) => (a === 'temporal' ? -1 : 1))) await days.lane.start(part);
        await Promise.all(
          [...all].map(async ([name, day]) => {
            const ended = (): Promise<boolean> =>
              day.story().then(
                ({ state }) => state.scenarios[0]?.phase === 'ended',
                () => false,
              );
            for (const [by, act] of STEPS[name]?.on ?? [])
              // A run that was unwatched for too long may have ended by itself.
              await until(
                async () =>
                  (await ended()) ||
                  day.does(by, act).then(
                    () => true,
                    () => false,
                  ),
                `${day.name}: ${act.act}`,
              );
            await day.has({ type: 'scenario-ended', scenario: 0 });
            await does(day, 'alice', { act: 'skip', scenario: 1, why: 'seen' });
            assert.equal((await day.end()).ending, 'completed', day.name);
            const events = await day.record();
            assert.deepEqual(
              ofType(events, 'scenario-begun').map(({ scenario }) => scenario),
              [0],
              day.name,
            );
            for (const type of ['called', 'begun', 'day-ended'] as const)
              assert.equal(ofType(events, type).length, 1, `${day.name}: ${type}`);
          }),
        );
      }));

  it('takes its runs along: terminate', () =>
    struck(async (all) => {
      await Promise.all([...all.values()].map((day) => day.handle.terminate('a test')));
      const run = await all.get('holding')?.has({ type: 'run' });
      const { status } = (await days.lane.client.workflow.getHandle(run?.type === 'run' ? run.run : '').result()) as {
        status: string;
      };
      assert.equal(status, 'aborted');
    }));

  for (const [how, strike] of [
    ['cancel', (day: Held) => day.handle.cancel()],
    ['reset to its first task', (day: Held) => reset(day.handle, days.lane, 'first')],
    ['reset to its last task', (day: Held) => reset(day.handle, days.lane, 'last')],
  ] as const)
    it(`ends as interrupted, once its runs have rolled back: ${how}`, () =>
      struck(async (all) => {
        await Promise.all([...all.values()].map((day) => strike(day)));
        // What notices a reset of a day that waits is the next thing that is written.
        for (const name of names) {
          const day = all.get(name) ?? assert.fail();
          if (how !== 'cancel') await nudge(day);
          const { ending, why } = await day.end();
          assert.equal(ending, 'interrupted', day.name);
          assert.match(why, how === 'cancel' ? /was cancelled/ : /was reset/);
          const events = await day.record();
          assert.equal(events.filter(({ type }) => type !== 'samples').at(-1)?.type, 'day-ended');
          const runs = ofType(events, 'run-ended');
          if (name === 'holding') assert.ok(runs.length > 0 && runs.every(({ status }) => status === 'aborted'));
          assert.equal(ofType(events, 'scenario-begun').filter(({ scenario }) => scenario === 1).length, 0);
        }
      }));

  /** A note, which a day takes that is not over. */
  async function nudge(day: Held): Promise<void> {
    await until(async () => {
      const { status } = await day.handle.describe();
      return (
        status.name !== 'RUNNING' ||
        day.does('bob', { act: 'note', text: 'is anybody there?' }).then(
          () => true,
          () => false,
        )
      );
    });
  }
});
