/**
 * Each rung of the ladder: what cannot be read refuses, and what begins to refuse between two stages ends the run.
 *
 * Where each guard is tested for each of its answers. What passes: `ladder.test.ts`, every guard in one run.
 *
 * | guard          | refuses           | cannot be read                     | set aside   | in mid-run                       |
 * | -------------- | ----------------- | ---------------------------------- | ----------- | -------------------------------- |
 * | emergency-stop | emergency-stop    | here: lever, Temporal              | by nobody   | emergency-stop, in every phase   |
 * | policy         | approval          | read once, when the worker starts  | by nobody   | here                             |
 * | approval       | guard             | signed-start: journal              | by nobody   | guard: only by a reset           |
 * | window         | window            | here: file, URL; window            | ladder      | here                             |
 * | cool-down      | ladder, cool-down | here: journal, Temporal            | by nobody   | here, and never by the run's own |
 * | no-incidents   | ladder, incidents | here: each provider; incidents     | by nobody   | ladder (the hold), here          |
 * | healthy        | ladder            | ladder                             | by nobody   | here                             |
 * | capacity       | ladder            | here                               | by nobody   | here                             |
 * | min-healthy    | watch/preflight   | pre-flight's own candidates        | by nobody   | min-healthy                      |
 * | budget         | budget            | here                               | by waiting  | here                             |
 */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import { budgetGuard, reserve } from '../../activities/admission/budget.ts';
import { coolDownGuard } from '../../activities/admission/cool-down.ts';
import { climb } from '../../activities/admission/guard.ts';
import type { Asked, Guard } from '../../activities/admission/guard.ts';
import { fileLever } from '../../activities/admission/lever.ts';
import { stopGuard } from '../../activities/admission/stop.ts';
import { openFileStore } from '../../activities/journal/file.ts';
import { pausing } from '../../bench/torture/experiment.ts';
import type { Lane } from '../../bench/torture/lane.ts';
import { Victims } from '../../bench/torture/victims.ts';
import type { GuardAnswer } from '../../domain/admission.ts';
import { budgetId } from '../../domain/budget-id.ts';
import type { Preconditions } from '../../domain/experiment.ts';
import type { JournalEvent } from '../../domain/journal.ts';
import { shuffle } from '../../domain/ladder.ts';
import { targetKey } from '../../domain/target-key.ts';
import { policyOf } from '../../workers/policy-settings.ts';
import { freePort } from '../../workers/temporal-server.ts';
import { startRun } from '../../workers/start-run.ts';
import type { RunResult } from '../../workflows/messages.ts';
import { Installation } from '../cli/installation.ts';
import { assertCleanSlate } from '../engine/clean-slate.ts';
import { startServer } from '../probes/server.ts';
import type { TestServer } from '../probes/server.ts';
import { until } from '../until.ts';
import { asked } from './asked.ts';

const calendar = (...events: readonly string[]): string =>
  ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//squall//test//EN', ...events, 'END:VCALENDAR', ''].join('\r\n');
const EVENT = ['UID:1', 'DTSTAMP:20200101T000000Z', 'DTSTART:20200101T000000Z', 'DTEND:20990101T000000Z'];
const CALM = calendar();
const FROZEN = calendar('BEGIN:VEVENT', ...EVENT, 'SUMMARY:Sale', 'END:VEVENT');
const OPEN = 'timeZone: UTC, open: { mon-sun: 00:00-24:00 }';

/** What the world says at each of its addresses where all is well. */
const WELL = {
  errors: '{"value":0.002}',
  spare: '{"value":0.5}',
  button: '{"value":0}',
  open: '{"value":0}',
  'am/api/v2/alerts': '[]',
  'pd/incidents': '{"incidents":[]}',
  freezes: CALM,
} as const;
type Address = keyof typeof WELL;
/** Undefined: no answer. */
type World = Readonly<Record<Address, string | undefined>>;

const MEMBERS = ['all-1', 'all-2'];
/** By which the first member is hit in the first stage, and the second in the second. */
const SEED = ['a', 'b', 'c', 'd', 'e', 'f'].find((seed) => shuffle(MEMBERS, seed)[0] === 'all-1') ?? '';

