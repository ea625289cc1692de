/**
 * A run on the time-skipping server: the real workflows on a real server, with stubbed activities, for what takes hours.
 *
 * The stubs do what a site and a journal do where all is well.
 */
import { join } from 'node:path';
import { ApplicationFailure } from '@temporalio/common';
import type { WorkflowHandle } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { pausing } from '../../bench/torture/experiment.ts';
import type { PreflightInput, PreflightResult } from '../../activities/interface.ts';
import { planStages } from '../../domain/ladder.ts';
import { policyOf } from '../../workers/policy-settings.ts';
import { SkippingServer } from './skipping-server.ts';

/** Of an activity that goes on for as long as its run does. */
export const endless = (): never => goesOn('30 days');

/** Fails this attempt; the next begins after this long. */
export const goesOn = (nextRetryDelay: number | '30 days'): never => {
  throw ApplicationFailure.create({ message: 'still going on', nextRetryDelay });
};

/** What a site says where all is well. */
export function preflighted({ experiment }: PreflightInput): PreflightResult {
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
}

const stubs = {
  record: () => ({ searchAttributes: false }),
  admit: () => ({ guards: [], policy: policyOf(), startedBy: { name: 'a test', proven: false } }),
  attend: endless,
  preflight: preflighted,
  inject: () => ({ injected: 1, gone: 0, failed: [] }),
  hold: endless,
  watch: endless,
  revert: () => ({ targets: 1, ownerOpen: true }),
  recover: () => ({ recovered: true, tookMs: 0, readings: [], series: {} }),
};

/** One server, and workers that serve every queue of a run. */
export class Skipping {
  readonly #server: SkippingServer;

  private constructor(server: SkippingServer) {
    this.#server = server;
  }

  get environment(): TestWorkflowEnvironment {
    return this.#server.environment;
  }

  /** `activities` stand in the place of the stubs of their names. */
  static async open(activities: object): Promise<Skipping> {
    const bundle = await bundleWorkflowCode({
      workflowsPath: join(import.meta.dirname, '..', '..', 'workflows', 'index.ts'),
      workflowInterceptorModules: [join(import.meta.dirname, 'long-activities.ts')],
      logger: new DefaultLogger('ERROR'),
    });
    const queues = ['control', 'control/hold', 'site/torture', 'site/torture/hold', 'site/torture/revert'];
    const served = { ...stubs, ...activities };
    return new Skipping(await SkippingServer.open(Object.fromEntries(queues.map((queue) => [queue, served])), bundle));
  }

  close(): Promise<void> {
    return this.#server.close();
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
