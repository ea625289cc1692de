/** A run of a day has the history of a run of seconds: on the time-skipping server, with stubbed activities. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { activityInfo } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { bundleWorkflowCode, DefaultLogger, makeTelemetryFilterString, Runtime, Worker } from '@temporalio/worker';
import { pausing } from '../../bench/torture/experiment.ts';
import type { PreflightResult, WatchInput, WatchReport } from '../../activities/interface.ts';
import { planStages } from '../../domain/ladder.ts';
import type { RunInput, RunResult } from '../../workflows/messages.ts';
import { policyOf } from '../../workers/policy-settings.ts';
import { findTestServer } from '../../workers/temporal-server.ts';
import { assertFlat, weighRun } from './history.ts';
import type { RunWeight } from './history.ts';

const SECOND_MS = 1_000;
const HOUR_MS = 3_600 * SECOND_MS;
const STAGES = [1, 2, 3, 4, 5];

const endless = (): never => goesOn('30 days');

const goesOn = (nextRetryDelay: number | '30 days'): never => {
  throw ApplicationFailure.create({ message: 'still going on', nextRetryDelay });
};

/**
 * When the watches report, and how long before that their last sample was, as shares of all stages: were the first one's
 * samples laid at its report, the first stage would have been watched for 40% of its hold.
 */
const REPORTS = [
  { after: 0.45, since: 0.12 },
  { after: 0.5, since: 0 },
];

/** Hands over what it saw, twice, and goes on. */
function watch({ experiment, resume }: WatchInput): WatchReport {
  const { stages, holdMs } = experiment.blastRadius;
  const allMs = stages.length * holdMs;
  const told = resume?.conditions.length ?? 0;
  const report = REPORTS[told];
  if (report === undefined) return endless();
  if (activityInfo().attempt === 1) return goesOn(report.after * allMs);
  const points = [0, (report.after - report.since) * allMs].map((atMs): [number, number] => [atMs, 1]);
  return {
    ended: 'edge',
    edges: [],
    resume: { conditions: Array.from({ length: told + 1 }, () => ({ breached: false, clear: 0 })), silent: {} },
    series: { alive: { dimension: 'count', points } },
    sinceSampleMs: report.since * allMs,
  };
}

const stubs = {
  record: () => ({ searchAttributes: false }),
  admit: () => ({ guards: [], policy: policyOf(), startedBy: { name: 'a test', proven: false } }),
  attend: endless,
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
      reversal: 'reverted',
      permissions: [],
      planHash: 'the plan',
    };
  },
  inject: () => ({ injected: 1, gone: 0, failed: [] }),
  hold: endless,
  watch,
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
    for (const taskQueue of ['control/hold', 'site/torture', 'site/torture/hold', 'site/torture/revert']) {
      workers.push(await Worker.create({ connection, taskQueue, activities: stubs }));
    }
    serving.push(...workers.map((worker) => worker.run()));
  });
  after(async () => {
    for (const worker of workers) worker.shutdown();
    await Promise.all(serving);
    await environment.teardown();
  });

  it('has as many events as a run of a minute, and so have its leases', async (t) => {
    const short = await three('short', 60 * SECOND_MS);
    const long = await three('long', 24 * HOUR_MS);
    assertFlat(t, { weights: short, held: 'a minute' }, { weights: long, held: 'a day' });
  });

  async function three(name: string, holdMs: number): Promise<RunWeight[]> {
    const weights = [];
    for (const number of [1, 2, 3]) weights.push(await held(`${name}-${number}`, holdMs));
    return weights;
  }

  /** A run that holds five stages for `holdMs` in all. */
  async function held(run: string, holdMs: number): Promise<RunWeight> {
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
    const { status, reason } = (await handle.result()) as RunResult;
    assert.equal(status, 'completed', reason);
    const { startTime, closeTime } = await handle.describe();
    assert.ok(Number(closeTime) - Number(startTime) >= holdMs, 'the time has passed');
    return weighRun(environment.client, run, STAGES.length);
  }
});
