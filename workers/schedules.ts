/**
 * Schedules: the cadences of programs, as Temporal keeps them.
 *
 * Owns how a cadence becomes a schedule, and what is changed of one that is there: nothing where it is the same already. Whoever pauses one, here
 * or in Temporal's UI, has it stay paused whatever is applied.
 */
import { ScheduleNotFoundError, ScheduleOverlapPolicy } from '@temporalio/client';
import type {
  Client,
  ScheduleDescription,
  ScheduleOptions,
  ScheduleOptionsStartWorkflowAction,
} from '@temporalio/client';
import { isDeepStrictEqual } from 'node:util';
import type { Cadence, Program } from '../domain/program.ts';
import { CONTROL_QUEUE } from '../domain/queues.ts';
import type { TickInput } from '../workflows/messages.ts';

/** Ids of schedules that are ours begin with it. */
const OURS = 'squall-program';
/** A tick that was missed by more than this does not happen, in milliseconds. */
const CATCH_UP_MS = 60_000;

/** What applying does to one cadence. */
export interface Change {
  readonly cadence: string;
  readonly what: 'created' | 'changed' | 'unchanged' | 'removed' | 'left over';
}

/** A cadence that is scheduled. */
export interface Scheduled {
  readonly program: string;
  readonly cadence: string;
  readonly everyMs: number;
  readonly dryRun: boolean;
  readonly pool: readonly string[];
  readonly paused: boolean;
  /** Why it is paused, as whoever did it says. */
  readonly note: string;
  readonly nextAt: readonly Date[];
  /** Ids of its last ticks, latest first. */
  readonly ticks: readonly string[];
  /** Ticks that did not happen since the one before was not over. */
  readonly overlapped: number;
}

const idOf = (program: string, cadence: string): string => `${OURS}/${program}/${cadence}`;

/** Makes the schedules of `program` as it says. Those of cadences that it no longer has are removed where `prune`, else left over. */
export async function applyProgram(
  client: Client,
  { name, cadences }: Program,
  { appliedBy, prune }: { readonly appliedBy: string; readonly prune: boolean },
): Promise<readonly Change[]> {
  const changes: Change[] = [];
  for (const cadence of cadences) {
    const id = idOf(name, cadence.name);
    const wanted = scheduleOf(id, { program: name, cadence, appliedBy });
    const found = await describe(client, id);
    if (found === undefined) {
      await client.schedule.create({ scheduleId: id, ...wanted });
      changes.push({ cadence: cadence.name, what: 'created' });
    } else if (isDeepStrictEqual(tickOf(found)?.cadence, cadence)) {
      changes.push({ cadence: cadence.name, what: 'unchanged' });
    } else {
      await client.schedule.getHandle(id).update(({ state }) => ({ ...wanted, state }));
      changes.push({ cadence: cadence.name, what: 'changed' });
    }
  }
  const kept = new Set(cadences.map((cadence) => idOf(name, cadence.name)));
  for await (const { scheduleId: id } of client.schedule.list()) {
    if (!id.startsWith(`${OURS}/${name}/`) || kept.has(id)) continue;
    if (prune) await client.schedule.getHandle(id).delete();
    changes.push({ cadence: id.split('/')[2] ?? '', what: prune ? 'removed' : 'left over' });
  }
  return changes;
}

/** Undefined where there is none: the list of schedules is not always up to date. */
async function describe(client: Client, id: string): Promise<ScheduleDescription | undefined> {
  return client.schedule
    .getHandle(id)
    .describe()
    .catch((error: unknown) => {
      if (error instanceof ScheduleNotFoundError) return undefined;
      throw error;
    });
}

function scheduleOf(
  workflowId: string,
  tick: TickInput,
): Omit<ScheduleOptions<ScheduleOptionsStartWorkflowAction<(tick: TickInput) => Promise<unknown>>>, 'scheduleId'> {
  return {
    spec: { intervals: [{ every: tick.cadence.everyMs }] },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: CATCH_UP_MS },
    action: {
      type: 'startWorkflow',
      workflowType: 'program',
      workflowId,
      taskQueue: CONTROL_QUEUE,
      args: [tick],
      workflowTaskTimeout: '2s',
    },
  };
}

/** What its ticks are started with; undefined where somebody else has made it into something else. */
function tickOf({ action }: ScheduleDescription): TickInput | undefined {
  const [tick] = (action.args ?? []) as readonly TickInput[];
  return tick;
}

/** Every cadence that is scheduled, in the order of their names. */
export async function scheduledCadences(client: Client): Promise<readonly Scheduled[]> {
  const found: Scheduled[] = [];
  for await (const { scheduleId } of client.schedule.list()) {
    const [ours, program = '', cadence = ''] = scheduleId.split('/');
    if (ours !== OURS) continue;
    const described = await describe(client, scheduleId);
    if (described === undefined) continue;
    const { state, info } = described;
    const tick: Cadence | undefined = tickOf(described)?.cadence;
    found.push({
      program,
      cadence,
      everyMs: tick?.everyMs ?? 0,
      dryRun: tick?.dryRun ?? false,
      pool: tick?.pool.map(({ experiment }) => experiment.name) ?? [],
      paused: state.paused,
      note: state.note ?? '',
      nextAt: info.nextActionTimes,
      ticks: info.recentActions.map(({ action }) => action.workflow.workflowId).toReversed(),
      overlapped: info.numActionsSkippedOverlap,
    });
  }
  return found.toSorted((a, b) => idOf(a.program, a.cadence).localeCompare(idOf(b.program, b.cadence)));
}

/** Pauses ticks, lets them go on, makes one happen now, or removes them: of one cadence of a program, or of all. Returns whose. */
export async function tell(
  client: Client,
  { program, cadence }: { readonly program: string; readonly cadence?: string },
  what: { readonly to: 'pause' | 'resume'; readonly note: string } | { readonly to: 'tick' | 'remove' },
): Promise<readonly string[]> {
  const told: string[] = [];
  for (const one of await scheduledCadences(client)) {
    if (one.program !== program || (cadence !== undefined && one.cadence !== cadence)) continue;
    const handle = client.schedule.getHandle(idOf(program, one.cadence));
    if (what.to === 'pause') await handle.pause(what.note);
    else if (what.to === 'resume') await handle.unpause(what.note);
    else if (what.to === 'tick') await handle.trigger(ScheduleOverlapPolicy.SKIP);
    else await handle.delete();
    told.push(one.cadence);
  }
  return told;
}
