/**
 * `squall schedule`: programs as schedules of Temporal, which run them without anybody.
 *
 * Owns the words for what was changed, and for what comes next. Pausing one is its switch; an emergency stop ends what it has begun.
 */
import { WorkflowNotFoundError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { describeTimes } from '../domain/program-changes.ts';
import { describeRadius } from '../domain/radius.ts';
import { connectClient } from '../workers/connect.ts';
import { applyProgram, scheduledCadences, tell } from '../workers/schedules.ts';
import type { Scheduled } from '../workers/schedules.ts';
import type { TickResult } from '../workflows/messages.ts';
import { documentsOf } from './experiment-file.ts';
import { UsageError } from './failure.ts';
import { output } from './output.ts';
import type { Output } from './output.ts';
import { configOf } from './verb-config.ts';
import type { Common } from './verbs.ts';
import { signer } from './who.ts';

async function withClient<T>(work: (client: Client) => Promise<T>): Promise<T> {
  const client = await connectClient();
  try {
    return await work(client);
  } finally {
    await client.connection.close();
  }
}

/** `squall schedule apply FILE`. */
export async function apply([file = '']: readonly string[], options: Common & { prune?: boolean }): Promise<number> {
  const { program } = await documentsOf(file, await configOf(options));
  if (program === undefined)
    throw new UsageError(`${file} has no program; it needs a document that begins with \`program:\``);
  const out = output(options.json === true);
  const { by, from } = signer();
  const applied = { appliedBy: `${by} on ${from}`, prune: options.prune === true };
  const changes = await withClient((client) => applyProgram(client, program, applied));
  for (const { cadence, what, changes: different } of changes) {
    out.event('applied', { program: program.name, cadence, what, changes: different });
    const hint = what === 'left over' ? ', which --prune removes' : '';
    out.line(`${what.padEnd(9)} ${program.name}/${cadence}${hint}`);
    for (const change of different) out.line(`          ${change}`);
  }
  return 0;
}

/** `squall schedule list`. */
export async function list(_args: readonly string[], options: Common): Promise<number> {
  const out = output(options.json === true);
  return withClient(async (client) => {
    const found = await scheduledCadences(client);
    for (const one of found) await show(client, one, out);
    if (found.length === 0) out.line('nothing is scheduled');
    return 0;
  });
}

async function show(client: Client, scheduled: Scheduled, out: Output): Promise<void> {
  const {
    program,
    cadence,
    everyMs,
    at,
    radius,
    dryRun,
    pool,
    groups,
    gameDay,
    paused,
    note,
    nextAt,
    ticks,
    overlapped,
  } = scheduled;
  const times = describeTimes(scheduled);
  const [latest] = ticks;
  const last = latest === undefined ? undefined : await lastOf(client, latest);
  const next = paused ? undefined : nextAt[0]?.toISOString();
  out.event('scheduled', {
    program,
    cadence,
    everyMs,
    ...(at === undefined ? {} : { at: times }),
    ...(radius === undefined ? {} : { radius: describeRadius(radius) }),
    dryRun,
    pool,
    ...(groups === undefined ? {} : { groups }),
    ...(gameDay === undefined ? {} : { gameDay }),
    paused,
    note,
    next: next ?? null,
    overlapped,
    last,
  });
  const state = paused ? out.style('yellow', `paused${note === '' ? '' : `: ${note}`}`) : `next ${next ?? 'never'}`;
  const dry = dryRun ? ', a dry run' : '';
  out.line(`${out.style('bold', `${program}/${cadence}`)}  ${times}${dry}, ${state}`);
  const reach = radius === undefined ? '' : `, at ${describeRadius(radius)}`;
  out.line(
    gameDay === undefined
      ? `  one of: ${pool.join(', ')}${reach}${groups === undefined ? '' : `, ${groups}`}`
      : `  calls:  the game day ${gameDay}`,
  );
  if (last !== undefined) out.line(`  last:   ${last}`);
  if (overlapped > 0) out.line(`  ${overlapped} left out, since the one before was not over`);
}

/** What a tick did, in words. */
async function lastOf(client: Client, tick: string): Promise<string> {
  const handle = client.workflow.getHandle(tick);
  const described = await handle.describe().catch((error: unknown) => {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  });
  if (described === undefined) return `${tick}, which Temporal no longer keeps`;
  const { status } = described;
  if (status.name === 'RUNNING') return `${tick} is running`;
  if (status.name !== 'COMPLETED') return `${tick}: ${status.name.toLowerCase()}`;
  const { picked, run, status: ended, deviated, would, skipped } = (await handle.result()) as TickResult;
  // Of what has no run, `why` knows by the tick.
  if (skipped !== undefined) return `nothing was begun: ${skipped} (${tick})`;
  if (would !== undefined) return `${picked} would ${would} (${tick})`;
  const verdict = typeof deviated === 'boolean' ? `, ${deviated ? 'deviated' : 'held'}` : '';
  return `${run ?? picked}: ${ended ?? 'unknown'}${verdict}`;
}

/** `squall schedule pause|resume|tick|remove PROGRAM`. */
export function telling(to: 'pause' | 'resume' | 'tick' | 'remove') {
  return async ([named = '']: readonly string[], options: Common & { reason?: string }): Promise<number> => {
    const out = output(options.json === true);
    const [program = '', cadence] = named.split('/');
    const { by } = signer();
    const note = `${options.reason ?? 'no reason was given'} (${by})`;
    const what = to === 'pause' || to === 'resume' ? ({ to, note } as const) : ({ to } as const);
    const told = await withClient(async (client) => {
      if (to === 'tick') await refusePaused(client, program, cadence);
      return tell(client, { program, ...(cadence === undefined ? {} : { cadence }) }, what);
    });
    if (told.length === 0)
      throw new UsageError(`found nothing that is scheduled as ${named}; \`squall schedule list\` shows what is`);
    for (const one of told) {
      out.event(DONE[to], { program, cadence: one });
      out.line(`${DONE[to]} ${program}/${one}`);
    }
    return 0;
  };
}

const DONE = { pause: 'paused', resume: 'resumed', tick: 'asked for', remove: 'removed' } as const;

/** What is paused is not to begin by hand either. */
async function refusePaused(client: Client, program: string, cadence: string | undefined): Promise<void> {
  for (const one of await scheduledCadences(client))
    if (one.program === program && (cadence === undefined || one.cadence === cadence) && one.paused)
      throw new UsageError(`${program}/${one.cadence} is paused: ${one.note}; \`squall schedule resume\` first`);
}
