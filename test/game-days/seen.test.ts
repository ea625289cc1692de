/** What a game day sees by itself: its rules, alerts of a real Alertmanager, an emergency stop; and that time costs no history. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { actText } from '../../domain/game-day-acts.ts';
import type { DayAct } from '../../domain/game-day-acts.ts';
import type { Criterion, GameDay } from '../../domain/game-day.ts';
import { signedText } from '../../domain/identity.ts';
import { dayActUpdate, resumeSignal } from '../../workflows/messages.ts';
import type { RunResult } from '../../workflows/messages.ts';
import { Alertmanager, SKIP } from '../admission/alertmanager.ts';
import { startRun } from '../../workers/start-run.ts';
import { squall } from '../cli/squall.ts';
import { weigh } from '../engine/history.ts';
import { until } from '../until.ts';
import { gameDayOf, scenarioOf, workOf } from './day-of.ts';
import { Days, ofType } from './days.ts';
import type { Held } from './days.ts';

const STEP = { kind: 'by-hand', step: 'look' } as const;
const five = { value: 5, dimension: 'count', text: '5' } as const;
const rule: GameDay['abortOn'] = [
  { probe: 'level', breach: { kind: 'above', limit: five }, forMs: 1_500, abort: 'immediate' },
];
const long = () =>
  workOf({ blastRadius: { stages: [{ kind: 'count', count: 1, text: '1' }], holdMs: 600_000, seed: 'any' } });

describe('a game day sees', () => {
  let alertmanager: Alertmanager | undefined;
  let days: Days;
  before(async () => {
    if (SKIP === false) alertmanager = await Alertmanager.start();
    const incidents = alertmanager
      ? `[{ alertmanager: { url: '${alertmanager.url}', matching: ['severity="critical"'] } }]`
      : 'none';
    const configuration = `admission: { healthy: none, incidents: ${incidents}, capacity: none }\n`;
    days = await Days.open({ groups: ['victims'], configuration });
  });
  after(async () => {
    await days.close();
    await alertmanager?.close();
  });

  const begun = async (name: string, change: Partial<GameDay>): Promise<Held> => {
    const day = await days.call(name, gameDayOf(change));
    await day.does('alice', { act: 'begin' });
    return day;
  };
  const holds = async (day: Held): Promise<void> => {
    const run = await day.has({ type: 'run' });
    await until(async () => {
      const handle = days.lane.client.workflow.getHandle(run.type === 'run' ? run.run : '');
      const story = await handle.query<{ state: { phase: string } }, [number]>('story', 1e9).catch(() => undefined);
      return story?.state.phase === 'holding';
    });
  };

  it('a rule of its own that is breached for long enough: it aborts, and what runs is rolled back', async () => {
    const day = await begun('breached', { abortOn: rule, scenarios: [scenarioOf({ work: long() }), scenarioOf()] });
    try {
      await holds(day);
      days.lane.level = 9;
      const { ending, why } = await day.end();
      assert.equal(ending, 'aborted');
      assert.match(why, /^level 9 is above 5, sustained for 1.5 s$/);
    } finally {
      days.lane.level = 0;
    }
    const events = await day.record();
    assert.equal(ofType(events, 'edge')[0]?.edge, 'breach-begins');
    assert.equal(ofType(events, 'run-ended')[0]?.status, 'aborted');
    assert.deepEqual(
      ofType(events, 'scenario-ended').map(({ ending }) => ending),
      ['aborted', 'skipped'],
    );
  });

  it('nothing of what a rule asks for: it aborts', async () => {
    const day = await begun('unseen', { abortOn: rule, scenarios: [scenarioOf({ work: STEP })] });
    try {
      await day.has({ type: 'step-asked' });
      days.lane.level = undefined;
      const { ending, why } = await day.end();
      assert.equal(ending, 'aborted');
      assert.match(why, /^level has no data/);
    } finally {
      days.lane.level = 0;
    }
  });

  it('an alert of a real Alertmanager, also a silenced one', { skip: SKIP }, async () => {
    const alert = (name: string, withinMs: number): Criterion => ({ name, kind: 'alert', alert: name, withinMs });
    await alertmanager?.alert({ alertname: 'Before', severity: 'warning' });
    const unsilenced = await alertmanager?.silence('Silenced');
    const criteria = [
      alert('Before', 60_000),
      alert('Fires', 60_000),
      alert('Silenced', 60_000),
      alert('Never', 4_000),
    ];
    const day = await begun('alerts', { scenarios: [scenarioOf({ work: STEP, criteria, approve: 'commander' })] });
    await day.has({ type: 'scenario-due' });
    await until(async () => ofType(await day.record(), 'alert').length === 4);
    await day.does('alice', { act: 'approve', scenario: 0 });
    await day.has({ type: 'step-asked' });
    for (const alertname of ['Fires', 'Silenced']) await alertmanager?.alert({ alertname, severity: 'warning' });
    await day.does('alice', { act: 'done', scenario: 0, step: 'look' });
    await day.end();
    await unsilenced?.();
    const found = ofType(await day.record(), 'criterion').toSorted((a, b) => a.criterion - b.criterion);
    assert.deepEqual(
      found.map(({ verdict }) => verdict),
      ['unknown', 'met', 'met', 'missed'],
      JSON.stringify(found),
    );
    assert.match(found[0]?.evidence ?? '', /fired already/);
  });

  it('an emergency stop: it ends as interrupted, and one that begins in it does nothing', async () => {
    const day = await begun('stopped', { scenarios: [scenarioOf({ work: long() }), scenarioOf()] });
    await holds(day);
    const stopped = await squall(['stop', '--reason', 'checkout is down'], days.env);
    assert.equal(stopped.code, 0, stopped.err);
    const { ending, why } = await day.end();
    assert.equal(ending, 'interrupted');
    assert.match(why, /^everything is stopped: checkout is down, by alice/);
    assert.equal(ofType(await day.record(), 'run-ended')[0]?.status, 'aborted');
    // Called while everything is stopped.
    const later = await days.call('later', gameDayOf());
    const told = later.end();
    await later.does('alice', { act: 'begin' }).catch(() => undefined);
    assert.match((await told).ending, /^(?:interrupted|completed)$/);
    const ends = ofType(await later.record(), 'run-ended').map(({ status }) => status);
    assert.ok(
      ends.every((status) => status === 'refused' || status === 'not begun'),
      ends.join(),
    );
    const latch = days.lane.client.workflow.getHandle('stop/everything');
    await latch.signal(resumeSignal, { by: 'a test', reason: 'it is over' });
    await latch.result();
  });

  it('much, and writes little: its history does not grow with its time', async (t) => {
    const weights = await Promise.all(
      [2_000, 30_000].map(async (ms, index) => {
        const day = await begun(`flat-${index}`, { sampleEveryMs: 200, scenarios: [scenarioOf({ work: STEP })] });
        await day.has({ type: 'step-asked' });
        await new Promise((resolve) => setTimeout(resolve, ms));
        await day.does('alice', { act: 'done', scenario: 0, step: 'look' });
        await day.end();
        const points = ofType(await day.record(), 'samples').flatMap(({ series }) => series['level']?.points ?? []);
        return { ...(await weigh(days.lane.client, day.name)), points: points.length };
      }),
    );
    const [short, long] = weights;
    t.diagnostic(JSON.stringify(weights));
    assert.ok((long?.points ?? 0) > 2 * (short?.points ?? 0), 'it was sampled');
    const bare = ({ events, ofTasks }: { events: number; ofTasks: number }): number => events - ofTasks;
    assert.ok(short && long && Math.abs(bare(long) - bare(short)) <= 5, JSON.stringify(weights));
    assert.ok(long.events < 150, JSON.stringify(weights));
  });
});

describe('a game day where the policy knows people by their keys', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  let days: Days;
  before(async () => {
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const configuration = `policy:\n  version: '1'\n  people:\n    alice: { key: ${JSON.stringify(pem)}, may: [start] }\n`;
    days = await Days.open({ groups: ['victims'], configuration });
  });
  after(() => days.close());

  it('is begun by whoever proves to be its commander, each proof once; and ended by whoever says so', async () => {
    const day = await days.call('proven', gameDayOf({ scenarios: [scenarioOf(), scenarioOf({ work: STEP })] }));
    await day.refused('alice', { act: 'begin' }, /alice \(not authenticated\) may not start/);
    const { execution } = await day.story();
    const proofs: { signature: string; signedAtMs: number }[] = [];
    const says = async (act: DayAct, signedAtMs: number): Promise<unknown> => {
      const text = signedText({ act: 'game-day', of: day.name, what: actText(act, execution, signedAtMs) }, 'alice');
      const signature = sign(null, Buffer.from(text), privateKey).toString('base64');
      const claim = { by: 'alice', signature, signedAtMs };
      proofs.push({ signature, signedAtMs });
      return day.handle.executeUpdate(dayActUpdate, { args: [{ claim, execution, act }] });
    };
    await says({ act: 'begin' }, 1);
    await day.has({ type: 'run-ended', status: 'completed' });
    const { run = '' } = (await day.has({ type: 'run' })) as { run?: string };
    const journal = await days.store.read(run);
    const started = journal?.events.find((event) => event.type === 'started');
    assert.equal(started?.type === 'started' && started.startedBy, 'alice');
    // The same words start nothing else, whoever has seen them.
    const work = workOf({}) as Extract<ReturnType<typeof workOf>, { kind: 'experiment' }>;
    const stolen = await startRun(days.lane.client, 'stolen', {
      experiment: work.experiment,
      documentHash: work.documentHash,
      startedBy: 'alice',
      ...proofs[0],
      day: { day: day.name, execution, act: { act: 'begin' } },
    });
    const refused = (await stolen.result()) as RunResult;
    assert.equal(refused.status, 'refused');
    assert.match(
      refused.reason,
      /alice \(not authenticated\) may not start: it is no run of the game day proven that was begun/,
    );
    const longer = { act: 'extend', byMs: 60_000 } as const;
    await says(longer, 2);
    await assert.rejects(says(longer, 2), (error: Error) => {
      assert.match((error.cause as Error).message, /signed for once already/);
      return true;
    });
    await day.does('alice', { act: 'abort', why: 'enough' });
    assert.equal((await day.end()).ending, 'aborted');
    const events = await day.record();
    assert.equal(ofType(events, 'begun')[0]?.by, 'alice');
    assert.equal(ofType(events, 'extended').length, 1);
    assert.equal(ofType(events, 'day-ended')[0]?.by, 'alice (not authenticated)');
  });
});
