/** Programs on a real server: what is scheduled, what a tick does, and what is left when one is ended from outside. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openFileStore } from '../../activities/journal/file.ts';
import { standingOf } from '../../activities/standing.ts';
import { Lane } from '../../bench/torture/lane.ts';
import { Victims } from '../../bench/torture/victims.ts';
import { CONTROL_QUEUE } from '../../domain/queues.ts';
import { applyProgram, scheduledCadences } from '../../workers/schedules.ts';
import { storyQuery } from '../../workflows/messages.ts';
import type { RunResult, TickResult } from '../../workflows/messages.ts';
import { eventsOf, squall } from '../cli/squall.ts';
import { assertCleanSlate } from '../engine/clean-slate.ts';
import { recordAs } from '../replay/record.ts';
import { abortedRun } from '../report/journals.ts';
import { until } from '../until.ts';

const experiment = (name: string, fault: string, targets: string, more = ''): string => `---
experiment: ${name}
hypothesis: It is alive
steadyState: [{ probe: alive, min: 1 }]
fault: ${fault}
${more}targets: { site: torture, ${targets} }
blastRadius: { stages: [1], hold: HOLD }
stopConditions: [{ probe: alive, below: 1, for: 10s }]
recoverWithin: 20s
sampleEvery: 500ms
timeToLive: 30s
`;

/** Ticks come when they are told to: its own times are far away. */
const document = (hold: string, cadence = 'seldom', more = ''): string =>
  `program: shop-monkey
cadences:
  - { cadence: ${cadence}, every: 30d, pool: [one-frozen, { experiment: one-stutters, draw: { stop: [20ms, 400ms] } }]${more} }
${experiment('one-frozen', 'host/pause', 'group: victims')}${experiment('one-stutters', 'host/stutter', 'group: victims', 'with: { stop: 100ms, run: 50ms }\n')}`.replaceAll(
    'HOLD',
    hold,
  );

