/**
 * Commands of AWS Systems Manager: one is sent to many instances, and each of them answers.
 *
 * Owns how long a command may be under way, and how often its answer is asked for. What it tells an instance must do no harm when it is
 * told twice: an answer that was lost is asked for by another command. Must never know what a command does.
 */
import type { CommandInvocation } from '@aws-sdk/client-ssm';
import type { RegionClients } from '../../aws/cloud.ts';
import { wordsOf } from '../../aws/denied.ts';
import { pause } from '../../pause.ts';
import { reasonOf } from '../../probes/reading.ts';
import { isOver } from '../driver.ts';
import type { Attempt } from '../driver.ts';
import { saidIn } from './on-instance/said.ts';
import type { Said } from './on-instance/said.ts';
import { mayPass } from './passing.ts';
import { agentsIn, whyAway } from './ssm-agents.ts';
import type { Looking } from './tagged-site.ts';

/** Whoever has a shell runs it. */
const DOCUMENT = 'AWS-RunShellScript';
/** So long Systems Manager tries at least to hand a command over; it allows nothing shorter. In seconds. */
const DELIVERY_S = 30;
/** An agent ends a command that takes longer, in seconds. */
const EXECUTION_S = 60;
/**
 * No agent begins with a command later than this after it was sent, in milliseconds: both times together, see
 * https://docs.aws.amazon.com/systems-manager/latest/userguide/monitor-commands.html
 */
export const LATE_MS = (DELIVERY_S + EXECUTION_S) * 1_000;
/** Between two looks for an answer: at first, and at most, in milliseconds. */
const LOOK_MS = 400;
const LOOK_MAX_MS = 2_000;
/** Answers of one page, which are those of one command. */
const PAGE = 50;
const PAGES_MAX = 5;
/** What an agent prints between what a command has printed, and what it has complained. */
const COMPLAINTS = '----------ERROR-------';
const ENDS = ['Success', 'Failed', 'Cancelled', 'TimedOut'];

/** What one command is. */
export interface Command {
  readonly instances: readonly string[];
  readonly commands: readonly string[];
  /** For whoever looks at the commands of an account; at most 100 characters. */
  readonly comment: string;
  /** For so long its answer is waited for, in milliseconds. */
  readonly withinMs: number;
  /** Whether it is called off where nobody waits for it any more. */
  readonly calledOff: boolean;
}

/** What an instance has answered, or why nobody has heard it. */
export type Heard = { readonly said: Said } | { readonly why: string };

/** What each instance answers; called with the command's id once it is known. Rejects where AWS refuses for good. */
export async function ask(
  command: Command,
  looking: Looking,
  attempt: Attempt,
  sent: (id: string) => void = () => undefined,
): Promise<ReadonlyMap<string, Heard>> {
  const heard = new Map<string, Heard>();
  const endsAtMs = performance.now() + command.withinMs;
  const isLate = (): boolean => isOver(attempt) || performance.now() >= endsAtMs;
  const id = await send(command, looking, { attempt, isLate }, heard);
  if (id === undefined) return heard;
  sent(id);
  const waiting = new Map(command.instances.filter((name) => !heard.has(name)).map((name) => [name, 'it was sent']));
  for (let looks = 0; waiting.size > 0; looks += 1) {
    await rest(attempt, Math.min(LOOK_MAX_MS, LOOK_MS * 1.5 ** looks));
    if (isLate()) break;
    for (const invocation of await invocationsOf(id, looking.clients).catch(passing)) {
      const { InstanceId: name = '', StatusDetails, Status = StatusDetails ?? '' } = invocation;
      if (!waiting.has(name)) continue;
      if (!ENDS.includes(Status)) waiting.set(name, StatusDetails ?? Status);
      else if (waiting.delete(name)) heard.set(name, answerOf(invocation));
    }
  }
  if (waiting.size > 0 && command.calledOff) await callOff(id, [...waiting.keys()], looking);
  for (const [name, status] of waiting) heard.set(name, { why: `it has not answered in time: ${status}` });
  return heard;
}

