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
import type { CalendarTime } from '../domain/calendar-time.ts';
import { describeGrouping } from '../domain/grouping.ts';
import { scheduleId, SCHEDULES } from '../domain/program.ts';
import type { Cadence, Program } from '../domain/program.ts';
import { changesOf } from '../domain/program-changes.ts';
import type { RadiusRange } from '../domain/radius.ts';
import { CONTROL_QUEUE } from '../domain/queues.ts';
import { tickHeard } from '../workflows/heard.ts';
import type { TickInput } from '../workflows/messages.ts';
import { comesAt, specOf } from './schedule-spec.ts';

/** A tick that was missed by more than this does not happen, in milliseconds. */
const CATCH_UP_MS = 60_000;
/** The workflow of a tick. */
const PROGRAM = 'program';

/** What applying does to one cadence. */
export interface Change {
  readonly cadence: string;
  readonly what: 'created' | 'changed' | 'unchanged' | 'removed' | 'left over';
  /** What is another now, in words; empty but for what has changed. */
  readonly changes: readonly string[];
}

/** A cadence that is scheduled. */
export interface Scheduled {
  readonly program: string;
  readonly cadence: string;
  /** Zero where somebody else has made it into something else. */
  readonly everyMs: number;
  readonly at?: CalendarTime;
  readonly radius?: RadiusRange;
  readonly dryRun: boolean;
  readonly pool: readonly string[];
  /** How its targets fall into groups, in words. */
  readonly groups?: string;
  /** The game day that it calls instead. */
  readonly gameDay?: string;
  readonly paused: boolean;
  /** Why it is paused, as whoever did it says. */
  readonly note: string;
  readonly nextAt: readonly Date[];
  /** Ids of its last ticks, latest first. */
  readonly ticks: readonly string[];
  /** Ticks that did not happen since the one before was not over. */
  readonly overlapped: number;
}

/** Makes the schedules of `program` as it says. Those of cadences that it no longer has are removed where `prune`, else left over. */
export async function applyProgram(
  client: Client,
  { name, cadences }: Program,
  { appliedBy, prune }: { readonly appliedBy: string; readonly prune: boolean },
): Promise<readonly Change[]> {
  const changes: Change[] = [];
  const paused = await pausedAs(client, name);
  for (const cadence of cadences) {
    const id = scheduleId(name, cadence.name);
    const wanted = scheduleOf(id, { program: name, cadence, appliedBy });
    const found = await describe(client, id);
    if (found === undefined) {
      await client.schedule.create({ scheduleId: id, ...wanted, ...(paused === undefined ? {} : { state: paused }) });
      changes.push({ cadence: cadence.name, what: 'created', changes: [] });
      continue;
    }
    const different = differences(found, cadence);
    if (different.length > 0) await client.schedule.getHandle(id).update(({ state }) => ({ ...wanted, state }));
    changes.push({
      cadence: cadence.name,
      what: different.length === 0 ? 'unchanged' : 'changed',
      changes: different,
    });
  }
  const kept = new Set(cadences.map((cadence) => scheduleId(name, cadence.name)));
  for (const id of await idsOf(client, name)) {
    if (kept.has(id) || (await describe(client, id)) === undefined) continue;
    if (prune) await client.schedule.getHandle(id).delete();
    changes.push({ cadence: id.split('/')[2] ?? '', what: prune ? 'removed' : 'left over', changes: [] });
  }
  return changes;
}

/** How a whole program is paused, where every cadence of it is: what is added to it then is not to begin. */
async function pausedAs(client: Client, program: string): Promise<ScheduleDescription['state'] | undefined> {
  // What the list says of a pause may be late.
  const described = await Promise.all((await idsOf(client, program)).map((id) => describe(client, id)));
  const states = described.flatMap((one) => (one === undefined ? [] : [one.state]));
  const [first] = states;
  return first !== undefined && states.every((state) => state.paused) ? first : undefined;
}

