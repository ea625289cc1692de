/** The ladder in runs: what refuses before anything is touched, what ends a run that is under way, and what is written down. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { openFileStore } from '../../activities/journal/file.ts';
import { pausing } from '../../bench/torture/experiment.ts';
import type { Lane } from '../../bench/torture/lane.ts';
import { Victims } from '../../bench/torture/victims.ts';
import type { Experiment, Preconditions } from '../../domain/experiment.ts';
import type { JournalEvent } from '../../domain/journal.ts';
import { policyOf } from '../../workers/policy-settings.ts';
import { startRun } from '../../workers/start-run.ts';
import type { RunResult } from '../../workflows/messages.ts';
import { Installation, planAwaited } from '../cli/installation.ts';
import { squall } from '../cli/squall.ts';
import { assertCleanSlate } from '../engine/clean-slate.ts';
import { saying, startServer } from '../probes/server.ts';
import type { TestServer } from '../probes/server.ts';
import { until } from '../until.ts';

const GROUPS = [
  'passes',
  'incident',
  'unwell',
  'full',
  'hot',
  'closed',
  'unreadable',
  'mid-run',
  'short',
  'held',
  'frozen',
  'cooled',
] as const;
type Group = (typeof GROUPS)[number];

/** What the world says. */
interface World {
  incidents: number | undefined;
  errors: number | undefined;
  spare: number | undefined;
}

/** A change freeze that is always on. */
const FROZEN = [
  'BEGIN:VCALENDAR',
  'VERSION:2.0',
  'PRODID:-//squall//test//EN',
  'BEGIN:VEVENT',
  'UID:always',
  'DTSTAMP:20200101T000000Z',
  'DTSTART:20200101T000000Z',
  'DTEND:20990101T000000Z',
  'SUMMARY:Always',
  'END:VEVENT',
  'END:VCALENDAR',
  '',
].join('\r\n');

