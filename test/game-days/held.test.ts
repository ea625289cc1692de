/** Game days on a real server: how one is held, by whom, and what it comes to. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Criterion, Scenario } from '../../domain/game-day.ts';
import type { SeriesByProbe } from '../../domain/probe.ts';
import { mergeSeries } from '../../domain/samples.ts';
import { recordAs } from '../replay/record.ts';
import { until } from '../until.ts';
import { byHand, gameDayOf, long, scenarioOf, workOf } from './day-of.ts';
import { Days, ofType } from './days.ts';

const at = (value: number) => ({ value, dimension: 'count', text: `${value}` }) as const;

describe('a game day', () => {
  let days: Days;
  before(async () => {
    days = await Days.open();
  });
  after(() => days.close());

  /** Whether this run of the day is under its fault. */
  const holds = (run: string): Promise<void> =>
    until(async () => {
      const story = await days.lane.client.workflow
        .getHandle(run)
        .query<{ state: { phase: string } }, [number]>('story', 1e9)
        .catch(() => undefined);
      return story?.state.phase === 'holding';
    }, `${run} holds`);

  describe('side by side', { concurrency: 4 }, () => {
    it('waits for its commander, runs what they approve, and keeps the record', async () => {
      const criteria: Criterion[] = [
        { name: 'back soon', kind: 'recovery', withinMs: 20_000 },
        { name: 'it holds', kind: 'hypothesis' },
      ];
      const scenarios = [
        scenarioOf({ approve: 'commander', criteria }),
        scenarioOf({ name: 'two at once', offsetMs: 1_000, work: { kind: 'parallel', of: [workOf({}), workOf({})] } }),
      ];
      const day = await days.call('whole', gameDayOf({ scenarios }));
      assert.equal((await day.story()).state.phase, 'called');
      await day.refused('bob', { act: 'begin' }, /^bob may not begin; the commander is alice$/);
      await day.refused('alice', { act: 'approve', scenario: 0 }, /has not begun/);
      await day.does('alice', { act: 'begin' });
      await day.refused('alice', { act: 'begin' }, /the day has begun already/);
      await day.has({ type: 'scenario-due' });
      assert.equal((await day.story()).state.phase, 'waiting-for-approval');
      await day.refused('carol', { act: 'approve', scenario: 0 }, /may not approve/);
      await day.refused(
        'alice',
        { act: 'approve', scenario: 1 },
        /the scenario that is on is 1 \(nothing happens\), found 2/,
      );
      await day.does('alice', { act: 'approve', scenario: 0 });
      assert.deepEqual(await day.end(), { day: 'whole', ending: 'completed', why: '2 of 2 scenarios were done' });
      const events = await day.record();
      const runs = ofType(events, 'run-ended');
      assert.deepEqual(
        runs.map(({ scenario, status, deviated }) => [scenario, status, deviated]),
        [0, 1, 1].map((scenario) => [scenario, 'completed', false]),
      );
      assert.ok(runs.every(({ recoveredMs }) => recoveredMs !== undefined));
      assert.deepEqual(
        ofType(events, 'criterion').map(({ verdict, evidence }) => [verdict, evidence !== '']),
        [
          ['met', true],
          ['met', true],
        ],
      );
      assert.equal(ofType(events, 'begun')[0]?.by, 'alice (not authenticated)');
      assert.equal(ofType(events, 'scenario-begun')[0]?.by, 'alice (not authenticated)');
      const samples = ofType(events, 'samples').reduce<SeriesByProbe>(
        (all, { series }) => mergeSeries(all, series),
        {},
      );
      const times = samples['level']?.points.map(([atMs]) => atMs) ?? [];
      assert.ok(times.length >= 3, `${times.length} samples`);
      assert.equal(new Set(times).size, times.length, 'each once');
      const journal = await days.store.read(runs[0]?.run ?? '');
      const started = journal?.events.find((event) => event.type === 'started');
      assert.match(started?.startedBy ?? '', /^game day a-day, commanded by alice/);
      const audited = await Array.fromAsync(days.store.audit.entries());
      const ours = audited.filter(({ key }) => key.startsWith('game-day whole '));
      assert.deepEqual(
        ours.map(({ what, who, why }) => [what, who, why]),
        [
          ['game-day', 'a test (not authenticated)', 'whole: called: To see whether it holds'],
          ['game-day', 'alice (not authenticated)', 'whole: begun'],
          ['game-day', 'alice (not authenticated)', 'whole: scenario 1 approved'],
        ],
      );
      assert.equal(new Set(ours.map(({ hash }) => hash)).size, 1);
      assert.match(ours[0]?.hash ?? '', /^[\da-f]{64}$/);
      await recordAs(days.lane.client, day.name, 'whole.day');
    });

    it('begins no other scenario while it is paused, and goes on', async () => {
      const day = await days.call(
        'paused',
        gameDayOf({ scenarios: [scenarioOf({ work: byHand('wait') }), scenarioOf()] }),
      );
      await day.does('alice', { act: 'begin' });
      await day.has({ type: 'step-asked' });
      await day.does('alice', { act: 'pause', why: 'lunch' });
      await day.refused('alice', { act: 'pause', why: 'again' }, /paused already/);
      await day.refused('dave', { act: 'done', scenario: 0, step: 'wait' }, /dave has no role/);
      await day.refused('carol', { act: 'done', scenario: 0, step: 'sleep' }, /no such step is open; open: wait/);
      await day.does('carol', { act: 'done', scenario: 0, step: 'wait' });
      await day.has({ type: 'scenario-ended', scenario: 0, ending: 'done' });
      assert.equal((await day.story()).state.phase, 'paused');
      assert.equal((await day.story()).state.scenarios[1]?.phase, 'ahead');
      await day.does('alice', { act: 'resume' });
      assert.equal((await day.end()).ending, 'completed');
      const [done] = ofType(await day.record(), 'step-done');
      assert.equal(done?.by, 'carol (not authenticated)');
      assert.ok((done?.tookMs ?? -1) >= 0);
    });

    it('is skipped where the commander says so: what runs is rolled back, what is due is not begun', async () => {
      const criteria: Criterion[] = [{ name: 'told', kind: 'judged', by: 'observer' }];
      const scenarios = [scenarioOf({ work: long(), criteria }), scenarioOf({ approve: 'commander' })];
      const day = await days.call('skipped', gameDayOf({ scenarios }));
      await day.does('alice', { act: 'begin' });
      const run = await day.has({ type: 'run' });
      await holds(run.type === 'run' ? run.run : '');
      await day.does('alice', { act: 'skip', scenario: 0, why: 'we have seen enough' });
      await day.has({ type: 'scenario-due', scenario: 1 });
      await day.does('alice', { act: 'skip', scenario: 1, why: 'it is late' });
      assert.deepEqual(await day.end(), { day: 'skipped', ending: 'completed', why: '0 of 2 scenarios were done' });
      const events = await day.record();
      const [ended] = ofType(events, 'run-ended');
      assert.deepEqual([ended?.status, ended?.reason], ['aborted', 'we have seen enough']);
      assert.deepEqual(
        ofType(events, 'scenario-ended').map(({ ending, why, by }) => [ending, why, by]),
        [
          ['skipped', 'we have seen enough', 'alice (not authenticated)'],
          ['skipped', 'it is late', 'alice (not authenticated)'],
        ],
      );
      assert.equal(ofType(events, 'criterion')[0]?.verdict, 'unknown');
      assert.equal(ofType(events, 'scenario-begun').length, 1);
    });

    it('is aborted by its commander: what runs is rolled back first, and nothing else begins', async () => {
      const day = await days.call('aborted', gameDayOf({ scenarios: [scenarioOf({ work: long() }), scenarioOf()] }));
      await day.does('alice', { act: 'begin' });
      const run = await day.has({ type: 'run' });
      await holds(run.type === 'run' ? run.run : '');
      await day.refused('bob', { act: 'abort', why: 'I do not like it' }, /bob may not abort/);
      await day.does('alice', { act: 'abort', why: 'customers complain' });
      assert.deepEqual(await day.end(), { day: 'aborted', ending: 'aborted', why: 'customers complain' });
      const events = await day.record();
      const types = events.map(({ type }) => type);
      assert.ok(types.indexOf('run-ended') < types.indexOf('day-ended'));
      assert.deepEqual(
        ofType(events, 'scenario-ended').map(({ ending }) => ending),
        ['aborted', 'skipped'],
      );
      await assert.rejects(day.does('alice', { act: 'note', text: 'too late' }));
    });

    it('times a scenario out, unless it is extended; and a day whose time is over skips what is left', async () => {
      const scenarios = [
        scenarioOf({ work: byHand('one'), timeoutMs: 10_000 }),
        scenarioOf({ work: byHand('two') }),
        scenarioOf(),
      ];
      const day = await days.call('late', gameDayOf({ scenarios, durationMs: 3_600_000 }));
      await day.does('alice', { act: 'begin' });
      await day.has({ type: 'step-asked', step: 'one' });
      await day.does('alice', { act: 'extend', byMs: 1_000, scenario: 0 });
      await day.refused('alice', { act: 'extend', byMs: 0 }, /expected 1 ms to 24 h/);
      await day.has({ type: 'scenario-ended', scenario: 0, ending: 'timed-out' });
      await day.has({ type: 'step-asked', step: 'two' });
      await day.refused('alice', { act: 'extend', byMs: 1_000, scenario: 0 }, /the scenario that is on is 2/);
      await day.does('alice', { act: 'abort', why: 'enough' });
      await day.end();
      const events = await day.record();
      const [begun] = ofType(events, 'scenario-begun');
      const [ended] = ofType(events, 'scenario-ended');
      assert.ok((ended?.atMs ?? 0) - (begun?.atMs ?? 0) >= 11_000, 'a second longer than its timeout');

      const short = await days.call(
        'short',
        gameDayOf({ scenarios: [scenarioOf({ work: byHand('one') }), scenarioOf()], durationMs: 15_000 }),
      );
      await short.does('alice', { act: 'begin' });
      await short.has({ type: 'step-asked' });
      await short.does('alice', { act: 'extend', byMs: 1_500 });
      assert.equal((await short.end()).ending, 'completed');
      assert.deepEqual(
        ofType(await short.record(), 'scenario-ended').map(({ ending, why }) => [ending, why]),
        [
          ['timed-out', 'the time of the day is over'],
          ['skipped', 'the time of the day is over'],
        ],
      );
    });

    it('judges what is measured by what was sampled, and asks people for the rest', async () => {
      const measured = (
        name: string,
        max: number,
        when: Extract<Criterion, { kind: 'measured' }>['when'],
        probe = 'level',
      ): Criterion => ({
        name,
        kind: 'measured',
        probe,
        accept: { kind: 'range', max: at(max) },
        when,
      });
      const criteria: Criterion[] = [
        measured('all the time', 5, 'throughout'),
        measured('never below', -1, 'throughout'),
        measured('in the end', 5, 'at-end'),
        measured('not in the end', -1, 'at-end'),
        measured('soon', 5, { withinMs: 30_000 }),
        measured('never', -1, { withinMs: 2_000 }),
        measured('nobody knows', 5, 'throughout', 'there-is-none'),
        measured('nobody knows in the end', 5, 'at-end', 'there-is-none'),
        { name: 'customers were told', kind: 'judged', by: 'observer' },
        { name: 'there is an alert', kind: 'alert', alert: 'Any', withinMs: 2_000 },
      ];
      const day = await days.call('judged', gameDayOf({ scenarios: [scenarioOf({ criteria })] }));
      await day.does('alice', { act: 'begin' });
      // What is to last is judged when all else is answered.
      await day.has({ type: 'criterion', criterion: 9 });
      const judge = { act: 'judge', scenario: 0, criterion: 8, met: true, why: 'the page said so' } as const;
      await day.refused('bob', judge, /bob may not judge it: that is the observer’s/);
      await day.refused('carol', { ...judge, criterion: 0 }, /is not judged by people/);
      await day.refused('carol', { ...judge, why: 'x'.repeat(1_001) }, /expected at most 1000 characters, found 1001/);
      await day.does('carol', judge);
      assert.equal((await day.end()).ending, 'completed');
      const found = ofType(await day.record(), 'criterion');
      assert.deepEqual(
        criteria.map(({ name }, index) => [name, found.find(({ criterion }) => criterion === index)?.verdict]),
        [
          ['all the time', 'met'],
          ['never below', 'missed'],
          ['in the end', 'met'],
          ['not in the end', 'missed'],
          ['soon', 'met'],
          ['never', 'missed'],
          ['nobody knows', 'unknown'],
          ['nobody knows in the end', 'unknown'],
          ['customers were told', 'met'],
          ['there is an alert', 'unknown'],
        ],
        JSON.stringify(found.map(({ evidence }) => evidence)),
      );
    });

    it('takes notes, findings and actions of anybody, and nothing that is none', async () => {
      const day = await days.call('noted', gameDayOf({ scenarios: [scenarioOf({ approve: 'commander' })] }));
      await day.does('bob', { act: 'note', text: 'we begin late' });
      await day.does('eve', { act: 'note', text: 'hello' });
      await day.does('carol', { act: 'finding', text: 'nobody knew the runbook', scenario: 0 });
      await day.does('carol', { act: 'action', text: 'write it', owner: 'dan' });
      for (const odd of [null, 7, 'begin', {}, { act: 'gossip' }, { act: 'note' }, { act: 'judge', scenario: -1 }])
        await day.refused('alice', odd, /nothing that can be done in a game day/);
      await day.refused('bob', { act: 'note', text: ' ' }, /expected some words/);
      await day.refused('bob', { act: 'finding', text: 'x', scenario: 7 }, /there is no scenario 8/);
      await day.does('alice', { act: 'abort', why: 'nobody is here' });
      assert.equal((await day.end()).ending, 'aborted');
      const events = await day.record();
      assert.deepEqual(
        ofType(events, 'note').map(({ as }) => as),
        ['scribe', 'guest'],
      );
      assert.deepEqual([ofType(events, 'finding')[0]?.scenario, ofType(events, 'action')[0]?.owner], [0, 'dan']);
      assert.equal(ofType(events, 'begun').length, 0);
    });

    it('stops a sequence at what is refused, and says so', async () => {
      const elsewhere = workOf({ preconditions: { window: 'there-is-none' } });
      const work: Scenario['work'] = { kind: 'sequence', of: [elsewhere, workOf({})] };
      const criteria: Criterion[] = [
        { name: 'it holds', kind: 'hypothesis' },
        { name: 'told', kind: 'judged', by: 'observer' },
      ];
      const day = await days.call('refused', gameDayOf({ scenarios: [scenarioOf({ work, criteria })] }));
      await day.does('alice', { act: 'begin' });
      assert.equal((await day.end()).ending, 'completed');
      const events = await day.record();
      assert.deepEqual(
        ofType(events, 'run-ended').map(({ status }) => status),
        ['refused'],
      );
      const [ended] = ofType(events, 'scenario-ended');
      assert.equal(ended?.ending, 'aborted');
      assert.match(ended?.why ?? '', /^refused-1-1-torture was refused: window/);
      assert.deepEqual(
        ofType(events, 'criterion').map(({ verdict }) => verdict),
        ['unknown', 'unknown'],
      );
    });

    it('is no day where it was started with something else', async () => {
      for (const [index, odd] of [
        null,
        {},
        { gameDay: gameDayOf() },
        { gameDay: { ...gameDayOf(), scenarios: [{}] }, documentHash: '', calledBy: '' },
      ].entries()) {
        const id = `odd-${index}`;
        await days.lane.client.workflow.start('gameDay', { workflowId: id, taskQueue: 'control', args: [odd] });
        await assert.rejects(days.lane.client.workflow.getHandle(id).result(), (error: Error) => {
          assert.match((error.cause as Error).message, /is no game day/);
          return true;
        });
      }
    });
  });
});
