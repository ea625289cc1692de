/**
 * `cool-down`: the same experiment is not run again too soon, and no target hit again.
 *
 * Owns the look for the runs before this one: of the same experiment as Temporal lists them and, since Temporal forgets, as
 * their journals say; on the same targets as their journals say. A run that was refused touched nothing and does not count.
 */
import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { targetKey } from '../../domain/target-key.ts';
import { formatDuration } from '../../domain/units.ts';
import type { JournalHead, JournalStore } from '../journal/store.ts';
import type { Asked, Guard } from './guard.ts';

/**
 * Runs that began longer before the cool-down than this, in milliseconds, are not looked for where it is not known when they
 * ended: a stage is held for a week at most.
 */
const RUN_MAX_MS = 30 * 86_400_000;
/** Journals of runs within the cool-down that are looked at. */
const JOURNALS_MAX = 1_000;

/** Refuses while an earlier run of the experiment is open, or ended too lately; `leastMs` is asked of every experiment. */
export function coolDownGuard(client: Client, leastMs: number, store: JournalStore): Guard {
  return {
    name: 'cool-down',
    async ask(input, signal) {
      const { run, experiment } = input;
      const coolDownMs = Math.max(leastMs, experiment.preconditions?.coolDownMs ?? 0);
      if (coolDownMs === 0) return { passed: true, found: 'not asked for' };
      const nowMs = Date.now();
      const since = new Date(nowMs - coolDownMs).toISOString();
      const query = `WorkflowType = 'experiment' AND (ExecutionStatus = 'Running' OR CloseTime > '${since}')`;
      // Whoever waits asks what has begun by now; a run asks what began before it.
      const startTime = input.plans ? new Date(nowMs) : (await client.workflow.getHandle(run).describe()).startTime;
      const heads = await store.list();
      const refused = new Set(heads.filter(wasNothing).map((head) => head.run));
      for await (const other of client.workflow.list({ query, pageSize: 1_000 })) {
        signal.throwIfAborted();
        const { workflowId, memo, closeTime } = other;
        if (workflowId === run || memo?.['experiment'] !== experiment.name || other.startTime > startTime) continue;
        // Many may have been refused: what the journal knows of them is not asked of Temporal, one by one.
        if (other.status.name === 'COMPLETED' && refused.has(workflowId)) continue;
        if (await wasRefused(client, other)) continue;
        const when = closeTime ? `ended ${formatDuration(nowMs - closeTime.getTime())} ago` : 'is open';
        return { passed: false, found: `${workflowId} ${when}, expected ${formatDuration(coolDownMs)} in between` };
      }
      const same = heads.find(
        (head) =>
          head.run !== run &&
          head.experiment === experiment.name &&
          !wasNothing(head) &&
          head.startedAtMs <= startTime.getTime() &&
          (head.lastAtMs ?? head.startedAtMs) >= nowMs - coolDownMs,
      );
      if (same) {
        const ago = formatDuration(Math.max(0, nowMs - (same.lastAtMs ?? same.startedAtMs)));
        const found = `${same.run} wrote its journal ${ago} ago, expected ${formatDuration(coolDownMs)} in between`;
        return { passed: false, found };
      }
      const hit = await hitLately(store, heads, input, nowMs - coolDownMs);
      if (hit) {
        const ago = formatDuration(Math.max(0, nowMs - hit.atMs));
        const found = `${hit.target} was hit by ${hit.run} ${ago} ago, expected ${formatDuration(coolDownMs)} in between`;
        return { passed: false, found };
      }
      return { passed: true, found: `no other run of it, or on its targets, within ${formatDuration(coolDownMs)}` };
    },
  };
}

/** A target of this stage that another run has hit since `sinceMs`. Before pre-flight nobody knows the targets. */
async function hitLately(
  store: JournalStore,
  listed: readonly JournalHead[],
  { run, experiment, services = [] }: Asked,
  sinceMs: number,
): Promise<{ readonly run: string; readonly target: string; readonly atMs: number } | undefined> {
  const wanted = new Set(services.flatMap(({ keys }) => keys));
  if (wanted.size === 0) return undefined;
  const heads = listed.filter(
    (head) =>
      head.run !== run &&
      !wasNothing(head) &&
      (head.lastAtMs === undefined ? head.startedAtMs > sinceMs - RUN_MAX_MS : head.lastAtMs >= sinceMs),
  );
  if (heads.length > JOURNALS_MAX) throw new Error(`more than ${JOURNALS_MAX} runs would have to be looked at`);
  for (const head of heads.toReversed()) {
    const { events = [] } = (await store.read(head.run)) ?? {};
    const atMs = events.at(-1)?.atMs ?? 0;
    const started = events.find((event) => event.type === 'started');
    if (atMs < sinceMs || started?.experiment.targets.site !== experiment.targets.site) continue;
    for (const event of events) {
      const target = event.type === 'stage-opened' ? event.targets.find((id) => wanted.has(targetKey(id))) : undefined;
      if (target !== undefined) return { run: head.run, target, atMs };
    }
  }
  return undefined;
}

/** A run that was refused, and touched nothing before either: one that was reset may be refused in the end. */
function wasNothing({ status, touched = false }: JournalHead): boolean {
  return status === 'refused' && !touched;
}

async function wasRefused(client: Client, { workflowId, runId, status }: WorkflowExecutionInfo): Promise<boolean> {
  if (status.name !== 'COMPLETED') return false;
  const result = (await client.workflow.getHandle(workflowId, runId).result()) as { status?: unknown };
  return result.status === 'refused';
}
