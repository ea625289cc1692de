/**
 * Answering a run that waits for approval.
 *
 * Owns the look at what is asked before it is answered: whoever answers says for which plan of which execution, so that
 * nobody approves what they have not seen.
 */
import { createInterface } from 'node:readline';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { answeredText } from '../domain/identity.ts';
import { connectClient } from '../workers/connect.ts';
import { approveUpdate, rejectUpdate, storyQuery } from '../workflows/messages.ts';
import type { Answered, Awaiting, Story } from '../workflows/messages.ts';
import { awaitedPlan, showAwaited } from './awaited.ts';
import { EXIT } from './exit.ts';
import { UsageError } from './failure.ts';
import { output } from './output.ts';
import type { Output } from './output.ts';
import type { Common } from './verbs.ts';
import { prove, signer } from './who.ts';

/** How long a run may take to answer, in milliseconds. */
const ANSWER_MS = 15_000;

/** The fewest digits of a plan's hash that tell it from another. */
export const PLAN_LEAST = 8;

/** What the verbs that answer are given. */
export interface AnswerOptions extends Common {
  readonly reason?: string;
  readonly plan?: string;
}

/** Approves or rejects what `run` waits for. Exit 3 where the run, or its policy, does not take the answer. */
export async function answer(run: string, act: 'approve' | 'reject', options: AnswerOptions): Promise<number> {
  if (options.plan !== undefined && options.plan.length < PLAN_LEAST)
    throw new UsageError(
      `--plan: found ${JSON.stringify(options.plan)}, expected ${PLAN_LEAST} digits of the hash at least`,
    );
  const asks = act === 'approve' && options.plan === undefined;
  if (asks && (options.json === true || !process.stdin.isTTY || !process.stdout.isTTY))
    throw new UsageError(
      `expected --plan HASH where nobody can be asked; \`squall status ${run}\` shows the plan and its hash`,
    );
  const client = await connectClient({ queryClosed: true });
  const out = output(options.json === true);
  try {
    const awaiting = await awaited(client, run);
    const { plan, execution } = awaiting;
    if (options.plan !== undefined && !plan.startsWith(options.plan))
      throw new UsageError(`the plan that waits for approval is ${plan}, found ${options.plan}; look at it again`);
    if (asks && !(await agreed(client.workflow.getHandle(run), awaiting, out))) {
      out.line('nothing is approved');
      return EXIT.refused;
    }
    const claim = await prove({ act, of: run, what: answeredText(plan, execution) });
    const { reason } = options;
    const words = { claim, plan, execution, ...(reason === undefined ? {} : { reason }) };
    const update = act === 'approve' ? approveUpdate : rejectUpdate;
    const handle = client.workflow.getHandle(run);
    const answered: Answered = await client.withDeadline(Date.now() + ANSWER_MS, () =>
      handle.executeUpdate(update, { args: [words] }),
    );
    out.event(act === 'approve' ? 'approved' : 'rejected', { run, plan, by: claim.by, ...answered });
    if (act === 'reject') out.line(`rejected: ${run}`);
    else out.line(`approved: ${run}, plan ${plan.slice(0, 12)}: ${answered.approved} of ${answered.people}`);
    return EXIT.held;
  } catch (error) {
    if (!(error instanceof WorkflowUpdateFailedError)) throw error;
    const why = error.cause?.message ?? error.message;
    out.event('refused', { run, why });
    out.line(`${out.style('yellow', 'refused')}: ${why}`);
    return EXIT.refused;
  } finally {
    await client.connection.close();
  }
}

/** Whether whoever is at the terminal has seen the plan, and wants it. */
async function agreed(handle: WorkflowHandle, awaiting: Awaiting, out: Output): Promise<boolean> {
  showAwaited(await awaitedPlan(handle, awaiting), awaiting.people, out);
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const said = new Promise<string>((resolve) => {
    terminal.once('close', () => resolve(''));
    terminal.question(`approve exactly this plan, as ${signer().by}? [y/N] `, resolve);
  });
  const answered = await said;
  terminal.close();
  return /^y(?:es)?$/i.test(answered.trim());
}

async function awaited(client: Client, run: string): Promise<Awaiting> {
  if (run === '') throw new UsageError('found no run, expected the name of one; `squall list` shows those there are');
  const handle = client.workflow.getHandle(run);
  const described = await handle.describe().catch(() => {
    throw new UsageError(`there is no run ${run}; \`squall list\` shows those there are`);
  });
  const story: Story = await client.withDeadline(Date.now() + ANSWER_MS, () => handle.query(storyQuery, 1e9));
  if (story.awaiting) return story.awaiting;
  const where = described.status.name === 'RUNNING' ? story.state.phase : 'over';
  throw new UsageError(`${run} does not wait for approval; it is ${where}`);
}
