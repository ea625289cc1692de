/** Ticks on a real server: what they run, and what is left when one is ended from outside. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openFileStore } from '../../activities/journal/file.ts';
import { reset } from '../../bench/torture/blows.ts';
import { pastRuns } from '../../activities/picking.ts';
import { standingOf } from '../../activities/standing.ts';
import { choose } from '../../domain/picking-choice.ts';
import { candidatesOf } from '../../domain/program.ts';
import { CONTROL_QUEUE } from '../../domain/queues.ts';
import { storyQuery } from '../../workflows/messages.ts';
import type { RunResult, TickInput } from '../../workflows/messages.ts';
import { eventsOf, squall } from '../cli/squall.ts';
import { assertCleanSlate } from '../engine/clean-slate.ts';
import { recordAs } from '../replay/record.ts';
import { abortedRun } from '../report/journals.ts';
import { until } from '../until.ts';
import { document, ScheduledProgram } from './scheduled.ts';

describe('a tick of a program', () => {
  let scheduled: ScheduledProgram;
  before(async () => {
    scheduled = await ScheduledProgram.open();
  });
  after(() => scheduled.close());

  /** The run that a tick has begun. */
  const childOf = async (tick: string): Promise<string> => {
    let run = '';
    await until(async () => {
      const { raw } = await scheduled.lane.client.workflow.getHandle(tick).describe();
      run = raw.pendingChildren?.[0]?.workflowId ?? '';
      return run !== '';
    }, `${tick} has begun a run`);
    return run;
  };

  /** What chose a run chooses it again, by what the journal has of it and of those before. */
  const choosesAgain = async (run: string): Promise<void> => {
    const store = openFileStore(join(scheduled.lane.folder, 'journal'));
    const chosen = (await store.read(run))?.events.find((event) => event.type === 'chosen');
    assert.ok(chosen?.type === 'chosen');
    const { pick, seed, atMs = assert.fail(), everyMs = assert.fail(), ranking } = chosen.choice;
    const { action } = await scheduled.lane.client.schedule.getHandle('squall-program/shop-monkey/seldom').describe();
    const [{ cadence }] = action.args as [TickInput];
    // Of processes nobody knows when they were deployed.
    const pool = candidatesOf(
      cadence,
      cadence.pool.map(() => null),
    );
    const past = pastRuns(
      (await store.list()).filter(({ startedAtMs }) => startedAtMs < atMs),
      pool,
    );
    assert.ok(past.length > 0);
    assert.deepEqual(choose({ pick, seed, pool, past, nowMs: atMs, everyMs }).ranking, ranking);
  };

  it('runs one of its pool at each tick, as who applied it, with what was drawn; it can be chosen again', async () => {
    await scheduled.apply(document('10s'));
    const id = await scheduled.tick();
    const done = await scheduled.resultOf(id);
    const { picked, drawn, run = '', status, deviated } = done;
    assert.deepEqual({ status, deviated }, { status: 'completed', deviated: false });
    const { events } = await scheduled.lane.client.workflow.getHandle(run).query(storyQuery, 0);
    const started = events.find(({ type }) => type === 'started');
    assert.ok(started?.type === 'started');
    assert.equal(started.experiment.name, picked);
    assert.match(started.startedBy, /program shop-monkey, applied by alice on /);
    if (picked === 'one-stutters') assert.ok((drawn['stop'] ?? 0) >= 20 && (drawn['stop'] ?? 0) <= 400);
    else assert.deepEqual(drawn, {});
    for (const [key, value] of Object.entries(drawn)) assert.equal(started.experiment.with[key], value);
    assert.match(await scheduled.schedule('list'), new RegExp(`last: +${run}: completed, held`));
    await assertCleanSlate(scheduled.lane, run, scheduled.victims);
    await recordAs(scheduled.lane.client, id, 'tick.program');
    const why = await scheduled.schedule('why', run);
    assert.equal(await scheduled.schedule('why', id), why);
    const counted = /^chaos_program_ticks_total\{program="shop-monkey",cadence="seldom",ended="ran"\} [1-9]/m;
    await until(async () => counted.test(await scheduled.lane.metrics('control')));
    assert.match(
      why,
      new RegExp(`^shop-monkey/seldom picks by evidence, with the seed ${done.seed}\n +1 +${picked} +untested  \\d`),
    );
    assert.match(why, /risk 1 × value [\d.]+ × staleness 1 × change 1$/m);
    const [told] = eventsOf((await squall(['--json', 'schedule', 'why', run], scheduled.env)).out);
    const [first] = (told?.['ranking'] ?? []) as readonly { readonly experiment: string }[];
    assert.deepEqual(
      [told?.['program'], told?.['pick'], first?.experiment, told?.['of']],
      ['shop-monkey', 'evidence', picked, 2],
    );
    // The other one is what nobody has tried.
    const next = await scheduled.ticked();
    await choosesAgain(next.run ?? '');
    assert.deepEqual(
      [next.status, next.picked],
      ['completed', picked === 'one-frozen' ? 'one-stutters' : 'one-frozen'],
    );
  });

  it('goes farther after a run that held, as far as its cadence lets it', async () => {
    const text = document('5s', 'seldom', ', radius: [1, 2]')
      .replace(/pool: \[.*\}\]/, 'pool: [one-frozen]')
      .replaceAll('stages: [1]', 'stages: [1, 3]');
    assert.match(await scheduled.apply(text), /radius: 1 to 2, was radius: none/);
    const reached: (number | undefined)[] = [];
    const runs: string[] = [];
    for (let times = 0; times < 3; times++) {
      const { run = '', status } = await scheduled.ticked();
      assert.equal(status, 'completed');
      runs.push(run);
      reached.push(
        (await openFileStore(join(scheduled.lane.folder, 'journal')).list()).find((head) => head.run === run)?.reached,
      );
    }
    assert.deepEqual(reached, [1, 2, 2]);
    const [first, second, third] = runs;
    const why = async (run = ''): Promise<string> => scheduled.schedule('why', run);
    assert.match(await why(first), /^ +at 1, step 1 of 2: /m);
    assert.match(await why(second), new RegExp(`^ +at 2, step 2 of 2: wider since ${first} held$`, 'm'));
    assert.match(await why(third), new RegExp(`^ +at 2, step 2 of 2: wider since ${first} held$`, 'm'));
    assert.match(await scheduled.schedule('list'), /one of: one-frozen, at 1 to 2$/m);
  });

  it('passes over what has deviated until somebody acknowledges it', async () => {
    const store = openFileStore(join(scheduled.lane.folder, 'journal'));
    /** A run of `experiment` that deviated. */
    const found = async (experiment: string): Promise<string> => {
      const run = `${experiment}-found`;
      const named = abortedRun().events.map((event) =>
        event.type === 'started' ? { ...event, experiment: { ...event.experiment, name: experiment } } : event,
      );
      await store.append(run, named);
      return run;
    };
    await scheduled.apply(document('6s', 'seldom', ', dryRun: true'));
    const finding = await found('one-frozen');
    assert.equal((await scheduled.ticked()).picked, 'one-stutters');
    await found('one-stutters');
    const idle = await scheduled.tick();
    const { skipped = '', picked } = await scheduled.resultOf(idle);
    assert.match(
      await scheduled.schedule('why', idle),
      /- +one-frozen +passed over: one-frozen-found deviated[^]*^nothing was begun: each of its pool has deviated/m,
    );
    await recordAs(scheduled.lane.client, idle, 'all-wait.program');
    assert.equal(picked, '');
    assert.match(skipped, /has deviated, and nobody has acknowledged it: one-frozen-found, one-stutters-found/);
    assert.match(
      await scheduled.schedule('acknowledge', finding, '--reason', 'SHOP-214'),
      /programs may take one-frozen again/,
    );
    await recordAs(scheduled.lane.client, `acknowledge-${finding}`, 'finding.acknowledge');
    assert.equal((await scheduled.ticked()).picked, 'one-frozen');
    const said = (await store.read(finding))?.events.at(-1);
    assert.ok(said?.type === 'acknowledged');
    assert.deepEqual([said.by, said.reason], ['alice (not authenticated)', 'SHOP-214']);
    const { code, err } = await squall(['schedule', 'acknowledge', 'nobody', '--reason', 'x'], scheduled.env);
    assert.equal(code, 2);
    assert.match(err, /there is no journal of nobody/);
    await scheduled.schedule('acknowledge', 'one-stutters-found', '--reason', 'none');
    const started = await squall(['schedule', 'why', finding], scheduled.env);
    assert.equal(started.code, 2);
    assert.match(started.err, /was not chosen by a program/);
  });

  it('leaves a tick out while the one before is not over', async () => {
    await scheduled.apply(document('10m'));
    const id = await scheduled.tick();
    await scheduled.schedule('tick', 'shop-monkey');
    await until(async () => ((await scheduled.listed())?.overlapped ?? 0) === 1);
    assert.equal((await scheduled.listed())?.ticks[0], id);
    await childOf(id);
    await scheduled.lane.client.workflow.getHandle(id).cancel();
    assert.equal((await scheduled.resultOf(id)).status, 'aborted');
    assert.match(await scheduled.schedule('list'), /1 left out, since the one before was not over/);
  });

  for (const how of ['terminate', 'cancel'] as const)
    it(`takes its run along: ${how}`, async () => {
      await scheduled.apply(document('10m'));
      const id = await scheduled.tick();
      const handle = scheduled.lane.client.workflow.getHandle(id);
      const run = await childOf(id);
      const running = scheduled.lane.client.workflow.getHandle(run);
      await until(async () => (await running.query(storyQuery, 0)).state.phase === 'holding');
      await (how === 'cancel' ? handle.cancel() : handle.terminate('a test'));
      const { status } = (await running.result()) as RunResult;
      assert.equal(status, 'aborted');
      await assertCleanSlate(scheduled.lane, run, scheduled.victims);
      if (how === 'cancel') assert.deepEqual(await scheduled.resultOf(id).then((result) => result.status), 'aborted');
      else await assert.rejects(handle.result());
    });

  it('that is reset ends the run that it had begun, and begins no other', async () => {
    await scheduled.apply(document('10m'));
    const id = await scheduled.tick();
    const run = await childOf(id);
    const running = scheduled.lane.client.workflow.getHandle(run);
    await until(async () => (await running.query(storyQuery, 0)).state.phase === 'holding');
    await reset(scheduled.lane.client.workflow.getHandle(id), scheduled.lane, 'last');
    const done = await scheduled.resultOf(id);
    assert.deepEqual([done.run, done.status], [run, 'told to end, since its tick was reset']);
    assert.equal(((await running.result()) as RunResult).status, 'aborted');
    await assertCleanSlate(scheduled.lane, run, scheduled.victims);
  });

  it('says what it would do in a dry run, and touches nothing', async () => {
    await scheduled.apply(document('6s', 'seldom', ', dryRun: true'));
    const id = await scheduled.tick();
    const { picked, would = '', run } = await scheduled.resultOf(id);
    await recordAs(scheduled.lane.client, id, 'dry.program');
    const why = await scheduled.schedule('why', id);
    assert.match(why, /^shop-monkey\/seldom picks by evidence, with the seed [\da-f-]+\n +1 +one-\w+ /);
    assert.match(why, new RegExp(`^${picked} would hit `, 'm'));
    const metadata = await scheduled.lane.client.workflow
      .getHandle(id)
      .query<{ currentDetails: string }>('__temporal_workflow_metadata');
    assert.match(metadata.currentDetails, /would hit .*\n\n1\. `one-/);
    const nobody = await squall(
      ['schedule', 'why', 'squall-program/shop-monkey/never-2026-11-24T10:15:00Z'],
      scheduled.env,
    );
    assert.equal(nobody.code, 2);
    assert.match(nobody.err, /there is no tick squall-program/);
    assert.equal(run, undefined);
    assert.match(would, /^hit .*victims-\d/);
    assert.match(await scheduled.schedule('list'), new RegExp(`a dry run.*\\n.*\\n +last: +${picked} would hit `));
  });

  it('is left out while everything is stopped, and what waits hears of a pause', async () => {
    await scheduled.apply(document('6s', 'seldom', ', waitUpTo: 0s'));
    const stopped = await squall(['stop', '--reason', 'a test'], scheduled.env);
    assert.equal(stopped.code, 0, stopped.err);
    const { skipped = '', run, choice } = await scheduled.ticked();
    assert.equal(run, undefined);
    assert.match(skipped, /^it is not safe: emergency-stop: .*a test/);
    assert.equal(choice?.of, 2);
    assert.match(await scheduled.schedule('list'), /last: +nothing was begun: it is not safe: emergency-stop/);
    const resumed = await squall(['resume', '--reason', 'a test'], scheduled.env);
    assert.equal(resumed.code, 0, resumed.err);
    const standing = () => standingOf(scheduled.lane.client, 'shop-monkey', 'seldom');
    const { off, nextAtMs = 0 } = await standing();
    assert.deepEqual([off, nextAtMs], [undefined, (await scheduled.listed())?.nextAt[0]?.getTime()]);
    await scheduled.schedule('pause', 'shop-monkey', '--reason', 'the sale has begun');
    assert.equal((await standing()).off, 'the schedule is paused: the sale has begun (alice)');
    await scheduled.schedule('resume', 'shop-monkey');
    assert.deepEqual(await standingOf(scheduled.lane.client, 'shop-monkey', 'never'), {
      off: 'it is scheduled no more',
    });
  });

  it('calls a game day, and stays with it; its commander begins it', async () => {
    const day = `---
gameDay: look-around
purpose: We look around
date: now
duration: 10m
site: torture
roles: { commander: alice }
scenarios:
  - { scenario: look, at: T+0, run: { byHand: Look. }, expect: Nothing is seen., criteria: [{ judged: nothing was seen, by: commander }], timeout: 5m, approve: auto }
`;
    const text = document('6s').replace(/pool: \[.*\}\]/, 'gameDay: look-around') + day;
    assert.match(await scheduled.apply(text), /pool: one-frozen is gone[^]*game day: look-around, was game day: none/);
    assert.match(await scheduled.schedule('list'), /calls: +the game day look-around/);
    const id = await scheduled.tick();
    const called = await childOf(id);
    assert.match(called, /^look-around-\d{8}-\d{6}-[\da-f]{4}$/);
    const act = (...args: readonly string[]) => squall(['gameday', ...args], scheduled.env);
    for (const args of [
      ['begin', called],
      ['done', called],
      ['judge', called, '1', 'yes'],
    ])
      await until(async () => (await act(...args)).code === 0, args.join(' '));
    const { picked, run, status } = await scheduled.resultOf(id);
    assert.deepEqual([picked, run, status], ['look-around', called, 'completed']);
    assert.match(await scheduled.schedule('list'), new RegExp(`last: +${called}: completed`));
  });

  it('is not begun by what is no tick', async () => {
    const started = await scheduled.lane.client.workflow.start('program', {
      workflowId: 'nonsense',
      taskQueue: CONTROL_QUEUE,
      args: [{ program: 'x', cadence: { name: 'y', dryRun: false, pool: [{ experiment: {} }] }, appliedBy: 'z' }],
    });
    await assert.rejects(started.result(), ({ cause }: Error) => /no tick of a program/.test(String(cause)));
  });
});