describe('each rung of the ladder', () => {
  let world: World = WELL;
  /** What is so besides, from when the first process is under a fault. */
  let between: { readonly world?: Partial<World>; readonly act?: () => Promise<void> } = {};
  let server: TestServer;
  let installation: Installation<'all'>;
  let lane: Lane;
  let victims: Victims;
  /** Whether a process is under a fault now. */
  let isOn = (): boolean => false;
  before(async () => {
    server = await startServer((request, response) => {
      const address = new URL(request.url ?? '', 'http://any').pathname.slice(1) as Address;
      const on = isOn();
      const { [address]: said } = on ? { ...world, ...between.world } : world;
      if (said === undefined) return void request.destroy();
      const { act } = between;
      // The last that a stage's admission reads of the world: the budget comes behind it.
      if (!on || address !== 'spare' || !act) return void response.end(said);
      between = {};
      void act().then(() => response.end(said));
    });
    process.env['TEST_PAGERDUTY'] = 'a-key';
    const probe = (name: string, of: Address, timeout = '4s'): string =>
      `  ${name}: { type: http, url: '${server.url}/${of}', jsonPointer: /value, unit: ratio, timeout: ${timeout} }\n`;
    installation = await Installation.open(['all'], {
      // As long as a guard may take: what is done before it answers is waited for.
      probes: probe('errors', 'errors') + probe('spare', 'spare', '5s') + probe('button', 'button'),
      configuration: `emergencyStop: { probe: button }
policy:
  version: '1'
  environments: { here: { sites: [torture], maxTargets: 2 } }
admission:
  healthy: [{ probe: errors, max: 1% }]
  incidents:
    - http: { url: '${server.url}/open', jsonPointer: /value, calmWhen: { equals: 0 } }
    - alertmanager: { url: '${server.url}/am' }
    - pagerduty: { url: '${server.url}/pd', tokenFrom: { env: TEST_PAGERDUTY } }
  capacity: { probe: spare }
  windows:
    calendar: { ${OPEN}, freezes: [{ url: '${server.url}/freezes' }] }
    large: { ${OPEN}, freezes: [{ file: large.ics }] }
    folder: { ${OPEN}, freezes: [{ file: journal }] }
`,
    });
    ({ lane } = installation);
    await writeFile(join(lane.folder, 'large.ics'), Buffer.alloc(1024 * 1024 + 1, 'x'));
    victims = await Victims.start(join(lane.folder, 'victims'), 'all', 2);
    isOn = () => victims.stopped().length > 0;
  });
  beforeEach(() => {
    world = WELL;
    between = {};
  });
  after(async () => {
    await victims.end();
    await installation.close();
    await server.close();
  });

  interface Ran {
    readonly result: RunResult;
    readonly events: readonly JournalEvent[];
    /** What the last ladder said last. */
    readonly last: GuardAnswer | undefined;
  }
  /** A run of one stage for each of `names`, on processes that others have been on before. */
  async function run(
    id: string,
    preconditions?: Preconditions,
    names: readonly string[] = MEMBERS,
    holdMs = 500,
  ): Promise<Ran> {
    const stages = names.map((_, i) => i + 1);
    const paused = pausing({ fault: 'host/pause', group: 'all', seed: SEED, ttlMs: 60_000, stages, holdMs });
    const handle = await startRun(lane.client, id, {
      experiment: {
        ...paused,
        name: id.toLowerCase().replaceAll(/[^a-z]+/g, '-'),
        targets: { site: 'torture', selector: { group: 'all', names: [...names] } },
        sampleEveryMs: 100,
        ...(preconditions ? { preconditions } : {}),
      },
      documentHash: '',
      startedBy: 'a test',
    });
    const result = (await handle.result()) as RunResult;
    await assertCleanSlate(lane, id, victims);
    const { events = [] } = (await openFileStore(join(lane.folder, 'journal')).read(id)) ?? {};
    const last = events.findLast((event) => event.type === 'admission')?.guards.at(-1);
    return { result, events, last };
  }
  const opened = (events: readonly JournalEvent[]): string[] =>
    events.flatMap((event) => (event.type === 'stage-opened' ? event.targets : []));

  describe('what cannot be read refuses, by name, and nothing is touched', { concurrency: 1 }, () => {
    const cases: Record<string, [change: Partial<World>, refusal: RegExp, preconditions?: Preconditions]> = {
      'a lever of one’s own': [{ button: undefined }, /^emergency-stop: cannot be read: /],
      'a lever that reads no number': [{ button: '{"value":"off"}' }, /^emergency-stop: cannot be read: /],
      'a calendar at a URL': [{ freezes: undefined }, /^window: cannot be read: the calendar/, { window: 'calendar' }],
      'a calendar that has no end': [
        { freezes: 'x'.repeat(1024 * 1024 + 1) },
        /^window: cannot be read: .*larger than/,
        { window: 'calendar' },
      ],
      'a calendar file that is too large': [{}, /^window: cannot be read: .*larger than/, { window: 'large' }],
      'a calendar file that is a folder': [{}, /^window: cannot be read: .*folder/, { window: 'folder' }],
      'an endpoint': [{ open: undefined }, /^no-incidents: cannot be read: 127\.0\.0\.1:\d+: /],
      'an Alertmanager': [{ 'am/api/v2/alerts': undefined }, /^no-incidents: cannot be read: Alertmanager at /],
      'an Alertmanager that answers otherwise': [
        { 'am/api/v2/alerts': '[{}]' },
        /^no-incidents: cannot be read: Alertmanager at .*another shape/,
      ],
      PagerDuty: [{ 'pd/incidents': undefined }, /^no-incidents: cannot be read: PagerDuty: /],
      'what says how healthy it is': [{ errors: undefined }, /^healthy: errors is without data, expected at most 1%$/],
      'what says how much is spare': [{ spare: undefined }, /^capacity: spare is without data, expected at least 30%$/],
    };
    for (const [what, [change, refusal, preconditions]] of Object.entries(cases))
      it(what, async () => {
        world = { ...WELL, ...change };
        const { result, events, last } = await run(`unreadable: ${what}`, preconditions);
        assert.equal(result.status, 'refused');
        assert.match(result.reason, refusal);
        assert.equal(`${last?.guard}: ${last?.found}`, result.reason, 'the journal has what it was found on');
        assert.equal(last?.passed, false);
        if (/cannot be read/.test(result.reason)) assert.equal(last.unreadable, true);
        assert.deepEqual(opened(events), []);
      });

    it('a budget that does not answer', async () => {
      await lane.client.workflow.start('blastRadius', {
        workflowId: budgetId('torture'),
        taskQueue: 'nobody serves this',
        workflowIdConflictPolicy: 'TERMINATE_EXISTING',
        args: ['torture'],
      });
      const { result, events, last } = await run('unreadable: budget');
      await lane.client.workflow.getHandle(budgetId('torture')).terminate();
      assert.equal(result.status, 'refused');
      assert.match(result.reason, /^admission: budget: cannot be read: budget has not answered within 20000 ms$/);
      assert.deepEqual([last?.guard, last?.unreadable], ['budget', true]);
      assert.deepEqual(opened(events), []);
    });
  });

  it('a journal, a lever or a Temporal that cannot be read refuses, whichever guard asks it', async () => {
    const of: Asked = {
      ...asked(pausing({ fault: 'host/pause', group: 'all', seed: SEED, ttlMs: 10_000 })),
      run: 'anybody',
      stage: 0,
      services: [{ service: '', members: 1, keys: ['a'] }],
    };
    await lane.client.workflow.start('experiment', { workflowId: 'anybody', taskQueue: 'nobody serves this' });
    const answer = async (guard: Guard): Promise<GuardAnswer | undefined> =>
      (await climb([guard], of, new AbortController().signal))[0];
    const store = openFileStore(join(lane.folder, 'journal'));
    assert.deepEqual(await answer(coolDownGuard(lane.client, 60_000, store)), {
      guard: 'cool-down',
      passed: true,
      found: 'no other run of it, or on its targets, within 1m',
    });
    const file = join(lane.folder, 'a-file');
    await writeFile(file, '');
    const dead = Connection.lazy({ address: `127.0.0.1:${await freePort()}`, interceptors: [] });
    const nobody = new Client({ connection: dead });
    const guards: readonly Guard[] = [
      coolDownGuard(lane.client, 60_000, openFileStore(join(file, 'journal'))),
      coolDownGuard(nobody, 60_000, store),
      stopGuard(nobody, [], policyOf()),
      stopGuard(lane.client, [fileLever(join(file, 'lever'))], policyOf()),
      budgetGuard(nobody, {}),
    ];
    const answers = await Promise.all(guards.map(answer));
    await dead.close();
    await lane.client.workflow.getHandle('anybody').terminate();
    for (const [i, said] of answers.entries()) {
      assert.deepEqual([said?.guard, said?.passed, said?.unreadable], [guards[i]?.name, false, true], said?.found);
      assert.match(said?.found ?? '', /^cannot be read: ./);
    }
  });

  describe(
    'what begins to refuse between two stages ends the run, and what was done is undone',
    { concurrency: 1 },
    () => {
      /** Fails unless the first stage was done, the second never, and the first undone. */
      const ended = ({ result, events, last }: Ran, refusal: RegExp): void => {
        assert.equal(result.status, 'aborted', result.reason);
        assert.match(result.reason, refusal);
        const ladders = events.filter((event) => event.type === 'admission');
        assert.deepEqual(
          ladders.map(({ stage, guards }) => [stage, guards.every(({ passed }) => passed)]),
          [
            [undefined, true],
            [0, true],
            [1, false],
          ],
        );
        assert.equal(`${last?.guard}: ${last?.found}`, result.reason);
        assert.equal(events.find((event) => event.type === 'abort')?.cause, 'admission');
        assert.equal(opened(events).length, 1);
        assert.ok(
          events.some(({ type }) => type === 'recovered'),
          'the first stage is undone',
        );
      };
      const cases: Record<string, [change: Partial<World>, refusal: RegExp]> = {
        'the window closes': [{ freezes: FROZEN }, /^window: calendar is closed by a change freeze, "Sale"/],
        'incidents cannot be read any more': [{ open: undefined }, /^no-incidents: cannot be read: /],
        'it is not healthy any more': [{ errors: '{"value":0.5}' }, /^healthy: errors is 50%, expected at most 1%$/],
        'capacity falls': [{ spare: '{"value":0.1}' }, /^capacity: spare is 10%, expected at least 30%$/],
      };
      for (const [what, [change, refusal]] of Object.entries(cases))
        it(what, async () => {
          between = { world: change };
          ended(await run(`between: ${what}`, { window: 'calendar' }), refusal);
        });

      /** The second member, as a target. */
      let second = '';
      it('its next target has not cooled down; a run’s own stages do not count', async () => {
        // Nobody has been on these.
        await victims.end();
        victims = await Victims.start(join(lane.folder, 'victims'), 'all', 3);
        const own = await run('two stages', { coolDownMs: 3_600_000 }, ['all-2', 'all-3'], 5_000);
        assert.equal(own.result.status, 'completed', own.result.reason);
        [second = ''] = opened(own.events);
        ended(
          await run('cooled', { coolDownMs: 3_600_000 }),
          /^cool-down: all\/all-2@\S+ was hit by two stages \S+ ago, expected 1h in between$/,
        );
      });

      it('its next target is granted to somebody else', async () => {
        const { firstExecutionRunId: execution } = await lane.client.workflow.start('experiment', {
          workflowId: 'intruder',
          taskQueue: 'nobody serves this',
        });
        const services = [{ service: '', members: 3, keys: [targetKey(second)] }];
        const ask = { run: 'intruder', execution, stage: 0, services, limits: {}, waits: false };
        let granted: unknown;
        between = {
          act: async () => {
            granted = await reserve(lane.client, 'torture', ask, AbortSignal.timeout(60_000), () => true);
          },
        };
        ended(await run('taken'), /^budget: 1 of its 1 targets are intruder’s$/);
        await lane.client.workflow.getHandle('intruder').terminate();
        assert.deepEqual(granted, { answer: 'granted' });
      });

      for (const [most, refusal] of [
        ['3', /^policy: the run began by another one \([0-9a-f]{12}\), start it anew: policy 1 /],
        ['1', /^policy: stage 2 is more than 1, the most in environment here: policy 1 /],
      ] as const)
        it(`the policy is another one, which allows ${most}`, async () => {
          const running = run(`another policy: ${most}`, undefined, MEMBERS, 5_000);
          await until(isOn);
          await lane.kill('control');
          const text = await readFile(lane.config, 'utf8');
          await writeFile(lane.config, text.replace(/maxTargets: \d/, `maxTargets: ${most}`));
          await lane.start('control');
          ended(await running, refusal);
        });
    },
  );
});
