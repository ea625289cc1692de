/**
 * `squall schedule why` and `squall schedule acknowledge`: what a program chose by, and that a finding was looked into.
 *
 * Of a run that is read from its journal, so that it needs no Temporal; a tick that has run nothing has only its own result.
 */
import { WorkflowNotFoundError } from '@temporalio/client';
import { z } from 'zod';
import { choice } from '../activities/journal/choice-schema.ts';
import type { Acknowledged } from '../activities/picking.ts';
import { leftOutOf, radiusWords, reasonsOf, unlistedOf } from '../domain/picking-words.ts';
import { SCHEDULES } from '../domain/program.ts';
import { CONTROL_QUEUE } from '../domain/queues.ts';
import type { EntryOf } from '../domain/run-summary.ts';
import { connectClient } from '../workers/connect.ts';
import type { AcknowledgeInput } from '../workflows/messages.ts';
import { EXIT } from './exit.ts';
import { UsageError } from './failure.ts';
import { output } from './output.ts';
import type { Output } from './output.ts';
import { requireWorkers } from './reach.ts';
import { journalOf } from './report-file.ts';
import { runNamed } from './the-run.ts';
import { configOf } from './verb-config.ts';
import type { Common } from './verbs.ts';
import { signer } from './who.ts';

/** How long an acknowledgement may take, in milliseconds. */
const ANSWER_MS = 45_000;

/** What a tick has said of itself, as far as its choice goes. */
const ticked = z.object({
  picked: z.string(),
  run: z.string().optional(),
  would: z.string().optional(),
  skipped: z.string().optional(),
  choice: choice.optional(),
});

/** `squall schedule why RUN|TICK`. */
export async function why(args: readonly string[], options: Common): Promise<number> {
  const named = runNamed(args);
  const tick = isTick(named) ? await chosenByTick(named) : undefined;
  const run = tick === undefined ? named : tick.run;
  const { program, cadence, choice } = tick?.chosen ?? (await chosenForRun(run ?? named, options));
  const out = output(options.json === true);
  out.event('chosen', {
    ...(run === undefined ? { tick: named } : { run }),
    program,
    cadence,
    ...choice,
    ended: tick?.ended,
  });
  show({ program, cadence, choice }, out);
  if (tick?.ended !== undefined) out.line(tick.ended);
  return 0;
}

type Chosen = Pick<EntryOf<'chosen'>, 'program' | 'cadence' | 'choice'>;

async function chosenForRun(run: string, options: Common): Promise<Chosen> {
  const { events } = await journalOf(await configOf(options), run);
  const chosen = events.find((event) => event.type === 'chosen');
  if (!chosen) throw new UsageError(`${run} was not chosen by a program, or by one of before 0.5`);
  return chosen;
}

/** Whether a tick of ours is named, and no run. */
function isTick(named: string): boolean {
  return named.startsWith(`${SCHEDULES}/`);
}

/** What a tick has run; of one that has run nothing, a dry run say, what it chose and how that ended. */
async function chosenByTick(
  tick: string,
): Promise<{ readonly run?: string; readonly chosen?: Chosen; readonly ended?: string }> {
  const client = await connectClient();
  try {
    const handle = client.workflow.getHandle(tick);
    const { status } = await handle.describe().catch((error: unknown) => {
      if (error instanceof WorkflowNotFoundError)
        throw new UsageError(`there is no tick ${tick}, or Temporal no longer keeps it`);
      throw error;
    });
    if (status.name !== 'COMPLETED')
      throw new UsageError(`${tick} is ${status.name.toLowerCase()}: nothing is known of its choice`);
    const { run, choice, picked, would, skipped } = ticked.parse(await handle.result());
    if (choice === undefined && run !== undefined) return { run };
    if (choice === undefined) throw new UsageError(`${tick} chose nothing: ${skipped ?? 'it is one of before 0.5'}`);
    const [, program = '', dated = ''] = tick.split('/');
    const cadence = dated.replace(/-\d{4}-\d\d-\d\dT[\d:.]+Z$/, '');
    const ended = would === undefined ? `nothing was begun: ${skipped ?? ''}` : `${picked} would ${would}`;
    return { chosen: { program, cadence, choice }, ended };
  } finally {
    await client.connection.close();
  }
}

function show({ program, cadence, choice }: Chosen, out: Output): void {
  const { pick, seed, ranking } = choice;
  out.line(`${out.style('bold', `${program}/${cadence}`)} picks by ${pick}, with the seed ${seed}`);
  const left = leftOutOf(choice);
  const names = [...ranking.map(({ experiment }) => experiment), ...left.map(([experiment]) => experiment)];
  const width = Math.max(...names.map(({ length }) => length));
  for (const [i, ranked] of ranking.entries()) {
    const line = `${String(i + 1).padStart(3)}  ${ranked.experiment.padEnd(width)}  ${reasonsOf(ranked)}`.trimEnd();
    out.line(i === 0 ? out.style('bold', line) : line);
    if (i === 0 && ranked.radius !== undefined) out.line(`     ${radiusWords(ranked.radius)}`);
  }
  const more = unlistedOf(choice);
  if (more > 0) out.line(`     and ${more} more`);
  for (const [experiment, because] of left)
    out.line(out.style('yellow', `  -  ${experiment.padEnd(width)}  ${because}`));
}

/** `squall schedule acknowledge RUN`. */
export async function acknowledge(args: readonly string[], options: Common & { reason?: string }): Promise<number> {
  const run = runNamed(args);
  const reason = options.reason ?? '';
  if (reason.trim() === '') throw new UsageError('found an empty --reason, expected what was found out');
  const client = await connectClient();
  const out = output(options.json === true);
  try {
    await requireWorkers(client, [CONTROL_QUEUE]);
    const input: AcknowledgeInput = { run, ...signer(), reason };
    const done = (await client.workflow.execute('acknowledge', {
      workflowId: `acknowledge-${run}`,
      workflowIdConflictPolicy: 'USE_EXISTING',
      taskQueue: CONTROL_QUEUE,
      args: [input],
      workflowExecutionTimeout: ANSWER_MS,
    })) as Acknowledged;
    if ('refused' in done) throw new UsageError(done.refused);
    out.event('acknowledged', { run, experiment: done.experiment, reason });
    out.line(`acknowledged: ${run}; programs may take ${done.experiment} again`);
    return EXIT.held;
  } finally {
    await client.connection.close();
  }
}
