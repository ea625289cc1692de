/**
 * The control worker's activities.
 *
 * Owns the journal's way from a workflow into the store, the audit's beside it, and the metrics that are derived from what
 * was new in it, so that a replay or a repeated attempt counts once. What guards ask, whom a stop tells and what people are
 * told is in files of their own.
 */
import { Context } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import type { Admission, GuardAnswer } from '../domain/admission.ts';
import type { Waits } from '../domain/blast-radius.ts';
import { describeIdentity, unproven } from '../domain/identity.ts';
import type { Claim } from '../domain/identity.ts';
import type { JournalEvent } from '../domain/journal.ts';
import type { Policy } from '../domain/policy.ts';
import type { Ticked } from '../domain/program.ts';
import { formatDuration } from '../domain/units.ts';
import { attending } from './admission/attend.ts';
import { askOf, awaitEnd, endedOf, heldAt, reserve, withdraw } from './admission/budget.ts';
import { climb } from './admission/guard.ts';
import type { Asked, Guard } from './admission/guard.ts';
import type { Lever } from './admission/lever.ts';
import { starterOf } from './admission/policy.ts';
import { authority } from './admission/proof.ts';
import { forbiddenStop } from './admission/stop-right.ts';
import { beating } from './attempt.ts';
import { auditEvents } from './audit.ts';
import { enforceStop } from './enforce-stop.ts';
import type { AlertSource } from './game-day/alerts.ts';
import { gameDayActivities } from './game-day/control.ts';
import type { AdmitInput, ControlActivities } from './interface.ts';
import type { JournalStore } from './journal/store.ts';
import type { Destinations } from './notify/destination.ts';
import { handOver, untold } from './notify/hand-over.ts';
import { acknowledgeFinding, chooseByJournal } from './picking.ts';
import { standingOf } from './standing.ts';

/** `journal` reads all that the journal holds by now, for whoever has not heard of this run before. */
export type OnEvents = (
  run: string,
  added: readonly JournalEvent[],
  journal: () => Promise<readonly JournalEvent[]>,
) => Promise<void>;

/** What the control worker says and knows of itself. */
export interface Control {
  readonly store: JournalStore;
  readonly installation: string;
  readonly versions: Readonly<Record<string, string>>;
  /** Whether Squall's search attributes are registered in the namespace. */
  readonly searchAttributes: boolean;
  /** In the order they are asked. */
  readonly guards: readonly Guard[];
  readonly policy: Policy;
  /** Where a game day learns whether an alert fires. */
  readonly alerts: readonly AlertSource[];
  /** Those that pull the emergency stop beside people. */
  readonly levers: readonly Lever[];
  readonly client: Client;
  /** Where people are told of runs. */
  readonly destinations: Destinations;
  /** Told of every event that was new to the journal, once. */
  readonly onEvents: OnEvents;
  /** Told of every tick of a program that is over. */
  readonly onTick?: (tick: Ticked) => void;
}

