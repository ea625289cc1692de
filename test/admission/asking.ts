/**
 * Askers: workflows that stand for runs, and what they ask of a site's budget.
 *
 * Owns the worker that serves them, beside an installation's own.
 */
import { join } from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Worker } from '@temporalio/worker';
import { reserve } from '../../activities/admission/budget.ts';
import type { Lane } from '../../bench/torture/lane.ts';
import type { Ask } from '../../domain/ask.ts';
import type { BudgetAnswer } from '../../domain/blast-radius.ts';
import { budgetId } from '../../domain/budget-id.ts';
import { budgetQuery } from '../../workflows/messages.ts';

/** A run that asks. */
export interface Asker {
  readonly run: string;
  readonly execution: string;
}

/** What a budget says to this now. */
export async function answerOf(budget: WorkflowHandle, asked: Ask): Promise<BudgetAnswer | null> {
  return (await budget.query(budgetQuery, [asked]))[0] ?? null;
}

export class Askers {
  readonly #lane: Lane;
  readonly #worker: Worker;
  readonly #serving: Promise<void>;
  readonly #connection: NativeConnection;

  private constructor(lane: Lane, worker: Worker, connection: NativeConnection) {
    this.#lane = lane;
    this.#worker = worker;
    this.#connection = connection;
    this.#serving = worker.run();
  }

  static async open(lane: Lane): Promise<Askers> {
    const connection = await NativeConnection.connect({ address: lane.address });
    const workflowBundle = await bundleWorkflowCode({
      workflowsPath: join(import.meta.dirname, 'holders.ts'),
      logger: new DefaultLogger('ERROR'),
    });
    return new Askers(lane, await Worker.create({ connection, taskQueue: 'holders', workflowBundle }), connection);
  }

  async close(): Promise<void> {
    this.#worker.shutdown();
    await this.#serving;
    await this.#connection.close();
  }

  /** A workflow that stands for a run. */
  async holder(run: string): Promise<Asker> {
    const handle = await this.#lane.client.workflow.start('holder', {
      workflowId: run,
      taskQueue: 'holders',
      ...(run.includes('time out') ? { workflowExecutionTimeout: '45s' } : {}),
    });
    return { run, execution: handle.firstExecutionRunId };
  }

  /** What the budget says once it has heard this. */
  readonly asking = (site: string, asked: Ask): Promise<BudgetAnswer> =>
    reserve(this.#lane.client, site, asked, AbortSignal.timeout(60_000), () => true);

  /** What the budget says to this now. */
  readonly answerOf = (site: string, asked: Ask): Promise<BudgetAnswer | null> =>
    answerOf(this.#lane.client.workflow.getHandle(budgetId(site)), asked);
}

export function ask({ run, execution }: Asker, keys: readonly string[], waits = true, stage = 0): Ask {
  return { run, execution, stage, services: [{ service: '', members: 1_000_000, keys }], limits: {}, waits };
}
