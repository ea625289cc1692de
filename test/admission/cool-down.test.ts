/** What the cool-down guard looks at: the runs that it is about, and no others, however many there are. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import { coolDownGuard } from '../../activities/admission/cool-down.ts';
import type { Asked, Guard } from '../../activities/admission/guard.ts';
import { openFileStore } from '../../activities/journal/file.ts';
import { JOURNALS } from '../../activities/journal/kind.ts';
import { wholeText } from '../../activities/journal/text.ts';
import { pausing } from '../../bench/torture/experiment.ts';
import type { JournalEvent } from '../../domain/journal.ts';
import type { Status } from '../../domain/run.ts';
import { targetKey } from '../../domain/target-key.ts';
import { startDevServer } from '../../workers/temporal-server.ts';
import type { DevServer } from '../../workers/temporal-server.ts';
import { abortedRun } from '../report/journals.ts';
import { asked } from './asked.ts';

describe('the cool-down', () => {
  let home: string;
  let server: DevServer;
  let client: Client;
  before(async () => {
    home = await mkdtemp(join(tmpdir(), 'squall-cool-down-'));
    server = await startDevServer({
      dbFile: join(home, 'temporal.db'),
      headless: true,
      namespace: 'default',
      logFile: join(home, 'temporal.log'),
    });
    client = new Client({ connection: await Connection.connect({ address: server.address }) });
  });
  after(async () => {
    await client.connection.close();
    await server.kill();
    await rm(home, { recursive: true, force: true });
  });

  it('a cool-down is about those whom it concerns: who was refused, or ended before it, is not looked at, however many they are', async () => {
    const experiment = pausing({ fault: 'host/pause', group: 'all', seed: 'any', ttlMs: 10_000 });
    const target = 'all/all-1@host';
    const of: Asked = {
      ...asked(experiment),
      run: 'the next',
      stage: 0,
      services: [{ service: '', members: 1, keys: [targetKey(target)] }],
    };
    await client.workflow.start('experiment', { workflowId: of.run, taskQueue: 'nobody serves this' });
    const folder = join(home, 'many');
    await mkdir(folder);
    const nowMs = Date.now();
    const another = { ...experiment, name: 'another' };
    const written = async (
      run: string,
      agoMs: number,
      status: Status,
      touched: boolean,
      of = another,
    ): Promise<void> => {
      const at = (seq: number): { seq: number; atMs: number } => ({ seq, atMs: nowMs - agoMs + seq });
      const who = { documentHash: '', seed: '', startedBy: 'ada', installation: '', versions: {} };
      const opened = { stage: 0, size: '1', lease: '', targets: [target], reached: 1, radius: 1, ttlMs: 1 };
      const events: readonly JournalEvent[] = [
        { ...at(0), type: 'started', experiment: of, ...who },
        ...(touched ? [{ ...at(1), type: 'phase', phase: 'injecting', stage: 0 } as const] : []),
        ...(touched ? [{ ...at(2), type: 'stage-opened', ...opened } as const] : []),
        { ...at(3), type: 'closed', status, deviated: null, reason: '' },
      ];
      await writeFile(join(folder, `${run}.json`), wholeText(JOURNALS, run, events));
    };
    const guard = coolDownGuard(client, 1_800_000, openFileStore(folder));
    const answer = (): ReturnType<Guard['ask']> => guard.ask(of, AbortSignal.timeout(60_000));
    try {
      for (let i = 0; i < 1_001; i++) {
        await written(`refused-${i}`, 10_000, 'refused', false, experiment);
        await written(`earlier-${i}`, 3_600_000, 'completed', true, experiment);
      }
      // Whoever read it whole would find it damaged.
      const [damaged, text] = [join(folder, 'earlier-7.json'), await readFile(join(folder, 'earlier-7.json'), 'utf8')];
      await writeFile(damaged, text.replace('"documentHash"', '"documentHush"'));
      assert.deepEqual(await answer(), { passed: true, found: 'no other run of it, or on its targets, within 30m' });
      // Temporal never heard of it, or has forgotten.
      await written('forgotten', 50_000, 'completed', true, experiment);
      assert.match((await answer()).found, /^forgotten wrote its journal \S+ ago, expected 30m in between$/);
      await rm(join(folder, 'forgotten.json'));
      await written('reset', 10_000, 'refused', true);
      assert.match((await answer()).found, /^all\/all-1@host was hit by reset \S+ ago, expected 30m in between$/);
      for (let i = 0; i < 1_000; i++) await written(`another-${i}`, 10_000, 'completed', true);
      await assert.rejects(answer(), /more than 1000 runs would have to be looked at/);
    } finally {
      await client.workflow.getHandle(of.run).terminate();
    }
  });

  it('what an earlier version wrote of a run is read whole, since it does not say when the run ended', async () => {
    const folder = join(home, 'earlier');
    const { run, events } = abortedRun();
    const store = openFileStore(folder);
    await store.append(run, events);
    const file = join(folder, `${run}.json`);
    const text = await readFile(file, 'utf8');
    const before = text.replace(/"lastAtMs":\d+,"touched":true,/, '');
    assert.notEqual(before, text);
    await writeFile(file, before);
    const [head] = await store.list();
    assert.deepEqual([head?.problem, head?.lastAtMs, head?.status], [undefined, undefined, 'aborted']);
    assert.deepEqual((await store.read(run))?.events, events);
    const opened = events.find((event) => event.type === 'stage-opened') ?? assert.fail('no stage');
    const started = events.find((event) => event.type === 'started') ?? assert.fail('no start');
    const of: Asked = {
      ...asked({ ...started.experiment, name: 'the one after' }),
      run: 'the one after',
      stage: 0,
      services: [{ service: '', members: 1, keys: [targetKey(opened.targets[0] ?? '')] }],
    };
    await client.workflow.start('experiment', { workflowId: of.run, taskQueue: 'nobody serves this' });
    try {
      const sinceMs = Date.now() - (events.at(-1)?.atMs ?? 0) + 60_000;
      const { found } = await coolDownGuard(client, sinceMs, store).ask(of, AbortSignal.timeout(60_000));
      assert.match(found, new RegExp(`was hit by ${run} `));
    } finally {
      await client.workflow.getHandle(of.run).terminate();
    }
  });
});