/** Ends a command where it has not begun. Must not fail: whoever reads it late does nothing by itself. */
export async function callOff(id: string, instances: readonly string[], { once }: Looking): Promise<void> {
  await once
    .ssm()
    .then((ssm) => ssm.cancelCommand({ CommandId: id, InstanceIds: [...instances] }))
    .catch(() => undefined);
}

/** The command's id, once AWS has it; `heard` is told of whom it has refused, all of them where there is no id. */
async function send(
  { instances, commands, comment }: Command,
  looking: Looking,
  { attempt, isLate }: { readonly attempt: Attempt; readonly isLate: () => boolean },
  heard: Map<string, Heard>,
): Promise<string | undefined> {
  let problem = 'the attempt is over';
  for (let tries = 0; !isLate(); tries += 1) {
    const left = instances.filter((name) => !heard.has(name));
    if (left.length === 0) return undefined;
    try {
      const { Command: taken } = await (
        await looking.once.ssm()
      ).sendCommand({
        DocumentName: DOCUMENT,
        InstanceIds: left,
        Parameters: { commands: [...commands], executionTimeout: [String(EXECUTION_S)] },
        TimeoutSeconds: DELIVERY_S,
        // What one of them answers is nothing to the others.
        MaxConcurrency: '100%',
        MaxErrors: '100%',
        Comment: comment,
      });
      if (taken?.CommandId !== undefined) return taken.CommandId;
    } catch (error) {
      problem = wordsOf(error);
      if ((error as Error).name === 'InvalidInstanceId') await tellAway(left, looking, heard, problem);
      else mayPass(error);
    }
    await rest(attempt, Math.min(LOOK_MAX_MS, LOOK_MS * 2 ** tries));
  }
  for (const name of instances) if (!heard.has(name)) heard.set(name, { why: `it was not sent: ${problem}` });
  return undefined;
}

/** Of a command for one instance that cannot take it, AWS takes none at all. */
async function tellAway(
  instances: readonly string[],
  { clients }: Looking,
  heard: Map<string, Heard>,
  problem: string,
): Promise<void> {
  const agents = agentsIn(clients);
  const found = await Promise.all(instances.map(async (name) => [name, whyAway(await agents(name))] as const));
  const away = found.filter(([, why]) => why !== undefined);
  for (const [name, why] of away) heard.set(name, { why: why ?? problem });
  if (away.length === 0) for (const name of instances) heard.set(name, { why: problem });
}

async function invocationsOf(id: string, { ssm }: Pick<RegionClients, 'ssm'>): Promise<CommandInvocation[]> {
  const found: CommandInvocation[] = [];
  let token: string | undefined;
  for (let pages = 0; pages < PAGES_MAX; pages += 1) {
    const page = await (
      await ssm()
    ).listCommandInvocations({
      CommandId: id,
      Details: true,
      MaxResults: PAGE,
      NextToken: token,
    });
    found.push(...(page.CommandInvocations ?? []));
    token = page.NextToken;
    if (!token) break;
  }
  return found;
}

function passing(error: unknown): CommandInvocation[] {
  // Of a command that was sent a moment ago nobody may have heard yet.
  if ((error as Error).name !== 'InvalidCommandId') mayPass(error);
  return [];
}

function answerOf({ Status, StatusDetails = Status, CommandPlugins = [] }: CommandInvocation): Heard {
  const printed = CommandPlugins.map(({ Output = '' }) => Output).join('\n');
  try {
    return { said: saidIn(printed.split(`\n${COMPLAINTS}`)[0] ?? '') };
  } catch (error) {
    return {
      why: Status === 'Success' ? reasonOf(error) : `its agent has not done it: ${StatusDetails ?? 'nobody knows why'}`,
    };
  }
}

/** With jitter, so that those that began together do not go on together. */
async function rest(attempt: Attempt, ms: number): Promise<void> {
  await pause(Math.min(ms * (0.75 + Math.random() / 2), Math.max(0, attempt.remainingMs())), attempt.signal);
}
