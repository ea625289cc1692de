/** A run of a day has the history of a run of seconds: on the time-skipping server, with stubbed activities. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ApplicationFailure } from '@temporalio/common';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { bundleWorkflowCode, DefaultLogger, makeTelemetryFilterString, Runtime, Worker } from '@temporalio/worker';
import { pausing } from '../../bench/torture/experiment.ts';
import type { PreflightResult } from '../../activities/interface.ts';
import { planStages } from '../../domain/ladder.ts';
import type { RunInput, RunResult } from '../../workflows/messages.ts';
import { findTestServer } from '../../workers/temporal-server.ts';

const SECOND_MS = 1_000;
const HOUR_MS = 3_600 * SECOND_MS;
const STAGES = [1, 2, 3, 4, 5];

const endless = (): never => {
  throw ApplicationFailure.create({ message: 'still going on', nextRetryDelay: '30 days' });
};

const stubs = {
  record: () => ({ searchAttributes: false }),
  preflight: ({ experiment }: RunInput): PreflightResult => {
    const targets = STAGES.map((number) => `t${number}`);
    return {
      checks: [],
      candidates: targets.length,
      excluded: [],
      targets,
      stages: planStages(experiment.blastRadius, targets.length),
      baseline: {},
      readings: [],
      undo: '',
      expiry: 'renewed',
      reversal: '',
      permissions: [],
    };
  },
  inject: () => ({ injected: 1, gone: 0, failed: [] }),
  hold: endless,
  watch: endless,
  revert: () => ({ targets: 1, ownerOpen: true }),
  recover: () => ({ recovered: true, tookMs: 0, readings: [], series: {} }),
};

describe('a run of a day', () => {
  let environment: TestWorkflowEnvironment;
  const workers: Worker[] = [];
  const serving: Promise<void>[] = [];
  before(async () => {
    Runtime.install({
      logger: new DefaultLogger('ERROR'),
      telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) } },
    });
    const path = await findTestServer(() => undefined);
    environment = await TestWorkflowEnvironment.createTimeSkipping({
      server: { executable: { type: 'existing-path', path } },
    });
    const workflowBundle = await bundleWorkflowCode({
      workflowsPath: join(import.meta.dirname, '..', '..', 'workflows', 'index.ts'),
      workflowInterceptorModules: [join(import.meta.dirname, 'long-activities.ts')],
      logger: new DefaultLogger('ERROR'),
    });
    const connection = environment.nativeConnection;
    workers.push(await Worker.create({ connection, taskQueue: 'control', workflowBundle, activities: stubs }));
    for (const taskQueue of ['site/torture', 'site/torture/hold', 'site/torture/revert']) {
      workers.push(await Worker.create({ connection, taskQueue, activities: stubs }));
    }
    serving.push(...workers.map((worker) => worker.run()));
  });
  after(async () => {
    for (const worker of workers) worker.shutdown();
    await Promise.all(serving);
    await environment.teardown();
  });

  it('has as many events as a run of seconds', async () => {
    const short = await fewest('short', 10 * SECOND_MS);
    const long = await fewest('long', 24 * HOUR_MS);
    assert.ok(Math.abs(long - short) <= 5, `${short} events in ten seconds, ${long} in a day`);
    assert.ok(long <= 250, `${long} events`);
  });

  /** Of three runs the fewest events: answers that come together share a workflow task, or each have their own three events. */
  async function fewest(name: string, holdMs: number): Promise<number> {
    const counts = [];
    for (const number of [1, 2, 3]) counts.push(await events(`${name}-${number}`, holdMs));
    return Math.min(...counts);
  }

  /** Events of a run that holds five stages for `holdMs` in all, its leases' included. */
  async function events(run: string, holdMs: number): Promise<number> {
    const experiment = pausing({
      fault: 'noop/noop',
      group: 'any',
      seed: run,
      ttlMs: 30 * SECOND_MS,
      stages: STAGES,
      holdMs: holdMs / STAGES.length,
    });
    const handle = await environment.client.workflow.start('experiment', {
      workflowId: run,
      taskQueue: 'control',
      args: [{ experiment, documentHash: '', startedBy: 'a test' }],
    });
    const { status } = (await handle.result()) as RunResult;
    assert.equal(status, 'completed');
    const { events } = await handle.fetchHistory();
    const times = (events ?? []).map(({ eventTime }) => Number(eventTime?.seconds ?? 0));
    assert.ok(Math.max(...times) - Math.min(...times) >= holdMs / SECOND_MS, 'the time has passed');
    return times.length;
  }
});
