/**
 * The time-skipping server, and workers on it: for what takes hours.
 *
 * Owns the server and its workers. The workflows are real; a test gives each queue its activities.
 */
import type { WorkflowBundleOption } from '@temporalio/worker';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, makeTelemetryFilterString, Runtime, Worker } from '@temporalio/worker';
import { CONTROL_QUEUE } from '../../domain/queues.ts';
import { workflowBundle as shipped } from '../../workers/bundle.ts';
import { findTestServer } from '../../workers/temporal-server.ts';

export class SkippingServer {
  readonly environment: TestWorkflowEnvironment;
  readonly #workers: readonly Worker[];
  readonly #serving: readonly Promise<void>[];

  private constructor(environment: TestWorkflowEnvironment, workers: readonly Worker[]) {
    this.environment = environment;
    this.#workers = workers;
    this.#serving = workers.map((worker) => worker.run());
  }

  /** `byQueue`: the activities of each queue that is served. The control queue has the workflows. */
  static async open(
    byQueue: Readonly<Record<string, object>>,
    workflowBundle?: WorkflowBundleOption,
  ): Promise<SkippingServer> {
    Runtime.install({
      logger: new DefaultLogger('ERROR'),
      telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) } },
    });
    const path = await findTestServer(() => undefined);
    const environment = await TestWorkflowEnvironment.createTimeSkipping({
      server: { executable: { type: 'existing-path', path } },
    });
    const workflows = { workflowBundle: workflowBundle ?? { codePath: await shipped() } };
    const workers = Object.entries({ [CONTROL_QUEUE]: {}, ...byQueue }).map(([taskQueue, activities]) =>
      Worker.create({
        connection: environment.nativeConnection,
        taskQueue,
        activities,
        ...(taskQueue === CONTROL_QUEUE ? workflows : {}),
      }),
    );
    return new SkippingServer(environment, await Promise.all(workers));
  }

  async close(): Promise<void> {
    for (const worker of this.#workers) worker.shutdown();
    await Promise.all(this.#serving);
    await this.environment.teardown();
  }
}
