/**
 * A round of trials: runs under way in one lane, one blow, and the inspection afterwards.
 *
 * Owns what counts as a leak: whatever has been harmed for one time-to-live and one sweep (and, where what no longer acts
 * is cleared away later, for that) since the blow was struck and what had died was back, without a run that is open, healthy
 * and wants it. A run that survives the blow may go on.
 */
import type { WorkflowHandle } from '@temporalio/client';
import { startRun } from '../../workers/start-run.ts';
import { abortSignal, storyQuery } from '../../workflows/messages.ts';
import type { RunResult } from '../../workflows/messages.ts';
import type { Arena, Harmed } from './arena.ts';
import { setMood } from './blows.ts';
import type { Blow } from './blows.ts';
import type { Lane } from './lane.ts';

/** The lane's sweep interval and some slack for two busy cores, in milliseconds. */
const SWEEP_MS = 1_000 + 2_000;
/** The longest a stalled attempt goes on after it was given up, in milliseconds. */
const STALL_MS = 45_000;
/** How long an answer is waited for, in milliseconds: one that is late must not make the look at another run an old one. */
const ANSWER_MS = 1_000;
/** How long a run is asked before its silence counts against it, in milliseconds: on a busy machine many a question goes unheard. */
const PATIENCE_MS = 20_000;
/** How long the first fault of a round is waited for, in milliseconds. */
const FIRST_MS = 20_000;
/** How long a surviving run may take to its end, in milliseconds. */
const SURVIVOR_MS = 60_000;

/** One run's fate. */
export interface Fate {
  readonly blow: string;
  readonly run: string;
  /** Which fault it was, and whether it was seen to harm anything before the blow. */
  readonly fault?: string;
  readonly acted?: boolean;
  /** False: no fault was on when the blow was struck, so the trial does not count (but a leak does). */
  readonly counts: boolean;
  readonly leaked: readonly string[];
  /** From the blow to the last moment anything was harmed, in milliseconds; 0 when nothing was at the blow. */
  readonly cleanMs: number;
  /** The same for the last moment at which a fault acted, where that is another thing. */
  readonly actedMs?: number;
  /** `completed`, `aborted`, `inconclusive`, or how Temporal says the workflow ended. */
  readonly ended: string;
}

/** Strikes as many runs at once as the arena has room for. `random` decides when. */
export async function round(
  arena: Arena,
  blow: Blow,
  ttlMs: number,
  random: () => number,
  number: number,
): Promise<Fate[]> {
  const { lane } = arena;
  const victims = await arena.harmed(number);
  let fates: Fate[] = [];
  const runs = victims.map((_, slot) => `torture-${number}-${slot}`);
  try {
    await setMood(lane, blow.mood);
    // Started apart, so that one blow meets the runs in different phases.
    await Promise.all(
      runs.map((run, slot) => after(random() * 3_000, () => begin(lane, run, victims[slot] as Harmed, ttlMs))),
    );
    // A blow before the first fault is on proves nothing. The other runs are in whatever phase they have come to.
    if (blow.mood === undefined) await enoughAreOn(victims, arena.onAtLeast);
    await after(300 + random() * 5_000, async () => undefined);
    const struckAtMs = performance.now();
    // A blow of the drivers' mood strikes at the injection itself; any other one counts when a fault is on.
    const on = victims.map((group) => {
      const struck = blow.only === undefined || blow.only === group.kind;
      return struck && (blow.mood === undefined ? group.isOn() : true);
    });
    const acted = victims.map(({ fault, hasActed }) =>
      fault === undefined || hasActed === undefined ? {} : { fault, acted: hasActed },
    );
    const putRight = await blow.strike({ lane, runs, victims, ttlMs, random });
    await after(random() * 4_000, putRight);
    const deadlineMs = ttlMs + SWEEP_MS + arena.clearMs + (blow.mood === 'stall' ? STALL_MS : 0);
    const handles = runs.map((run) => lane.client.workflow.getHandle(run));
    const leaked = await untilDeadline(handles, victims, deadlineMs, lane);
    fates = await Promise.all(
      handles.map(async (handle, slot): Promise<Fate> => {
        const { firstHarmedMs, lastHarmedMs, lastActedMs } = victims[slot] as Harmed;
        const since = (ms: number | undefined): number => Math.max(0, (ms ?? struckAtMs) - struckAtMs);
        return {
          blow: blow.name,
          run: handle.workflowId,
          ...acted[slot],
          counts: on[slot] === true && firstHarmedMs !== undefined,
          leaked: leaked[slot] ?? [],
          cleanMs: since(lastHarmedMs),
          ...(lastActedMs === undefined ? {} : { actedMs: since(lastActedMs) }),
          ended: await endOf(handle),
        };
      }),
    );
    await tidy(lane, runs);
  } finally {
    await setMood(lane, undefined);
    const left = await Promise.all(victims.map((group) => group.end()));
    fates = fates.map((fate, i) => ({ ...fate, leaked: [...fate.leaked, ...(left[i] ?? [])] }));
  }
  return fates;
}

/** Resolves when so many have a fault on, or have not for as long as it takes to start on the busiest machine. */
async function enoughAreOn(victims: readonly Harmed[], count: number): Promise<void> {
  const until = performance.now() + FIRST_MS;
  while (performance.now() < until && victims.filter((group) => group.isOn()).length < count)
    await after(100, async () => undefined);
}

async function begin(lane: Lane, run: string, victims: Harmed, ttlMs: number): Promise<void> {
  const experiment = victims.experiment(run, ttlMs);
  // The blow may already have struck: a run that could not start has nothing to leak.
  await startRun(lane.client, run, { experiment, documentHash: '', startedBy: 'torture' }).catch(() => undefined);
}

