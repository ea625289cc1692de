/**
 * Traps: what goes wrong at one step of a run whose name says so.
 *
 * Owns the misfortunes of the step matrix, as interceptors of a real worker. `matrix-<step>-<blow>…` names the run; each
 * trap springs once, which a file beside the state folder remembers across a killed worker.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ApplicationFailure } from '@temporalio/common';
import { Context } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import type { WorkerInterceptors } from '@temporalio/worker';
import type { JournalEvent } from '../../domain/journal.ts';

/** The activities of a run; `close` is the last `record`, of `admit` it is the first, and `queue` is where its targets are another's. */
export const STEPS = [
  'record',
  'admit',
  'queue',
  'preflight',
  'watch',
  'attend',
  'minHealthy',
  'inject',
  'hold',
  'revert',
  'recover',
  'close',
] as const;
/** What can happen to each. */
export const BLOWS = ['fail', 'timeout', 'repeat', 'cancel', 'terminate', 'kill'] as const;

export type Step = (typeof STEPS)[number];
export type Blow = (typeof BLOWS)[number];

/** Steps that go on until they are told to stop. */
const ENDLESS: ReadonlySet<string> = new Set<Step>(['hold', 'watch', 'attend']);
/** How long an endless step takes effect before its worker is killed, in milliseconds. */
const EFFECT_MS = 700;

/** Steps at which nothing has been touched yet. */
const BEFORE: ReadonlySet<string> = new Set<Step>(['record', 'admit', 'queue', 'preflight', 'minHealthy']);
/** Steps at which the verdict no longer changes. */
const AFTER: ReadonlySet<string> = new Set<Step>(['revert', 'recover', 'close']);

/** The name of the run that a trap is set for: as a document could have it, in lower case. `of`: of several, a word. */
export function trapped(step: Step, blow: Blow, of?: string): string {
  return ['matrix', step, blow, ...(of === undefined ? [] : [of])].join('-').toLowerCase();
}

/** How a run may end whose step met this blow. A run that went on as if nothing had happened is the best of them. */
export function endsOf(step: Step, blow: Blow): readonly string[] {
  if (blow === 'terminate') return ['TERMINATED'];
  if (blow === 'cancel') return AFTER.has(step) ? ['completed'] : ['aborted'];
  if (step === 'close') return ['completed'];
  if (blow === 'timeout' || blow === 'kill') return ['completed', BEFORE.has(step) ? 'refused' : 'inconclusive'];
  return ['completed'];
}

/** Interceptors that spring each trap once. */
export function traps(folder: string, client: Client): WorkerInterceptors {
  return {
    activity: [
      (context) => ({
        inbound: {
          async execute(input, next) {
            const run = context.info.workflowExecution?.workflowId.split('/')[0] ?? '';
            const [, step, blow] = /^matrix-([a-z]+)-([a-z]+)(?:-|$)/.exec(run) ?? [];
            const again = (): Promise<unknown> => next(input);
            const here = stepOf(context.info.activityType, input.args);
            if (step !== here.toLowerCase() || !springs(folder, run)) return again();
            return spring(blow as Blow, ENDLESS.has(here), again, () => client.workflow.getHandle(run));
          },
        },
      }),
    ],
  };
}

/** The last writing of a run is a step of its own; the trap of `record` springs at the first. */
function stepOf(activity: string, args: readonly unknown[]): string {
  const events = activity === 'record' ? (args[1] as readonly JournalEvent[]) : [];
  return events.some(({ type }) => type === 'closed') ? 'close' : activity;
}

function springs(folder: string, run: string): boolean {
  try {
    writeFileSync(join(folder, `${run}.sprung`), '', { flag: 'wx' });
    return true;
  } catch {
    return false;
  }
}

async function spring(
  blow: Blow,
  endless: boolean,
  work: () => Promise<unknown>,
  run: () => { cancel(): Promise<unknown>; terminate(reason: string): Promise<unknown> },
): Promise<unknown> {
  switch (blow) {
    case 'fail':
      throw ApplicationFailure.retryable('the trap has sprung', 'Trap');
    case 'timeout':
      // It takes effect, is never heard of again, and goes on by itself: a partitioned worker's zombie.
      Object.defineProperty(Context.current(), 'heartbeat', { value: () => undefined });
      await work();
      return new Promise(() => undefined);
    case 'repeat':
      return endless ? Promise.race([work(), work()]) : twice(work);
    case 'cancel':
      await run().cancel();
      return work();
    case 'terminate':
      await run().terminate('the trap has sprung');
      return work();
    case 'kill':
      await (endless ? Promise.race([work(), new Promise((resolve) => setTimeout(resolve, EFFECT_MS))]) : work());
      process.kill(process.pid, 'SIGKILL');
      return new Promise(() => undefined);
  }
}

/** The second time knows, as after a lost reply, what the first has said of itself. */
async function twice(work: () => Promise<unknown>): Promise<unknown> {
  const context = Context.current();
  const beat = context.heartbeat.bind(context);
  const said: { heartbeatDetails?: unknown } = {};
  Object.defineProperty(context, 'heartbeat', {
    value(details: unknown) {
      said.heartbeatDetails = details;
      beat(details);
    },
  });
  await work();
  Object.assign(context.info, said);
  return work();
}
