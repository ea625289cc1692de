/**
 * `squall schedule why` and `squall schedule acknowledge`: what a program chose by, and that a finding was looked into.
 *
 * Owns the words for a ranking. Why is read from the journal, so that it needs no Temporal.
 */
import type { Acknowledged } from '../activities/picking.ts';
import type { RadiusStep, Ranked } from '../domain/picking.ts';
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

/** `squall schedule why RUN`. */
export async function why(args: readonly string[], options: Common): Promise<number> {
  const run = runNamed(args);
  const { events } = await journalOf(await configOf(options), run);
  const chosen = events.find((event) => event.type === 'chosen');
  if (!chosen) throw new UsageError(`${run} was not chosen by a program, or by one of before 0.5`);
  const out = output(options.json === true);
  const { program, cadence, choice } = chosen;
  out.event('chosen', { run, program, cadence, ...choice });
  show(chosen, out);
  return 0;
}

function show({ program, cadence, choice }: EntryOf<'chosen'>, out: Output): void {
  const { pick, seed, ranking, passedOver, refused = [], of } = choice;
  out.line(`${out.style('bold', `${program}/${cadence}`)} picks by ${pick}, with the seed ${seed}`);
  const width = Math.max(...[...ranking, ...passedOver, ...refused].map(({ experiment }) => experiment.length));
  for (const [i, ranked] of ranking.entries()) {
    const line = `${String(i + 1).padStart(3)}  ${ranked.experiment.padEnd(width)}  ${reasonsOf(ranked)}`.trimEnd();
    out.line(i === 0 ? out.style('bold', line) : line);
    if (i === 0 && ranked.radius !== undefined) out.line(`     ${radiusWords(ranked.radius)}`);
  }
  const more = of - refused.length - ranking.length;
  if (more > 0) out.line(`     and ${more} more`);
  for (const { experiment, guard, found } of refused)
    out.line(out.style('yellow', `  -  ${experiment.padEnd(width)}  not then: ${guard}: ${found}`));
  for (const { experiment, finding } of passedOver)
    out.line(
      out.style(
        'yellow',
        `  -  ${experiment.padEnd(width)}  passed over: ${finding} deviated, and nobody has acknowledged it`,
      ),
    );
}

/** `at 2%, step 2 of 4: wider since … held`. */
function radiusWords({ size, step, of, since }: RadiusStep): string {
  const why =
    since === undefined
      ? 'no run of it has moved it'
      : `${since.held ? 'wider' : 'narrower'} since ${since.run} ${since.held ? 'held' : 'failed'}`;
  return `at ${size.text}, step ${step} of ${of}: ${why}`;
}

/** `1.08 = risk 1.2 × value 0.9 × …`, as far as the picker has any. */
function reasonsOf({ score, untested, reasons }: Ranked): string {
  const { disruption = 0, ...factors } = reasons;
  const product = Object.entries(factors).map(([name, value]) => `${name} ${value}`);
  const minus = disruption === 0 ? '' : ` − disruption ${disruption}`;
  const made = product.length === 0 ? '' : ` = ${product.join(' × ')}${minus}`;
  const first = untested === true ? 'untested  ' : '';
  return `${first}${score === undefined ? '' : `${score}${made}`}`;
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
