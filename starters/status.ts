/** `squall status`: where a run is, as it says itself, or where nobody can ask it, as its journal says. */
import type { WorkflowHandle } from '@temporalio/client';
import type { JournalEvent } from '../domain/journal.ts';
import { verdict } from '../domain/run.ts';
import { summarise } from '../domain/summary.ts';
import { worstCaseMs } from '../domain/timing.ts';
import { storyQuery } from '../workflows/messages.ts';
import type { AwaitedPlan, Story } from '../workflows/messages.ts';
import { connectClient } from '../workers/connect.ts';
import { describeJournal, openJournal } from '../workers/journal.ts';
import { PLAN_LEAST } from './answering.ts';
import { awaitedPlan, showAwaited } from './awaited.ts';
import { EXIT } from './exit.ts';
import { output } from './output.ts';
import type { Output } from './output.ts';
import { eventLine } from './story-line.ts';
import { runNamed, theRun } from './the-run.ts';
import { configOf } from './verb-config.ts';
import type { Common } from './verbs.ts';
import { waitsFor } from './waits.ts';

/** How long a run may take to answer, in milliseconds. */
const ANSWER_MS = 5_000;

export async function main(args: readonly string[], options: Common): Promise<number> {
  const run = runNamed(args);
  const client = await connectClient({ queryClosed: true });
  const out = output(options.json === true);
  try {
    const { handle, described } = await theRun(client, run);
    const open = described.status.name === 'RUNNING';
    const story = await client.connection.withDeadline(Date.now() + ANSWER_MS, () => ask(handle));
    if (story === undefined) return await fromJournal(options, run, open, out);
    const { phase, stage } = story.state;
    const { status, deviated } = verdict(story.state);
    const ended = phase === 'closed' ? { status, deviated } : { status: null, deviated: null };
    const waits = waitsFor(described);
    out.event('status', { run, open, phase, stage, ...ended, abort: story.state.abort ?? null, waits: waits ?? null });
    out.line(
      `${out.style('bold', run)}: ${phase === 'closed' ? status : open ? phase : described.status.name.toLowerCase()}`,
    );
    show(story.events, out);
    if (waits !== undefined) out.line(out.style('yellow', `waits: ${waits}`));
    const { awaiting } = story;
    if (awaiting) {
      const { plan, people, approvedBy, untilMs } = awaiting;
      const until = new Date(untilMs).toISOString();
      const shown = await client.connection
        .withDeadline(Date.now() + ANSWER_MS, () => awaitedPlan(handle, awaiting))
        .catch((error: unknown) => (error instanceof Error ? error.message : String(error)));
      const whole = typeof shown === 'string' ? { shown: null, why: shown } : { shown: shownWhole(shown) };
      out.event('awaiting-approval', { run, plan, people, approvedBy, until, ...whole });
      out.line('');
      if (typeof shown === 'string') out.line(out.style('red', shown));
      else showAwaited(shown, people, out);
      out.line('');
      out.line(out.style('yellow', `waits until ${until}: ${approvedBy.length} of ${people} approved plan ${plan}`));
      const begin = plan.slice(0, PLAN_LEAST);
      out.line(
        `\`squall approve ${run} --plan ${begin}\` or \`squall reject ${run}\`, by somebody other than who started it`,
      );
    }
    return 0;
  } finally {
    await client.connection.close();
  }
}

/** As `squall plan --json` says it, and the experiment with it. */
function shownWhole({ experiment, seed, guards, found }: AwaitedPlan): object {
  return {
    experiment,
    seed,
    worstCaseMs: worstCaseMs(experiment, found.stages, found),
    ...found,
    guards,
  };
}

async function ask(handle: WorkflowHandle): Promise<Story | undefined> {
  return handle.query(storyQuery, 0).catch(() => undefined);
}

/** The last that was written down: no worker answers, or the run cannot. */
async function fromJournal(options: Common, run: string, open: boolean, out: Output): Promise<number> {
  const config = await configOf(options);
  await using store = openJournal(config);
  const journal = await store.read(run);
  out.line(
    out.style(
      'yellow',
      `no control worker answers for ${run}; a fault that is on ends by itself when nobody renews it`,
    ),
  );
  if (journal === undefined) {
    out.event('status', { run, open, phase: null, answered: false });
    out.line(`and there is no journal of it in ${describeJournal(config)}`);
    return EXIT.unreachable;
  }
  const { phase, status, deviated } = summarise(journal);
  out.event('status', { run, open, phase, status, deviated, answered: false });
  out.line(`${out.style('bold', run)}: last seen ${phase}, as its journal says:`);
  show(journal.events, out);
  return EXIT.unreachable;
}

function show(events: readonly JournalEvent[], out: Output): void {
  for (const event of events) {
    const line = eventLine(event, out);
    if (line) out.line(line);
  }
}
