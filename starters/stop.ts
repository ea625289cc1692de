/**
 * `squall stop`: the emergency stop. Latches, and stays until every run that it concerns has rolled back.
 *
 * The latch is in Temporal before anything else is said, and needs no worker; whoever leaves leaves it on.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { readLatch } from '../activities/admission/stop.ts';
import type { Latched } from '../activities/admission/stop.ts';
import { concerns, describeStop, stopId } from '../domain/emergency-stop.ts';
import type { EmergencyStop } from '../domain/emergency-stop.ts';
import { connectClient } from '../workers/connect.ts';
import { pullStop, REASON_MAX } from '../workers/start-stop.ts';
import { storyQuery } from '../workflows/messages.ts';
import type { RefusedStop, Resumed } from '../workflows/messages.ts';
import { EXIT } from './exit.ts';
import { UsageError } from './failure.ts';
import { output } from './output.ts';
import type { Output } from './output.ts';
import type { Common } from './verbs.ts';
import { proveStop, signer } from './who.ts';

/** Time between two looks, in milliseconds. */
const POLL_MS = 500;
/** The server's list is late: nobody is open once so many looks in a row say so. */
const LOOKS = 4;
/** The same number of open runs for this long is looked into, in milliseconds. */
const STALLED_MS = 5_000;
/** Runs that are asked what keeps them. */
const ASKED_MAX = 20;
const ANSWER_MS = 2_000;
const OPEN = "(WorkflowType = 'experiment' OR WorkflowType = 'lease') AND ExecutionStatus = 'Running'";

interface Options extends Common {
  readonly site?: string;
  readonly reason: string;
  readonly wait: boolean;
}

export async function main(_args: readonly string[], given: Common & Record<string, unknown>): Promise<number> {
  const { site, json, wait, ...said } = given as unknown as Options;
  const reason = said.reason.slice(0, REASON_MAX) || 'no reason was given';
  if (site === '') throw new UsageError('found an empty site, expected its name');
  const client = await connectClient({ queryClosed: true });
  const out = output(json === true);
  try {
    const by = await proveStop(stopId(site), reason).catch((error: unknown) => {
      // Where the policy lets anybody stop, none is needed.
      if (!(error instanceof UsageError)) throw error;
      const unsigned = `${error.message}; this stop is not signed`;
      out.event('warning', { message: unsigned });
      out.line(out.style('yellow', unsigned));
      return signer();
    });
    const stop = { ...(site === undefined ? {} : { site }), reason, ...by };
    const latched = await latch(client, stop);
    if ('forbidden' in latched) return sayRefused(latched, out);
    const since = new Date(latched.sinceMs).toISOString();
    out.event('stopped', { site: site ?? null, reason: latched.reason, by: latched.by, since });
    out.line(`${out.style(['bold', 'red'], 'STOPPED')}: ${describeStop(latched)}, since ${since}`);
    const resume = site === undefined ? 'squall resume' : `squall resume --site ${site}`;
    out.line(`Nothing is admitted until \`${resume}\`.`);
    return wait ? await untilClosed(client, stop, latched.execution, out) : EXIT.held;
  } finally {
    await client.connection.close();
  }
}

/** Latches, or holds what somebody has latched. */
async function latch(client: Client, stop: EmergencyStop): Promise<Latched | RefusedStop> {
  for (;;) {
    const { signaledRunId } = await pullStop(client, stop);
    const latched = await readLatch(client, stopId(stop.site));
    if (latched) return latched;
    const refused = await refusal(client, stop, signaledRunId);
    if (refused) return refused;
    // It has gone with a release that was under way in this very moment.
  }
}

/** Why this latch was not let hold; undefined where it holds, or was released. */
async function refusal(client: Client, { site }: EmergencyStop, execution: string): Promise<RefusedStop | undefined> {
  const latch = client.workflow.getHandle(stopId(site), execution);
  if ((await latch.describe()).status.name !== 'COMPLETED') return undefined;
  const end = (await latch.result()) as Resumed | RefusedStop;
  return 'forbidden' in end ? end : undefined;
}

function sayRefused({ forbidden }: RefusedStop, out: Output): number {
  out.event('refused', { why: forbidden });
  out.line(
    `${out.style('yellow', 'refused')}: ${forbidden}. Nothing is stopped by this; \`squall abort\` ends one run`,
  );
  return EXIT.refused;
}

/** Returns once nobody that is concerned is open, or all who are cannot confirm a revert. */
async function untilClosed(client: Client, stop: EmergencyStop, execution: string, out: Output): Promise<number> {
  let before = -1;
  let sinceMs = performance.now();
  for (let none = 0; none < LOOKS; await sleep(POLL_MS)) {
    const refused = await refusal(client, stop, execution);
    if (refused) return sayRefused(refused, out);
    const open = await openOf(client, stop);
    none = open.length === 0 ? none + 1 : 0;
    if (open.length !== before) {
      before = open.length;
      sinceMs = performance.now();
      out.event('open', { workflows: open.length });
      if (open.length > 0) out.line(`runs and leases still open: ${open.length}`);
    } else if (open.length > 0 && performance.now() - sinceMs > STALLED_MS) {
      sinceMs = performance.now();
      if (await stuck(client, open, out)) return EXIT.stuck;
    }
  }
  out.event('clean', {});
  out.line(`${out.style(['bold', 'green'], 'clean')}: every run has rolled back`);
  return EXIT.held;
}

async function openOf(client: Client, stop: EmergencyStop): Promise<string[]> {
  const open: string[] = [];
  for await (const { workflowId, memo } of client.workflow.list({ query: OPEN, pageSize: 1_000 })) {
    const site = memo?.['site'];
    // Of whom nothing is known is concerned.
    if (typeof site !== 'string' || concerns(stop, site)) open.push(workflowId);
  }
  return open;
}

/** Says what keeps those that are open; whether it is nothing but reverts that cannot be confirmed. */
async function stuck(client: Client, open: readonly string[], out: Output): Promise<boolean> {
  const runs = [...new Set(open.map((id) => id.split('/')[0] as string))];
  const asked = await Promise.all(
    runs.slice(0, ASKED_MAX).map(async (run) => {
      const ask = (): Promise<{ state: { phase: string } }> => client.workflow.getHandle(run).query(storyQuery, 1e9);
      const story = await client.withDeadline(Date.now() + ANSWER_MS, ask).catch(() => undefined);
      return { run, phase: story?.state.phase ?? 'no control worker answers for it' };
    }),
  );
  for (const { run, phase } of asked) {
    out.event('waiting', { run, for: phase });
    out.line(out.style('yellow', `${run}: ${phase}`));
  }
  if (asked.length < runs.length) out.line(`and ${runs.length - asked.length} more`);
  const all = asked.length === runs.length && asked.every(({ phase }) => phase === 'stuck');
  if (all) out.line('A revert cannot be confirmed, and is retried for ever. See "A run is stuck" in README.md.');
  else if (asked.some(({ phase }) => phase.includes('worker')))
    out.line('A fault that is on ends by itself when nobody renews it. The stop holds without a worker.');
  return all;
}
