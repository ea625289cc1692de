/** Real runs that tell real receivers: one that works, one that is slow, one that hangs, one that is down. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { WorkflowHandle } from '@temporalio/client';
import { openFileStore } from '../../activities/journal/file.ts';
import { pausing } from '../../bench/torture/experiment.ts';
import { Lane } from '../../bench/torture/lane.ts';
import type { Experiment } from '../../domain/experiment.ts';
import type { JournalEvent } from '../../domain/journal.ts';
import { renderReport } from '../../report/html.ts';
import { startRun } from '../../workers/start-run.ts';
import { freePort } from '../../workers/temporal-server.ts';
import { abortSignal } from '../../workflows/messages.ts';
import type { RunResult, Story } from '../../workflows/messages.ts';
import { startServer } from '../probes/server.ts';
import type { TestServer } from '../probes/server.ts';
import { recordAs } from '../replay/record.ts';
import { until } from '../until.ts';
import { slackContract, webhookContract } from './receivers.ts';

const KEY = 'the-signing-key';
const SECRET_PATH = '/services/T0000/B0000/VerySecretIndeed';

describe('a run', () => {
  let folder: string;
  let lane: Lane;
  const servers: Record<'works' | 'slow' | 'hangs', TestServer> = {} as never;
  /** What the receiver that works was told, as `<run>: <event>`, and under which keys. */
  const told: string[] = [];
  const ids: string[] = [];
  let hung = 0;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'squall-notify-'));
    servers.works = await startServer(
      webhookContract(KEY, ({ subject, type, id }) => {
        told.push(`${subject}: ${type.split('.').at(-1) ?? ''}`);
        ids.push(id);
      }),
    );
    const takes = slackContract(SECRET_PATH, () => undefined);
    servers.slow = await startServer((request, response) => setTimeout(() => takes(request, response), 2_000));
    servers.hangs = await startServer(() => (hung += 1));
    process.env['TEST_NOTIFY_KEY'] = KEY;
    process.env['TEST_NOTIFY_SLOW'] = `${servers.slow.url}${SECRET_PATH}`;
    process.env['TEST_NOTIFY_DOWN'] = `http://127.0.0.1:${await freePort()}${SECRET_PATH}`;
    const configuration = `notify:
  to:
    works: { type: webhook, url: '${servers.works.url}', secretFrom: { env: TEST_NOTIFY_KEY } }
    slow: { type: slack, urlFrom: { env: TEST_NOTIFY_SLOW }, on: [aborted] }
    down: { type: slack, urlFrom: { env: TEST_NOTIFY_DOWN } }
    hangs: { type: webhook, url: '${servers.hangs.url}', secretFrom: { env: TEST_NOTIFY_KEY }, on: [started, closed] }
`;
    const worker = join(import.meta.dirname, 'dying-worker.ts');
    lane = new Lane(folder, 'notify', { groups: ['any'], configuration, worker });
    await lane.up();
  });
  after(async () => {
    await lane.down();
    for (const server of Object.values(servers)) await server.close();
    await rm(folder, { recursive: true, force: true });
  });

  const journalOf = async (run: string): Promise<readonly JournalEvent[]> =>
    (await openFileStore(join(folder, 'journal')).read(run))?.events ?? [];

  /** A run that holds its only stage. */
  async function holding(run: string, change: Partial<Experiment> = {}): Promise<WorkflowHandle> {
    const experiment: Experiment = {
      ...pausing({ fault: 'noop/noop', group: 'any', seed: run, ttlMs: 10_000, stages: [1], holdMs: 600_000 }),
      targets: { site: 'torture', selector: { count: 2, name: run } },
      ...change,
    };
    const handle = await startRun(lane.client, run, { experiment, documentHash: '', startedBy: 'a test' });
    const phase = async (): Promise<string> =>
      handle.query<Story, [number]>('story', 0).then(
        ({ state }) => state.phase,
        () => 'no answer',
      );
    await until(async () => (await phase()) === 'holding');
    return handle;
  }

  it('that is aborted to be communicated says in its journal who was told, and who was not', async () => {
    const level = { value: 5, dimension: 'count', text: '5' } as const;
    const handle = await holding('communicate', {
      stopConditions: [{ probe: 'level', breach: { kind: 'above', limit: level }, forMs: 0, abort: 'communicate' }],
    });
    lane.level = 9;
    const { status } = (await handle.result().finally(() => (lane.level = 0))) as RunResult;
    assert.equal(status, 'aborted');
    const confirmations = async (): Promise<Extract<JournalEvent, { type: 'told' }>[]> =>
      (await journalOf('communicate')).filter((event) => event.type === 'told');
    await until(async () => (await confirmations()).length === 3);
    const events = await confirmations();
    const words = events.map(({ to, delivered, why = '' }) => `${to}: ${delivered}, ${why}`).toSorted();
    assert.deepEqual(words, [
      'down: false, the connection failed (ECONNREFUSED); it is tried again',
      'slow: true, ',
      'works: true, ',
    ]);
    const journal = await journalOf('communicate');
    const abort = journal.find((event) => event.type === 'abort') ?? assert.fail();
    assert.ok(events.every(({ seq, atMs }) => seq === abort.seq && atMs >= abort.atMs));
    const report = renderReport({ schema: 'squall/journal/v1', run: 'communicate', events: journal });
    assert.match(report, /not told<\/td><td>down was not told of the abort: the connection failed/);
    assert.match(report, /told<\/td><td>works was told of the abort/);
    await recordAs(lane.client, 'notices/communicate', 'communicate.notices');
  });

  it('tells nobody its receivers’ secrets: not the journal, not Temporal, not the logs', async () => {
    const { events } = await lane.client.workflow.getHandle('notices/communicate').fetchHistory();
    const texts = [
      // A payload's bytes are in base64.
      JSON.stringify(events, (name, value: unknown) =>
        name === 'data' && typeof value === 'string' ? Buffer.from(value, 'base64').toString('utf8') : value,
      ),
      await readFile(join(folder, 'journal', 'communicate.json'), 'utf8'),
      await readFile(join(folder, 'control.log'), 'utf8'),
    ];
    assert.match(texts[0] ?? '', /ECONNREFUSED/, 'what went wrong is there');
    assert.match(texts[0] ?? '', /hypothesis/, 'what was asked is there');
    for (const text of texts) assert.doesNotMatch(text, /VerySecretIndeed|the-signing-key/);
  });

  it('reverts and ends while a receiver hangs; nothing waits for it, and others are told', async () => {
    const handle = await holding('hangs');
    await until(() => hung > 0 && told.includes('hangs: stage'));
    await handle.signal(abortSignal, { mode: 'immediate', reason: 'enough', by: 'ada' });
    // Told at once, and not with the next writing.
    await until(() => told.includes('hangs: aborted'));
    const { status } = (await handle.result()) as RunResult;
    assert.equal(status, 'aborted');
    assert.ok((await journalOf('hangs')).some(({ type }) => type === 'reverted'));
    await until(() => told.includes('hangs: closed'));
    const mine = told.filter((what) => what.startsWith('hangs: '));
    assert.deepEqual(
      mine,
      ['started', 'stage', 'aborted', 'recovered', 'closed'].map((event) => `hangs: ${event}`),
    );

    const { events } = await lane.client.workflow.getHandle('notices/hangs').fetchHistory();
    const scheduled = new Map(
      (events ?? []).map((event) => [Number(event.eventId), event.activityTaskScheduledEventAttributes]),
    );
    const completed = (events ?? []).flatMap(({ activityTaskCompletedEventAttributes: done }) => {
      const input = scheduled.get(Number(done?.scheduledEventId))?.input?.payloads?.[0]?.data;
      return input ? [(JSON.parse(Buffer.from(input).toString('utf8')) as { to?: string }).to] : [];
    });
    assert.ok(completed.includes('works'));
    assert.ok(!completed.includes('hangs'), 'the one that hangs has taken nothing to the end');
    const { events: own } = await handle.fetchHistory();
    const asked = (own ?? []).map((event) => event.activityTaskScheduledEventAttributes?.activityType?.name);
    assert.equal(asked.includes('deliver'), false, 'the run itself tells nobody');
  });

  it('that is cancelled in Temporal is told of like any other', async () => {
    const handle = await holding('cancelled');
    await handle.cancel();
    await handle.result();
    await until(() => told.includes('cancelled: closed'));
    assert.ok(told.indexOf('cancelled: aborted') < told.indexOf('cancelled: recovered'));
    assert.equal(told.filter((what) => what === 'cancelled: aborted').length, 1);
  });

  it('is told of although its control worker dies between the writing and the telling', async () => {
    const handle = await holding('dies');
    await until(() => told.includes('dies: stage'));
    await handle.signal(abortSignal, { mode: 'immediate', reason: 'enough', by: 'ada' });
    await lane.gone('control');
    assert.ok(
      (await journalOf('dies')).some(({ type }) => type === 'abort'),
      'it is written',
    );
    assert.equal(told.includes('dies: aborted'), false, 'nobody was told');
    await lane.start('control');
    await handle.result();
    await until(() => told.includes('dies: closed'));
    assert.equal(told.filter((what) => what === 'dies: aborted').length, 1);
    assert.equal(new Set(ids).size, ids.length, 'each once, by its key');
  });
});
