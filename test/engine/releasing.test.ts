/**
 * A lease that is released while it is being started hears of it, on a real server and a real site: a signal to a workflow
 * that is not there yet is lost.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import proto from '@temporalio/proto';
import {
  bundleWorkflowCode,
  DefaultLogger,
  makeTelemetryFilterString,
  NativeConnection,
  Runtime,
  Worker,
} from '@temporalio/worker';
import { leaseTiming } from '../../domain/timing.ts';
import { readConfig } from '../../workers/config.ts';
import { openSite } from '../../workers/open-site.ts';
import { siteWorkers } from '../../workers/site.ts';
import { startDevServer } from '../../workers/temporal-server.ts';
import type { DevServer } from '../../workers/temporal-server.ts';
import type { LeaseInput, LeaseResult } from '../../workflows/messages.ts';

/** Runs, each with a lease of its own: whose signal is lost is the server's to say. */
const RUNS = 10;
const { EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED: LOST } = proto.temporal.api.enums.v1.EventType;

let folder: string;
let server: DevServer;
let client: Client;
let connection: NativeConnection;
let workers: Worker[];
let serving: Promise<unknown>;
before(async () => {
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) } },
  });
  folder = await mkdtemp(join(tmpdir(), 'squall-releasing-'));
  const namespace = 'default';
  server = await startDevServer({ namespace, headless: true, logFile: join(folder, 'temporal.log') });
  client = new Client({ connection: await Connection.connect({ address: server.address }) });
  connection = await NativeConnection.connect({ address: server.address });
  const file = join(folder, 'squall.yaml');
  await writeFile(file, `state: ${join(folder, 'state')}\nsites: { here: {} }\n`);
  const site = await openSite(await readConfig(file), 'here');
  const workflowBundle = await bundleWorkflowCode({
    workflowsPath: join(import.meta.dirname, 'releasing-workflows.ts'),
    logger: new DefaultLogger('ERROR'),
  });
  workers = [
    await Worker.create({ connection, taskQueue: 'control', workflowBundle }),
    ...(await siteWorkers({ site, name: 'here', connection, client, namespace, sampled: () => undefined })),
  ];
  serving = Promise.all(workers.map((worker) => worker.run()));
});
after(async () => {
  for (const worker of workers) worker.shutdown();
  await serving;
  await client.connection.close();
  await connection.close();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

it('a lease that is released while it is being started is told once it is there', async (t) => {
  const runs = Array.from({ length: RUNS }, (_, i) => `run-${i + 1}`);
  const lost = await Promise.all(
    runs.map(async (run) => {
      const lease = `${run}/stage-1`;
      const input: LeaseInput = {
        mode: 'hold',
        run,
        lease,
        stage: 0,
        site: 'here',
        kind: 'noop/noop',
        params: {},
        targets: [`${run}-target`],
        // Long: what ends it must be its release, not the question before its first renewal.
        timing: leaseTiming(1, 120_000),
        notAfterMs: 600_000,
      };
      const handle = await client.workflow.start('releasing', {
        workflowId: run,
        taskQueue: 'control',
        args: [input],
      });
      const { endedBy, why } = (await handle.result()) as LeaseResult;
      const { events } = await handle.fetchHistory();
      const failed = (events ?? []).filter(({ eventType }) => eventType === LOST);
      const words = failed.length === 0 ? 'at once' : 'the run is aborting';
      assert.deepEqual([endedBy, why], ['released', words], run);
      return failed.length;
    }),
  );
  const found = `the release of ${lost.filter((count) => count > 0).length} of ${RUNS} came before the lease`;
  // A server that loses none has nothing to be said again.
  t.diagnostic(found);
});
