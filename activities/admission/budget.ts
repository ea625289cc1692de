/**
 * The budget, as a run's admission meets it, and as the budget meets runs.
 *
 * Owns the asking: a signal to the site's budget, which is started where there is none, and questions until it has an answer.
 * And the looking: which executions are over, and what those that are open hold. Who does not answer is taken to hold.
 */
import { WorkflowNotFoundError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { z } from 'zod';
import type { Ask, BudgetLimits } from '../../domain/ask.ts';
import type { BudgetAnswer, Waits } from '../../domain/blast-radius.ts';
import { budgetId } from '../../domain/budget-id.ts';
import { CONTROL_QUEUE } from '../../domain/queues.ts';
import type { Executions } from '../interface.ts';
import { pause } from '../pause.ts';
import { ticks } from '../watch.ts';
import type { Asked, Guard } from './guard.ts';
import { together } from './together.ts';

/** Time between two questions, in milliseconds: doubled each time, and at most this long. */
const EVERY_MS = 200;
const SELDOM_MS = 3_000;
/** An ask that the budget does not know by then has been lost with the budget, and is made again, in milliseconds: doubled each time. */
const LOST_MS = 3_000;
/** A budget that does not answer at all for so many times as long may be gone: it is started, and asked, again. */
const SILENT = 4;
/** Time between two looks at those who are in the way, in milliseconds. */
const LOOK_MS = 1_000;
/** Executions that are looked at, or asked, at once. */
const WIDTH = 20;
/** Targets that are named in one request: many short asks, or one long one. */
const KEYS_AT_ONCE = 10_000;
/** How long a run may take to say what it holds, and Temporal to say of a run whether it is open, in milliseconds. */
const ANSWER_MS = 3_000;
/** How long a budget may take for all who ask at once, in milliseconds: others wait meanwhile. */
const BUDGET_MS = 5_000;

/** How long a run that asks waits for the answer, in milliseconds: a thousand may ask at once. */
const ANSWERED_MS = 20_000;

/** Refuses a stage whose targets the budget does not grant. Before pre-flight there are none. */
export function budgetGuard(client: Client, limits: BudgetLimits): Guard {
  return {
    name: 'budget',
    withinMs: ANSWERED_MS,
    async ask(input, signal) {
      const ask = askOf(input, limits);
      if (!ask) return { passed: true, found: 'asked before each stage' };
      const answer = await reserve(client, input.experiment.targets.site, ask, signal, () => true);
      if (answer.answer === 'granted') return { passed: true, found: 'its targets are its own' };
      if (answer.answer === 'refused') return { passed: false, found: answer.why };
      return { passed: false, found: `waits as number ${answer.position}: ${answer.why}`, waits: true };
    },
  };
}

/** The answer once it is granted, refused, or `enough`. Rejects when `signal` aborts, or nobody answers. */
export async function reserve(
  client: Client,
  site: string,
  ask: Ask,
  signal: AbortSignal,
  enough: (answer: Waits) => boolean,
): Promise<BudgetAnswer> {
  const { tell, question } = deskOf(client, site);
  for (let lostMs = LOST_MS; ; lostMs *= 2) {
    signal.throwIfAborted();
    await tell(ask);
    const askedAtMs = performance.now();
    let everyMs = EVERY_MS;
    for (let known = true; known;) {
      signal.throwIfAborted();
      // Many ask at once, and the server lets few questions wait: one that it does not take is asked again, later and later.
      const answer = await question(ask).catch(() => undefined);
      if (answer && (answer.answer !== 'waits' || enough(answer))) return answer;
      if (!answer) known = performance.now() - askedAtMs < lostMs * (answer === null ? 1 : SILENT);
      // Not all in the same moment.
      await pause(everyMs * (0.5 + Math.random()), signal);
      everyMs = Math.min(SELDOM_MS, 2 * everyMs);
    }
  }
}

/** How this process reaches a budget. */
interface Desk {
  /** Has heard when it resolves. */
  readonly tell: (ask: Ask) => Promise<void>;
  /** Null where the budget knows no such ask. */
  readonly question: (ask: Ask) => Promise<BudgetAnswer | null>;
}

const desks = new WeakMap<Client, Map<string, Desk>>();

function deskOf(client: Client, site: string): Desk {
  const known = desks.get(client) ?? new Map<string, Desk>();
  desks.set(client, known);
  const desk = known.get(site) ?? openDesk(client, site);
  known.set(site, desk);
  return desk;
}

function openDesk(client: Client, site: string): Desk {
  const workflowId = budgetId(site);
  const soon = <R>(request: () => Promise<R>): Promise<R> =>
    client.connection.withDeadline(Date.now() + BUDGET_MS, request);
  const tell = async (asks: readonly Ask[]): Promise<undefined[]> => {
    const ask = (): Promise<unknown> =>
      client.workflow.signalWithStart('blastRadius', {
        workflowId,
        taskQueue: CONTROL_QUEUE,
        args: [site],
        signal: 'ask',
        signalArgs: [asks],
        // A thousand asks may be one task, which a busy machine must be able to finish.
        workflowTaskTimeout: '10s',
        memo: { site },
        staticSummary: `who holds which targets at ${site}`,
      });
    await soon(ask);
    return [];
  };
  const question = (asks: readonly Ask[]): Promise<(BudgetAnswer | null)[]> =>
    soon(() => client.workflow.getHandle(workflowId).query<(BudgetAnswer | null)[], [readonly Ask[]]>('answers', asks));
  const weightOf = ({ services }: Ask): number => services.reduce((sum, { keys }) => sum + 1 + keys.length, 0);
  return { tell: together(tell, weightOf, KEYS_AT_ONCE), question: together(question, weightOf, KEYS_AT_ONCE) };
}

/** Takes an ask back. The budget forgets it sooner or later all the same: at the latest when its run is over. */
export async function withdraw(client: Client, site: string, { execution, stage }: Ask): Promise<void> {
  await client.workflow
    .getHandle(budgetId(site))
    .signal('withdraw', { execution, stage })
    .catch(() => undefined);
}

const servicesSchema = z.array(z.strictObject({ service: z.string(), members: z.number(), keys: z.array(z.string()) }));

/** What a run asks before a stage; undefined before pre-flight. */
export function askOf({ run, execution, stage, services, experiment }: Asked, limits: BudgetLimits): Ask | undefined {
  if (stage === undefined || !services) return undefined;
  // Whoever may schedule an activity may have written them.
  const asked = servicesSchema.parse(services);
  return { run, execution, stage, services: asked, limits, waits: experiment.blastRadius.waitMs !== undefined };
}

/** Which of these executions are over. One that Temporal cannot be asked of is not. */
export async function endedOf(client: Client, executions: Executions): Promise<string[]> {
  const over: string[] = [];
  const rest = executions.values();
  const look = async (): Promise<void> => {
    for (const [execution, run] of rest) if (await isOver(client, run, execution)) over.push(execution);
  };
  await Promise.all(Array.from({ length: WIDTH }, look));
  return over;
}

/** Those over whom `budget` names, once there is one; nobody where nobody waits any more. */
export async function awaitEnd(
  client: Client,
  budget: { readonly workflowId: string; readonly runId: string } | undefined,
  signal: AbortSignal,
): Promise<string[]> {
  if (!budget) throw new Error('expected to be asked by a budget');
  const handle = client.workflow.getHandle(budget.workflowId, budget.runId);
  const ask = (): Promise<Executions> => handle.query<Executions>('inTheWay');
  for await (const _ of ticks(LOOK_MS, signal)) {
    // A budget that has no time to answer is asked again.
    const named = await client.connection.withDeadline(Date.now() + ANSWER_MS, ask).catch(() => undefined);
    if (!named) continue;
    if (named.length === 0) return [];
    // The list may be late to leave somebody out, and to take somebody in: who is missing is looked at.
    const open = new Set((await openRuns(client)).map(({ runId }) => runId));
    const over = await endedOf(
      client,
      named.filter(([execution]) => !open.has(execution)),
    );
    if (over.length > 0) return over;
  }
  throw signal.reason;
}

async function openRuns(client: Client): Promise<{ readonly workflowId: string; readonly runId: string }[]> {
  const open: { readonly workflowId: string; readonly runId: string }[] = [];
  const query = "WorkflowType = 'experiment' AND ExecutionStatus = 'Running'";
  for await (const { workflowId, runId } of client.workflow.list({ query, pageSize: 1_000 }))
    open.push({ workflowId, runId });
  return open;
}

/** What the open runs at `site` hold, by their own word. Rejects where one does not answer: it may hold anything. */
export async function heldAt(client: Client, site: string): Promise<Ask[]> {
  // All of them: where a run is, is the run's own to say.
  const rest = (await openRuns(client)).values();
  const held: Ask[] = [];
  const question = async (): Promise<void> => {
    for (const { workflowId, runId } of rest) {
      const handle = client.workflow.getHandle(workflowId, runId);
      const ask = (): Promise<Ask[]> => handle.query<Ask[], [string]>('grants', site);
      const grants = await client.connection.withDeadline(Date.now() + ANSWER_MS, ask).catch(async (error: unknown) => {
        if (await isOver(client, workflowId, runId)) return [];
        throw new Error(`${workflowId} does not say what it holds`, { cause: error });
      });
      for (const grant of grants) if (grant.execution === runId && grant.run === workflowId) held.push(grant);
    }
  };
  await Promise.all(Array.from({ length: WIDTH }, question));
  return held;
}

async function isOver(client: Client, run: string, execution: string): Promise<boolean> {
  const describe = (): Promise<{ readonly closeTime?: Date }> => client.workflow.getHandle(run, execution).describe();
  try {
    return (await client.connection.withDeadline(Date.now() + ANSWER_MS, describe)).closeTime !== undefined;
  } catch (error) {
    return error instanceof WorkflowNotFoundError;
  }
}
