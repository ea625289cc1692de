/**
 * Following a run from outside.
 *
 * Owns the loop that asks a run for its story and shows it. Live readings come from the heartbeats of the watch
 * activity, so following adds nothing to a run's history.
 */
import { WorkflowFailedError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { Unreachable } from '../workers/connect.ts';
import type { Config } from '../workers/config.ts';
import { storyQuery } from '../workflows/messages.ts';
import type { RunResult, Story } from '../workflows/messages.ts';
import { EXIT, exitOf } from './exit.ts';
import type { Interruption } from './interruption.ts';
import { readLive } from './live.ts';
import type { Output } from './output.ts';
import { writeReport } from './report-file.ts';
import { rollbackOf } from './rollback.ts';
import type { Rollback } from './rollback.ts';
import { Screen } from './screen.ts';

/** How a run that was followed ended. `lost`: its workflow was ended from outside, and this is what its leases said. */
export type End =
  | { readonly how: 'closed'; readonly result: RunResult; readonly interrupted: boolean }
  | { readonly how: 'stuck'; readonly run: string; readonly why: string }
  | { readonly how: 'lost'; readonly run: string; readonly rollback: Rollback; readonly why: string };

/** Time between two questions, in milliseconds. */
const POLL_MS = 500;
/** A run may be without an answer for this long before that is said, in milliseconds. */
const SILENT_MS = 5_000;
/** Temporal may be away for this long before following gives up, in milliseconds. */
const AWAY_MS = 60_000;
/** The same while an abort is to be delivered, in milliseconds. */
const ABORT_MS = 600_000;

/**
 * Shows a run until it ends. Throws {@link Unreachable} when Temporal stays away, unless an abort is still to be delivered.
 * Without `interruption` a signal only ends the following.
 */
export async function follow(client: Client, run: string, out: Output, interruption?: Interruption): Promise<End> {
  const handle = client.workflow.getHandle(run);
  const screen = new Screen(out, run);
  const leases = new Set<string>();
  const silence = new Silence(out, run);
  if (interruption) interruption.started = true;
  let seen = 0;
  let answeredAtMs = performance.now();
  const take = (story: Story): void => {
    for (const event of story.events) {
      seen = event.seq + 1;
      if (event.type === 'stage-opened') leases.add(event.lease);
      screen.event(event);
    }
  };
  try {
    for (;;) {
      void interruption?.send();
      const described = await within(handle.describe());
      if (described) answeredAtMs = performance.now();
      else if (performance.now() - answeredAtMs > (interruption?.pending ? ABORT_MS : AWAY_MS)) throw away(run);
      const story = await within(handle.query(storyQuery, seen));
      if (story) take(story);
      silence.heard(story !== undefined);
      const stuck = story?.events.findLast((event) => event.type === 'stuck');
      if (stuck && story?.state.phase === 'stuck') return { how: 'stuck', run, why: stuck.why };
      if (described && described.status.name !== 'RUNNING')
        return await ending(client, run, leases, out, interruption?.wanted ?? false);
      if (story) screen.live(story.state, described ? readLive(described.raw) : undefined);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  } finally {
    interruption?.[Symbol.dispose]();
    screen.close();
  }
}

/** Prints the verdict, writes the report, and returns the exit code. */
export async function finish(end: End, config: Config, out: Output): Promise<number> {
  if (end.how === 'stuck') {
    out.event('stuck', { run: end.run, why: end.why });
    out.line(`${out.style(['bold', 'red'], 'STUCK')}: a revert cannot be confirmed: ${end.why}`);
    out.line('It is retried for ever. See "A run is stuck" in README.md.');
    return EXIT.stuck;
  }
  if (end.how === 'lost') {
    out.event('finished', { run: end.run, status: 'lost', deviated: null, report: null, reason: end.why });
    out.line(`${out.style('yellow', 'lost')}: ${end.why}; ${rollbackWords(end.rollback)}`);
    return end.rollback.known === 'unknown' ? EXIT.stuck : EXIT.noVerdict;
  }
  const { run, status, deviated, reason } = end.result;
  const report = await writeReport(config, run).catch(() => undefined);
  out.event('finished', { run, status, deviated, reason, report: report ?? null });
  const word =
    deviated === true
      ? out.style(['bold', 'red'], 'deviated')
      : deviated === false
        ? out.style(['bold', 'green'], 'held')
        : out.style('yellow', 'no verdict');
  out.line(`${out.style('bold', status)}, ${word}: ${reason}`);
  if (report) out.line(`report: ${report}`);
  return exitOf(end.result, end.interrupted);
}

function rollbackWords(rollback: Rollback): string {
  if (rollback.known === 'unknown') return `whether every fault is reverted is not known: ${rollback.why}`;
  return rollback.known === 'none'
    ? 'it had opened no lease, so it did no fault'
    : 'its leases have reverted every fault';
}

/** Says once that no worker answers for a run, and what that means for its fault. */
class Silence {
  readonly #out: Output;
  readonly #run: string;
  #sinceMs = performance.now();
  #said = false;

  constructor(out: Output, run: string) {
    this.#out = out;
    this.#run = run;
  }

  heard(answer: boolean): void {
    if (answer) {
      this.#sinceMs = performance.now();
      this.#said = false;
    } else if (!this.#said && performance.now() - this.#sinceMs > SILENT_MS) {
      this.#said = true;
      this.#out.event('waiting', { run: this.#run, for: 'a control worker' });
      const words = 'no control worker answers; a fault that is on ends by itself when nobody renews it. Still waiting';
      this.#out.line(this.#out.style('yellow', words));
    }
  }
}

function away(run: string): Unreachable {
  return new Unreachable(
    `Temporal has not answered for a long time. ${run} goes on where its workers reach Temporal; where they do not, its fault ends after its time-to-live.`,
  );
}

/** The answer, or undefined when none comes in time; silence is not an error while following. */
async function within<T>(question: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), 3_000);
  });
  try {
    return await Promise.race([question.catch(() => undefined), late]);
  } finally {
    clearTimeout(timer);
  }
}

async function ending(
  client: Client,
  run: string,
  told: ReadonlySet<string>,
  out: Output,
  interrupted: boolean,
): Promise<End> {
  try {
    const result = (await client.workflow.getHandle(run).result()) as RunResult;
    return { how: 'closed', result, interrupted };
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    const rollback = await rollbackOf(client, run, told, out);
    return {
      how: 'lost',
      run,
      rollback,
      why: `the run was ended from outside: ${error.cause?.message ?? error.message}`,
    };
  }
}
