/**
 * A run on the time-skipping server: the real workflows on a real server, with stubbed activities, for what takes hours.
 *
 * Owns the server and its workers. The stubs do what a site and a journal do where all is well.
 */
import { join } from 'node:path';
import { ApplicationFailure } from '@temporalio/common';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { bundleWorkflowCode, DefaultLogger, makeTelemetryFilterString, Runtime, Worker } from '@temporalio/worker';
import type { WorkflowHandle } from '@temporalio/client';
import { pausing } from '../../bench/torture/experiment.ts';
import type { PreflightResult } from '../../activities/interface.ts';
import { planStages } from '../../domain/ladder.ts';
import type { RunInput } from '../../workflows/messages.ts';
import { policyOf } from '../../workers/policy-settings.ts';
import { findTestServer } from '../../workers/temporal-server.ts';

/** Of an activity that goes on for as long as its run does. */
export const endless = (): never => goesOn('30 days');

/** Fails this attempt; the next begins after this long. */
export const goesOn = (nextRetryDelay: number | '30 days'): never => {
  throw ApplicationFailure.create({ message: 'still going on', nextRetryDelay });
};

const stubs = {
  record: () => ({ searchAttributes: false }),
  admit: () => ({ guards: [], policy: policyOf(), startedBy: { name: 'a test', proven: false } }),
  attend: endless,
  preflight: ({ experiment }: RunInput): PreflightResult => {
    const top = experiment.blastRadius.stages.at(-1);
    const targets = Array.from({ length: top?.kind === 'count' ? top.count : 0 }, (_, i) => `t${i + 1}`);
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
  watch: endless,
  revert: () => ({ targets: 1, ownerOpen: true }),
  recover: () => ({ recovered: true, tookMs: 0, readings: [], series: {} }),
};

/** One server, and workers that serve every queue of a run. */
export class Skipping {
  readonly environment: TestWorkflowEnvironment;
  readonly #workers: readonly Worker[];
  readonly #serving: readonly Promise<void>[];

  private constructor(environment: TestWorkflowEnvironment, workers: readonly Worker[]) {
    this.environment = environment;
    this.#workers = workers;
    this.#serving = workers.map((worker) => worker.run());
  }

  /** `activities` stand in the place of the stubs of their names. */
  static async open(activities: object): Promise<Skipping> {
    Runtime.install({
      logger: new DefaultLogger('ERROR'),
      telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) } },
    });
    const path = await findTestServer(() => undefined);
    const environment = await TestWorkflowEnvironment.createTimeSkipping({
      server: { executable: { type: 'existing-path', path } },
    });
    const workflowBundle = await bundleWorkflowCode({
      workflowsPath: join(import.meta.dirname, '..', '..', 'workflows', 'index.ts'),
      workflowInterceptorModules: [join(import.meta.dirname, 'long-activities.ts')],
      logger: new DefaultLogger('ERROR'),
    });
    const connection = environment.nativeConnection;
    const served = { ...stubs, ...activities };
    const workers = [
      await Worker.create({ connection, taskQueue: 'control', workflowBundle, activities: served }),
      ...(await Promise.all(
        ['control/hold', 'site/torture', 'site/torture/hold', 'site/torture/revert'].map((taskQueue) =>
          Worker.create({ connection, taskQueue, activities: served }),
        ),
      )),
    ];
    return new Skipping(environment, workers);
  }

  async close(): Promise<void> {
    for (const worker of this.#workers) worker.shutdown();
    await Promise.all(this.#serving);
    await this.environment.teardown();
  }

  /** Starts a run that holds each of `stages` for `holdMs`. */
  start(run: string, stages: readonly number[], holdMs: number): Promise<WorkflowHandle> {
    const experiment = pausing({ fault: 'noop/noop', group: 'any', seed: run, ttlMs: 30_000, stages, holdMs });
    return this.environment.client.workflow.start('experiment', {
      workflowId: run,
      taskQueue: 'control',
      args: [{ experiment, documentHash: '', startedBy: 'a test' }],
    });
  }
}