describe('the ladder of guards', () => {
  let world: World;
  let server: TestServer;
  let installation: Installation<Group>;
  let lane: Lane;
  before(async () => {
    server = await startServer((request, response) => {
      const value = world[(request.url ?? '').slice(1) as keyof World];
      if (value === undefined) request.destroy();
      else saying(JSON.stringify({ value }), 200, 'application/json')(request, response);
    });
    const probe = (name: string, of: keyof World): string =>
      `  ${name}: { type: http, url: '${server.url}/${of}', jsonPointer: /value, unit: ratio, timeout: 4s }\n`;
    installation = await Installation.open(GROUPS, {
      probes: probe('errors', 'errors') + probe('spare', 'spare'),
      configuration: `admission:
  healthy: [{ probe: errors, max: 1% }]
  incidents: [{ http: { url: '${server.url}/incidents', jsonPointer: /value, calmWhen: { equals: 0 } } }]
  capacity: { probe: spare }
  windows:
    never: { timeZone: UTC, open: { mon-sun: 00:00-24:00 }, freezes: [{ file: gone.ics }] }
    frozen: { timeZone: UTC, open: { mon-sun: 00:00-24:00 }, freezes: [{ file: frozen.ics }] }
`,
    });
    lane = installation.lane;
    await writeFile(join(installation.folder, 'frozen.ics'), FROZEN);
  });
  beforeEach(() => {
    world = { incidents: 0, errors: 0.002, spare: 0.5 };
  });
  after(async () => {
    await installation.close();
    await server.close();
  });

  async function run(
    group: Group,
    { preconditions, holdMs = 6_000, name }: { preconditions?: Preconditions; holdMs?: number; name?: string } = {},
    act: (victims: Victims) => Promise<void> = async () => undefined,
  ): Promise<{ result: RunResult; events: readonly JournalEvent[]; touched: boolean }> {
    const victims = await Victims.start(join(installation.folder, 'victims'), group, 3);
    const paused = pausing({ fault: 'host/pause', group, seed: group, ttlMs: 30_000, stages: [1, 2], holdMs });
    const experiment: Experiment = {
      ...paused,
      name: name ?? group,
      ...(preconditions === undefined ? {} : { preconditions }),
    };
    try {
      const handle = await startRun(lane.client, group, { experiment, documentHash: '', startedBy: 'a test' });
      await act(victims);
      const result = (await handle.result()) as RunResult;
      await assertCleanSlate(lane, group, victims);
      const journal = await openFileStore(join(installation.folder, 'journal')).read(group);
      return { result, events: journal?.events ?? [], touched: victims.firstStoppedMs !== undefined };
    } finally {
      await victims.end();
    }
  }

  it('where all pass, every answer is written down, before pre-flight and before each stage', async () => {
    const { result, events } = await run('passes', { preconditions: { healthy: true, noIncidents: true } });
    assert.equal(result.status, 'completed', result.reason);
    const asked = events.filter((event) => event.type === 'admission');
    assert.deepEqual(
      asked.map(({ stage }) => stage),
      [undefined, 0, 1],
    );
    for (const { stage, guards } of asked)
      assert.deepEqual(
        guards.map(({ guard, passed, found }) => `${guard}: ${passed}, ${found}`),
        [
          'emergency-stop: true, nothing is stopped',
          `policy: true, policy default (${policyOf().hash.slice(0, 12)}) allows it, started by a test (not authenticated)`,
          'approval: true, none was needed, or none is yet',
          'window: true, the experiment asks for none',
          'cool-down: true, not asked for',
          `no-incidents: true, no incident, says ${new URL(server.url).host}`,
          'healthy: true, errors is 0.2%',
          'capacity: true, spare is 50%',
          `budget: true, ${stage === undefined ? 'asked before each stage' : 'its targets are its own'}`,
        ],
      );
  });

  describe('refuses, and nothing is touched', { concurrency: 1 }, () => {
    const refused = async (
      group: Group,
      says: RegExp,
      change: Partial<World>,
      preconditions?: Preconditions,
    ): Promise<void> => {
      Object.assign(world, change);
      const { result, events, touched } = await run(group, preconditions === undefined ? {} : { preconditions });
      assert.equal(result.status, 'refused');
      assert.match(result.reason, says);
      assert.equal(touched, false);
      const admission = events.find((event) => event.type === 'admission');
      assert.equal(admission?.guards.at(-1)?.passed, false);
      assert.equal(
        events.some(({ type }) => type === 'pre-flight'),
        false,
      );
    };
    it('an incident', () => refused('incident', /^no-incidents: .*\/value is 1$/, { incidents: 1 }));
    it('what is not healthy', () =>
      refused('unwell', /^healthy: errors is 2%, expected at most 1%$/, { errors: 0.02 }));
    it('too little spare capacity', () =>
      refused('full', /^capacity: spare is 29%, expected at least 30%$/, { spare: 0.29 }));
    it('less than the experiment asks for', () =>
      refused('hot', /^capacity: spare is 50%, expected at least 60%$/, {}, { capacityMin: 0.6 }));
    it('a calendar that cannot be read', () =>
      refused('closed', /^window: cannot be read: ENOENT/, {}, { window: 'never' }));
    it('a probe that does not answer', () =>
      refused('unreadable', /^healthy: errors is without data, expected at most 1%$/, { errors: undefined }));
  });

  it('a closed window is set aside where the experiment lets people, and somebody does', async () => {
    const preconditions = { window: 'frozen', windowOverride: 'approval' } as const;
    const { result, events } = await run('frozen', { preconditions }, async () => {
      const asBob = { ...installation.env, SQUALL_AS: 'bob' };
      const plan = await planAwaited(lane, 'frozen');
      assert.equal((await squall(['approve', 'frozen', '--plan', plan], asBob)).code, 0);
    });
    assert.equal(result.status, 'completed', result.reason);
    const asked = events.find((event) => event.type === 'approval-asked');
    assert.match(asked?.why ?? '', /^window: frozen is closed by a change freeze, "Always"/);
    const windows = events
      .filter((event) => event.type === 'admission')
      .map(({ guards }) => guards.find(({ guard }) => guard === 'window'));
    assert.deepEqual(
      windows.map((answer) => [answer?.passed, answer?.overridable]),
      [
        [false, true],
        [false, true],
        [false, true],
      ],
    );
    assert.equal(events.find((event) => event.type === 'approved')?.by, 'bob (not authenticated)');
  });

  it('an incident that begins in mid-run aborts, however long the stage would have been held', async () => {
    const { result, events } = await run('mid-run', { holdMs: 600_000 }, async (victims) => {
      await until(() => victims.stopped().length > 0);
      world.incidents = 3;
    });
    assert.equal(result.status, 'aborted');
    assert.match(result.reason, /^no-incidents: .*\/value is 3$/);
    assert.equal(events.filter(({ type }) => type === 'stage-opened').length, 1);
    assert.equal(events.find((event) => event.type === 'abort')?.cause, 'admission');
    assert.ok(events.some((event) => event.type === 'recovered'));
  });

  it('the same experiment waits until it has cooled down; one that was refused does not count', async () => {
    const first = await run('held', { name: 'twice' });
    assert.equal(first.result.status, 'completed', first.result.reason);
    // Temporal's list is late.
    await until(async () => {
      const { count } = await lane.client.workflow.count("WorkflowId = 'held' AND ExecutionStatus = 'Completed'");
      return count === 1;
    });
    const { result, touched } = await run('short', { name: 'twice', preconditions: { coolDownMs: 3_600_000 } });
    assert.match(result.reason, /^cool-down: held ended \S+ ago, expected 1h in between$/);
    assert.equal(touched, false);
  });

  it('a target is not hit again before it has cooled down, whatever the experiment is called', async () => {
    const victims = await Victims.start(join(installation.folder, 'victims'), 'cooled', 3);
    const store = openFileStore(join(installation.folder, 'journal'));
    try {
      const live = async (run: string, preconditions?: Preconditions): Promise<RunResult> => {
        const paused = pausing({
          fault: 'host/pause',
          group: 'cooled',
          seed: 'any',
          ttlMs: 30_000,
          stages: [3],
          holdMs: 6_000,
        });
        const experiment = { ...paused, name: run, ...(preconditions ? { preconditions } : {}) };
        const handle = await startRun(lane.client, run, { experiment, documentHash: '', startedBy: 'a test' });
        return (await handle.result()) as RunResult;
      };
      assert.equal((await live('cooled-1')).status, 'completed');
      const { status, reason } = await live('cooled-2', { coolDownMs: 3_600_000 });
      assert.equal(status, 'refused');
      assert.match(reason, /cool-down: cooled\/cooled-\d@\S+ was hit by cooled-1 \S+ ago, expected 1h in between$/);
      assert.equal(
        (await store.read('cooled-2'))?.events.some(({ type }) => type === 'stage-opened'),
        false,
      );
    } finally {
      await victims.end();
    }
  });
});