/** What of a schedule is another than `cadence` makes it, in words. */
function differences(found: ScheduleDescription, cadence: Cadence): readonly string[] {
  const { spec, policies, action } = found;
  const scheduled = tickOf(found)?.cadence;
  const byHand =
    scheduled === undefined ||
    !comesAt(spec, scheduled) ||
    policies.overlap !== ScheduleOverlapPolicy.SKIP ||
    policies.catchupWindow !== CATCH_UP_MS ||
    action.workflowType !== PROGRAM ||
    action.taskQueue !== CONTROL_QUEUE;
  const same = isDeepStrictEqual(scheduled, cadence);
  const changed = scheduled === undefined || same ? [] : changesOf(scheduled, cadence);
  const said = [...(byHand ? ['somebody had changed it in Temporal'] : []), ...changed];
  // What nobody has words for is made as it should be all the same.
  return said.length > 0 || same ? said : ['made by another version'];
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
    spec: specOf(tick.cadence),
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: CATCH_UP_MS },
    action: {
      type: 'startWorkflow',
      workflowType: PROGRAM,
      workflowId,
      taskQueue: CONTROL_QUEUE,
      args: [tick],
      workflowTaskTimeout: '2s',
    },
  };
}

/** What its ticks are started with; undefined where somebody else has made it into something else. */
function tickOf({ action }: ScheduleDescription): TickInput | undefined {
  const [tick] = (action.args ?? []) as readonly unknown[];
  return tickHeard(tick);
}

/** Every cadence that is scheduled, in the order of their names. */
export async function scheduledCadences(client: Client): Promise<readonly Scheduled[]> {
  const found: Scheduled[] = [];
  for await (const { scheduleId: id } of client.schedule.list()) {
    const [ours, program = '', cadence = ''] = id.split('/');
    if (ours !== SCHEDULES) continue;
    const described = await describe(client, id);
    if (described === undefined) continue;
    const { state, info } = described;
    const tick: Cadence | undefined = tickOf(described)?.cadence;
    found.push({
      program,
      cadence,
      everyMs: tick?.everyMs ?? 0,
      ...(tick?.at === undefined ? {} : { at: tick.at }),
      ...(tick?.radius === undefined ? {} : { radius: tick.radius }),
      dryRun: tick?.dryRun ?? false,
      pool: tick?.pool.map(({ experiment }) => experiment.name) ?? [],
      ...(tick?.groups === undefined ? {} : { groups: describeGrouping(tick.groups) }),
      ...(tick?.gameDay === undefined ? {} : { gameDay: tick.gameDay.gameDay.name }),
      paused: state.paused,
      note: state.note ?? '',
      nextAt: info.nextActionTimes,
      ticks: info.recentActions.map(({ action }) => action.workflow.workflowId).toReversed(),
      overlapped: info.numActionsSkippedOverlap,
    });
  }
  return found.toSorted((a, b) => scheduleId(a.program, a.cadence).localeCompare(scheduleId(b.program, b.cadence)));
}

/** Pauses ticks, lets them go on, asks for one now, or removes them: of one cadence of a program, or of all. Returns whose. */
export async function tell(
  client: Client,
  { program, cadence }: { readonly program: string; readonly cadence?: string },
  what: { readonly to: 'pause' | 'resume'; readonly note: string } | { readonly to: 'tick' | 'remove' },
): Promise<readonly string[]> {
  const ids = cadence === undefined ? await idsOf(client, program) : [scheduleId(program, cadence)];
  // One that fails must not keep the others from being told.
  const told = await Promise.allSettled(
    ids.map(async (id) => {
      const handle = client.schedule.getHandle(id);
      if (what.to === 'pause') await handle.pause(what.note);
      else if (what.to === 'resume') await handle.unpause(what.note);
      else if (what.to === 'tick') await handle.trigger(ScheduleOverlapPolicy.SKIP);
      else await handle.delete();
      return id.split('/')[2] ?? '';
    }),
  );
  for (const one of told)
    if (one.status === 'rejected' && !(one.reason instanceof ScheduleNotFoundError)) throw one.reason as Error;
  return told.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
}

async function idsOf(client: Client, program: string): Promise<string[]> {
  const ids: string[] = [];
  for await (const { scheduleId: id } of client.schedule.list())
    if (id.startsWith(scheduleId(program, ''))) ids.push(id);
  return ids;
}