export function controlActivities(control: Control): ControlActivities {
  const { installation, versions, policy } = control;
  const signed = (run: string, event: JournalEvent, startedBy?: Claim, parent?: Asked['parent']): JournalEvent => {
    if (event.type !== 'started') return event;
    if (startedBy === undefined) return { ...event, startedBy: unproven(event.startedBy), installation, versions };
    const { who } = starterOf(policy, { ...event, run, execution: '', startedBy, ...(parent && { parent }) });
    return { ...event, startedBy: describeIdentity(who), installation, versions };
  };
  const attend = attending(control.guards);
  return {
    ...gameDayActivities(control),
    async record(run, events, startedBy) {
      const { store, destinations } = control;
      const parent = await parentOf(control.client, startedBy);
      const named = events.map((event) => signed(run, event, startedBy, parent));
      const offered = named.flatMap((event) => [event, ...untold(destinations, event)]);
      const journal = async (): Promise<readonly JournalEvent[]> => (await store.read(run))?.events ?? [];
      try {
        const { added } = await store.append(run, offered);
        await control.onEvents(run, added, journal);
        // All that were offered: the attempt that added them may have died before it came here.
        await auditEvents(store, run, named);
      } catch (failure) {
        // A store that is away must not keep anybody from hearing that something has gone wrong.
        const urgent = offered.filter(({ type }) => type === 'abort' || type === 'stuck');
        await handOver(control.client, destinations, run, urgent, async () => offered).catch(() => undefined);
        throw failure;
      }
      await handOver(control.client, destinations, run, offered, journal);
      return { searchAttributes: control.searchAttributes };
    },
    audit: (records) => control.store.audit.append(records),
    admit: (input) => beating(() => admit(control, input)),
    attend: (input) => {
      const { cancellationSignal } = Context.current();
      return beating(() => attend(askedBy(input), cancellationSignal));
    },
    queue: (input) => {
      let said: string | undefined;
      // Where it stands in the queue is seen in Temporal, among what the run waits for.
      return beating(
        () => queued(control, input, (found) => (said = found)),
        () => said,
      );
    },
    endedOf: (executions) => beating(() => endedOf(control.client, executions)),
    awaitEnd: () => {
      const { info, cancellationSignal } = Context.current();
      return beating(() => awaitEnd(control.client, info.workflowExecution, cancellationSignal));
    },
    heldAt: (site) => beating(() => heldAt(control.client, site)),
    choose: (choosing) => chooseByJournal(control.store, choosing),
    standing: (program, cadence) => standingOf(control.client, program, cadence),
    ticked: async (tick) => control.onTick?.(tick),
    acknowledge: (given) => acknowledgeFinding(control.store, given),
    authorise: async (asking) => authority(control.policy, asking),
    enforceStop: (stop, pulledAtMs) =>
      enforceStop(control.client, stop, async (signal) =>
        pulledAtMs === undefined ? undefined : forbiddenStop(policy, control.levers, stop, pulledAtMs, signal),
      ),
  };
}

async function admit({ guards, policy, client }: Control, input: AdmitInput): Promise<Admission> {
  const parent = await parentOf(client, input.startedBy);
  const asked = { ...askedBy(input), ...(parent && { parent }) };
  const answers = await climb(guards, asked, Context.current().cancellationSignal);
  const { execution } = asked;
  if (input.stage !== undefined) return { guards: answers, execution };
  return { guards: answers, execution, policy, startedBy: starterOf(policy, asked).who };
}

/** Whose child the workflow is that asks: where somebody's word for a game day is to count for its runs. */
async function parentOf(client: Client, startedBy: Claim | undefined): Promise<Asked['parent']> {
  if (startedBy?.day === undefined) return undefined;
  const { workflowId = '', runId = '' } = Context.current().info.workflowExecution ?? {};
  const { parentExecution } = await client.workflow.getHandle(workflowId, runId).describe();
  return { workflowId: parentExecution?.workflowId ?? '', runId: parentExecution?.runId ?? '' };
}

function askedBy(input: AdmitInput): Asked {
  return { ...input, execution: Context.current().info.workflowExecution?.runId ?? '' };
}

/** Waits in the budget's queue for as long as the experiment says. */
async function queued(
  { client, policy }: Control,
  input: AdmitInput,
  say: (found: string) => void,
): Promise<GuardAnswer> {
  const { cancellationSignal: signal } = Context.current();
  const asked = askedBy(input);
  const ask = askOf(asked, policy.budget);
  const waitMs = input.experiment.blastRadius.waitMs ?? 0;
  const endsAtMs = performance.now() + waitMs;
  if (!ask) return { guard: 'budget', passed: false, found: 'there is nothing to wait for' };
  const { site } = input.experiment.targets;
  const enough = (waits: Waits): boolean => {
    say(`number ${waits.position}: ${waits.why}`);
    return performance.now() > endsAtMs;
  };
  const answer = await reserve(client, site, ask, signal, enough).catch(async (error: unknown) => {
    // Who is aborted waits no more; whoever takes over this attempt asks again.
    await withdraw(client, site, ask);
    throw error;
  });
  if (answer.answer === 'granted') return { guard: 'budget', passed: true, found: 'its targets are its own' };
  await withdraw(client, site, ask);
  const late = answer.answer === 'waits' ? `still number ${answer.position} after ${formatDuration(waitMs)}: ` : '';
  return { guard: 'budget', passed: false, found: `${late}${answer.why}` };
}