describe('a program', () => {
  let folder: string;
  let lane: Lane;
  let victims: Victims;
  let env: Record<string, string>;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'squall-program-'));
    lane = new Lane(folder, 'program', { groups: ['victims'] });
    await lane.up();
    victims = await Victims.start(join(folder, 'victims'), 'victims', 3);
    env = { TEMPORAL_ADDRESS: lane.address, SQUALL_CONFIG: lane.config, SQUALL_AS: 'alice' };
  });
  after(async () => {
    await victims.end();
    await lane.down();
    await rm(folder, { recursive: true, force: true });
  });

  const file = async (text: string): Promise<string> => {
    const path = join(folder, 'program.yaml');
    await writeFile(path, text);
    return path;
  };
  const schedule = async (...args: string[]): Promise<string> => {
    const { code, out, err } = await squall(['schedule', ...args], env);
    assert.equal(code, 0, `${args.join(' ')}: ${out}${err}`);
    return out;
  };
  const listed = async () => (await scheduledCadences(lane.client)).find(({ program }) => program === 'shop-monkey');
  /** Has a tick begin now; its id. */
  const tick = async (): Promise<string> => {
    const known = new Set((await listed())?.ticks);
    await schedule('tick', 'shop-monkey');
    let begun: string | undefined;
    await until(async () => {
      begun = (await listed())?.ticks.find((id) => !known.has(id));
      return begun !== undefined;
    });
    return begun ?? assert.fail();
  };
  const resultOf = async (id: string): Promise<TickResult> =>
    (await lane.client.workflow.getHandle(id).result()) as TickResult;

  it('is applied as its file says, changes what has changed, and stays paused', async () => {
    assert.match(await schedule('apply', await file(document('6s'))), /^created +shop-monkey\/seldom$/m);
    assert.match(await schedule('apply', await file(document('6s'))), /^unchanged shop-monkey\/seldom$/m);
    await until(async () => (await listed()) !== undefined);
    assert.match(
      await schedule('list'),
      /shop-monkey\/seldom +every 30d, next 20[\d-]+T.*\n +one of: one-frozen, one-stutters/,
    );
    await schedule('pause', 'shop-monkey', '--reason', 'the sale has begun');
    assert.match(
      await schedule('apply', await file(document('7s'))),
      /^changed +shop-monkey\/seldom\n +pool: one-frozen is another\n +pool: one-stutters is another$/m,
    );
    assert.match(await schedule('list'), /paused: the sale has begun \(alice\)/);
    assert.match(
      (await squall(['maturity'], env)).out,
      /no schedule is active: shop-monkey\/seldom is paused: the sale has begun \(alice\)/,
    );
    const { code, err } = await squall(['schedule', 'tick', 'shop-monkey'], env);
    assert.equal(code, 2);
    assert.match(err, /shop-monkey\/seldom is paused: the sale has begun/);
    // What is added to a program that is paused is not to begin.
    assert.match(await schedule('apply', await file(document('7s', 'added'))), /^created +shop-monkey\/added$/m);
    assert.equal(
      (await lane.client.schedule.getHandle('squall-program/shop-monkey/added').describe()).state.paused,
      true,
    );
    await schedule('apply', await file(document('7s')), '--prune');
    await schedule('resume', 'shop-monkey/seldom', '--reason', 'it is over');
    assert.equal((await listed())?.paused, false);
    assert.match((await squall(['maturity'], env)).out, /✗ missing\n +proof: active: shop-monkey\/seldom$/m);
  });

  it('is made as it was again when somebody has changed its times in Temporal', async () => {
    const handle = lane.client.schedule.getHandle('squall-program/shop-monkey/seldom');
    await handle.update((found) => ({ ...found, spec: { intervals: [{ every: '1 day' }] } }));
    assert.match(
      await schedule('apply', await file(document('7s'))),
      /^changed +shop-monkey\/seldom\n +somebody had changed it in Temporal$/m,
    );
    assert.match(await schedule('apply', await file(document('7s'))), /^unchanged shop-monkey\/seldom$/m);
  });

  it('runs one of its pool at each tick, as who applied it, with what was drawn; it can be chosen again', async () => {
    await schedule('apply', await file(document('10s')));
    const id = await tick();
    const done = await resultOf(id);
    const { picked, drawn, run = '', status, deviated } = done;
    assert.deepEqual({ status, deviated }, { status: 'completed', deviated: false });
    const { events } = await lane.client.workflow.getHandle(run).query(storyQuery, 0);
    const started = events.find(({ type }) => type === 'started');
    assert.ok(started?.type === 'started');
    assert.equal(started.experiment.name, picked);
    assert.match(started.startedBy, /program shop-monkey, applied by alice on /);
    if (picked === 'one-stutters') assert.ok((drawn['stop'] ?? 0) >= 20 && (drawn['stop'] ?? 0) <= 400);
    else assert.deepEqual(drawn, {});
    for (const [key, value] of Object.entries(drawn)) assert.equal(started.experiment.with[key], value);
    assert.match(await schedule('list'), new RegExp(`last: +${run}: completed, held`));
    await assertCleanSlate(lane, run, victims);
    await recordAs(lane.client, id, 'tick.program');
    const why = await schedule('why', run);
    assert.match(
      why,
      new RegExp(`^shop-monkey/seldom picks by evidence, with the seed ${done.seed}\n +1 +${picked} +untested  \\d`),
    );
    assert.match(why, /risk 1 × value [\d.]+ × staleness 1 × change 1$/m);
    const [told] = eventsOf((await squall(['--json', 'schedule', 'why', run], env)).out);
    const [first] = (told?.['ranking'] ?? []) as readonly { readonly experiment: string }[];
    assert.deepEqual(
      [told?.['program'], told?.['pick'], first?.experiment, told?.['of']],
      ['shop-monkey', 'evidence', picked, 2],
    );
    // The other one is what nobody has tried.
    const next = await resultOf(await tick());
    assert.deepEqual(
      [next.status, next.picked],
      ['completed', picked === 'one-frozen' ? 'one-stutters' : 'one-frozen'],
    );
  });

  it('passes over what has deviated until somebody acknowledges it', async () => {
    const store = openFileStore(join(lane.folder, 'journal'));
    /** A run of `experiment` that deviated. */
    const found = async (experiment: string): Promise<string> => {
      const run = `${experiment}-found`;
      const named = abortedRun().events.map((event) =>
        event.type === 'started' ? { ...event, experiment: { ...event.experiment, name: experiment } } : event,
      );
      await store.append(run, named);
      return run;
    };
    await schedule('apply', await file(document('6s', 'seldom', ', dryRun: true')));
    const finding = await found('one-frozen');
    assert.equal((await resultOf(await tick())).picked, 'one-stutters');
    await found('one-stutters');
    const idle = await tick();
    const { skipped = '', picked } = await resultOf(idle);
    await recordAs(lane.client, idle, 'all-wait.program');
    assert.equal(picked, '');
    assert.match(skipped, /has deviated, and nobody has acknowledged it: one-frozen-found, one-stutters-found/);
    assert.match(await schedule('acknowledge', finding, '--reason', 'SHOP-214'), /programs may take one-frozen again/);
    await recordAs(lane.client, `acknowledge-${finding}`, 'finding.acknowledge');
    assert.equal((await resultOf(await tick())).picked, 'one-frozen');
    const said = (await store.read(finding))?.events.at(-1);
    assert.ok(said?.type === 'acknowledged');
    assert.deepEqual([said.by, said.reason], ['alice (not authenticated)', 'SHOP-214']);
    const { code, err } = await squall(['schedule', 'acknowledge', 'nobody', '--reason', 'x'], env);
    assert.equal(code, 2);
    assert.match(err, /there is no journal of nobody/);
    await schedule('acknowledge', 'one-stutters-found', '--reason', 'none');
    const started = await squall(['schedule', 'why', finding], env);
    assert.equal(started.code, 2);
    assert.match(started.err, /was not chosen by a program/);
  });

  it('leaves a tick out while the one before is not over', async () => {
    await schedule('apply', await file(document('10m')));
    const id = await tick();
    await schedule('tick', 'shop-monkey');
    await until(async () => ((await listed())?.overlapped ?? 0) === 1);
    assert.equal((await listed())?.ticks[0], id);
    await lane.client.workflow.getHandle(id).cancel();
    assert.equal((await resultOf(id)).status, 'aborted');
    assert.match(await schedule('list'), /1 left out, since the one before was not over/);
  });

  for (const how of ['terminate', 'cancel'] as const)
    it(`takes its run along: ${how}`, async () => {
      await schedule('apply', await file(document('10m')));
      const id = await tick();
      const handle = lane.client.workflow.getHandle(id);
      let run = '';
      await until(async () => {
        const { raw } = await handle.describe();
        run = raw.pendingChildren?.[0]?.workflowId ?? '';
        return run !== '';
      });
      const running = lane.client.workflow.getHandle(run);
      await until(async () => (await running.query(storyQuery, 0)).state.phase === 'holding');
      await (how === 'cancel' ? handle.cancel() : handle.terminate('a test'));
      const { status } = (await running.result()) as RunResult;
      assert.equal(status, 'aborted');
      await assertCleanSlate(lane, run, victims);
      if (how === 'cancel') assert.deepEqual(await resultOf(id).then((result) => result.status), 'aborted');
      else await assert.rejects(handle.result());
    });

  it('says what it would do in a dry run, and touches nothing', async () => {
    await schedule('apply', await file(document('6s', 'seldom', ', dryRun: true')));
    const id = await tick();
    const { picked, would = '', run } = await resultOf(id);
    await recordAs(lane.client, id, 'dry.program');
    assert.equal(run, undefined);
    assert.match(would, /^hit .*victims-\d/);
    assert.match(await schedule('list'), new RegExp(`a dry run.*\\n.*\\n +last: +${picked} would hit `));
  });

  it('is left out while everything is stopped, and what waits hears of a pause', async () => {
    await schedule('apply', await file(document('6s', 'seldom', ', waitUpTo: 0s')));
    const stopped = await squall(['stop', '--reason', 'a test'], env);
    assert.equal(stopped.code, 0, stopped.err);
    const { skipped = '', run, choice } = await resultOf(await tick());
    assert.equal(run, undefined);
    assert.match(skipped, /^it is not safe: emergency-stop: .*a test/);
    assert.equal(choice?.of, 2);
    assert.match(await schedule('list'), /last: +nothing was begun: it is not safe: emergency-stop/);
    const resumed = await squall(['resume', '--reason', 'a test'], env);
    assert.equal(resumed.code, 0, resumed.err);
    const standing = () => standingOf(lane.client, 'shop-monkey', 'seldom');
    const { off, nextAtMs = 0 } = await standing();
    assert.deepEqual([off, nextAtMs], [undefined, (await listed())?.nextAt[0]?.getTime()]);
    await schedule('pause', 'shop-monkey', '--reason', 'the sale has begun');
    assert.equal((await standing()).off, 'the schedule is paused: the sale has begun (alice)');
    await schedule('resume', 'shop-monkey');
    assert.deepEqual(await standingOf(lane.client, 'shop-monkey', 'never'), { off: 'it is scheduled no more' });
  });

  it('is not begun by what is no tick', async () => {
    const started = await lane.client.workflow.start('program', {
      workflowId: 'nonsense',
      taskQueue: CONTROL_QUEUE,
      args: [{ program: 'x', cadence: { name: 'y', dryRun: false, pool: [{ experiment: {} }] }, appliedBy: 'z' }],
    });
    await assert.rejects(started.result(), ({ cause }: Error) => /no tick of a program/.test(String(cause)));
  });

  it('is rid of what its file no longer has only when it is told to, and of all by name', async () => {
    const other = await file(document('6s', 'other'));
    const said = eventsOf((await squall(['--json', 'schedule', 'apply', other], env)).out);
    assert.deepEqual(
      said.map(({ cadence, what }) => [cadence, what]),
      [
        ['other', 'created'],
        ['seldom', 'left over'],
      ],
    );
    assert.match(await schedule('apply', other, '--prune'), /^removed +shop-monkey\/seldom$/m);
    await until(async () => (await scheduledCadences(lane.client)).length === 1);
    assert.match(await schedule('remove', 'shop-monkey'), /removed shop-monkey\/other/);
    await until(async () => (await scheduledCadences(lane.client)).length === 0);
    assert.match(await schedule('list'), /nothing is scheduled/);
    const { code, err } = await squall(['schedule', 'pause', 'shop-monkey'], env);
    assert.equal(code, 2);
    assert.match(err, /nothing that is scheduled as shop-monkey/);
  });

  it('that is none is refused', async () => {
    const { code, err } = await squall(
      ['schedule', 'apply', await file(document('6s').slice(document('6s').indexOf('---')))],
      env,
    );
    assert.equal(code, 2);
    assert.match(err, /has no program/);
    assert.deepEqual(
      await applyProgram(lane.client, { name: 'nobody', cadences: [] }, { appliedBy: 'a test', prune: true }),
      [],
    );
  });
});