/** What a run says of itself: `healthy` is open, and going on. A run that survived may put faults on, and hold them until its own end. */
type Answer = 'healthy' | 'over' | 'none';

async function ask(handle: WorkflowHandle, { client }: Lane): Promise<Answer> {
  const soon = <T>(question: () => Promise<T>): Promise<T | undefined> =>
    client.connection.withDeadline(Date.now() + ANSWER_MS, question).catch(() => undefined);
  const described = await soon(() => handle.describe());
  if (described && described.status.name !== 'RUNNING') return 'over';
  const story = await soon(() => handle.query(storyQuery, 0));
  if (story === undefined) return 'none';
  const on = ['pre-flight', 'injecting', 'holding'].includes(story.state.phase) && story.state.abort === undefined;
  return on ? 'healthy' : 'over';
}

/**
 * Which runs are healthy. On a busy machine an answer may not come in time, so silence says nothing, unless another run of
 * the round has answered at the same time, or a deploy has wedged them all.
 */
async function healthy(handles: readonly WorkflowHandle[], lane: Lane): Promise<boolean[]> {
  const answers = await Promise.all(handles.map((handle) => ask(handle, lane)));
  const busy = !lane.wedged && !answers.includes('healthy');
  return answers.map((answer) => answer === 'healthy' || (answer === 'none' && busy));
}

/**
 * Returns what leaked in each run: whatever has been harmed for a whole deadline after the blow, while
 * their run was not seen healthy for as long. Waits for those of which that cannot be said yet: a run that survives may
 * put faults on at any moment, and hold them until its own end, which comes within {@link SURVIVOR_MS}.
 */
async function untilDeadline(
  handles: readonly WorkflowHandle[],
  victims: readonly Harmed[],
  deadlineMs: number,
  lane: Lane,
): Promise<(readonly string[])[]> {
  const fromMs = performance.now();
  const healthyMs = handles.map(() => fromMs);
  for (;;) {
    for (const [i, is] of (await healthy(handles, lane)).entries()) if (is) healthyMs[i] = performance.now();
    await after(500, async () => undefined);
    const nowMs = performance.now();
    if (nowMs < fromMs + deadlineMs) continue;
    const late = nowMs > fromMs + SURVIVOR_MS;
    const harmed = victims.map((group) => group.harmedFor(0));
    const leaked = victims.map((group, i) => {
      if (late) return harmed[i] ?? [];
      return nowMs < (healthyMs[i] ?? 0) + deadlineMs ? [] : group.harmedFor(deadlineMs);
    });
    if (!harmed.every(({ length }, i) => length === leaked[i]?.length)) continue;
    const suspects = late ? [] : handles.flatMap((handle, i) => (leaked[i]?.length ? [{ handle, i }] : []));
    let unheard = false;
    for (const { handle, i } of suspects) {
      const wantedMs = await wantedUntilMs(handle, lane);
      // Whoever wanted its fault less than a deadline ago was only not heard.
      if (wantedMs === undefined || wantedMs < Date.now() - deadlineMs) continue;
      unheard = true;
      healthyMs[i] = performance.now() - (Date.now() - wantedMs);
    }
    if (!unheard) return leaked;
  }
}

/**
 * Until when a run wanted its fault, in milliseconds since the Unix epoch: now, or when it aborted, began to roll back or was
 * ended from outside. Undefined where nobody answers, however patiently it is asked.
 */
async function wantedUntilMs(handle: WorkflowHandle, { client }: Lane): Promise<number | undefined> {
  const patiently = <T>(question: () => Promise<T>): Promise<T | undefined> =>
    client.connection.withDeadline(Date.now() + PATIENCE_MS, question).catch(() => undefined);
  const described = await patiently(() => handle.describe());
  if (described === undefined) return undefined;
  const { status, closeTime } = described;
  if (status.name !== 'RUNNING' && status.name !== 'COMPLETED') return closeTime?.getTime();
  const story = await patiently(() => handle.query(storyQuery, 0));
  const unwanted = story?.events.find(
    (event) => event.type === 'abort' || (event.type === 'phase' && event.phase === 'rolling-back'),
  );
  return story && (unwanted?.atMs ?? closeTime?.getTime() ?? Date.now());
}

async function untilClosed(handle: WorkflowHandle): Promise<void> {
  const until = performance.now() + SURVIVOR_MS;
  while (performance.now() < until) {
    const described = await handle.describe().catch(() => undefined);
    if (described && described.status.name !== 'RUNNING') return;
    await after(200, async () => undefined);
  }
}

async function endOf(handle: WorkflowHandle): Promise<string> {
  const described = await handle.describe().catch(() => undefined);
  if (described === undefined) return 'never started';
  if (described.status.name !== 'COMPLETED') return described.status.name.toLowerCase();
  const { status, deviated } = (await handle.result()) as RunResult;
  return deviated === true ? `${status}, deviated` : status;
}

/** Ends what a round left open in Temporal, so that the next one starts in a known good state. */
async function tidy(lane: Lane, runs: readonly string[]): Promise<void> {
  if (lane.wedged) {
    lane.wedged = false;
    await lane.kill('control');
    await lane.start('control');
  }
  await Promise.all(
    runs.map(async (run) => {
      const handle = lane.client.workflow.getHandle(run);
      const described = await handle.describe().catch(() => undefined);
      if (described?.status.name !== 'RUNNING') return;
      await handle
        .signal(abortSignal, { mode: 'immediate', reason: 'the round is over', by: 'torture' })
        .catch(() => undefined);
      await untilClosed(handle);
    }),
  );
}

async function after<T>(ms: number, act: () => Promise<T>): Promise<T> {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return act();
}
