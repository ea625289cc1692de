/** `squall resume`: releases an emergency stop. */
import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowNotFoundError } from '@temporalio/client';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { readLatch } from '../activities/admission/stop.ts';
import { answeredText } from '../domain/identity.ts';
import { stopId } from '../domain/emergency-stop.ts';
import { connectClient, Unreachable } from '../workers/connect.ts';
import { refusedResumeQuery, resumeSignal } from '../workflows/messages.ts';
import type { RefusedResume, Resumed } from '../workflows/messages.ts';
import { EXIT } from './exit.ts';
import { UsageError } from './failure.ts';
import { output } from './output.ts';
import type { Common } from './verbs.ts';
import { prove } from './who.ts';

/** How long a control worker may take to release the latch, in milliseconds. */
const RELEASE_MS = 15_000;
/** The longest reason, in characters. */
const REASON_MAX = 1_000;
/** Time between two questions, and how long an answer may take, in milliseconds. */
const POLL_MS = 300;
const ANSWER_MS = 1_000;

export async function main(_args: readonly string[], options: Common & Record<string, unknown>): Promise<number> {
  const site = options['site'] as string | undefined;
  const reason = (options['reason'] as string).slice(0, REASON_MAX);
  const what = site === undefined ? 'everything' : `site ${site}`;
  const client = await connectClient();
  const out = output(options.json === true);
  try {
    const latched = await readLatch(client, stopId(site));
    const handle = client.workflow.getHandle(stopId(site));
    const none = new UsageError(`${what} is not stopped; \`squall list\` shows what is`);
    if (!latched) throw none;
    const signedFor = answeredText(reason, latched.execution);
    const { by, ...proof } = await prove({ act: 'resume', of: stopId(site), what: signedFor });
    const before = (await refusal(client, handle))?.times ?? 0;
    await handle.signal(resumeSignal, { by, reason, ...proof }).catch((error: unknown) => {
      throw error instanceof WorkflowNotFoundError ? none : error;
    });
    const released = await outcome(client, handle, before);
    if (released === undefined) {
      const words = `it was asked to resume, and no control worker has done so yet. ${what} stays stopped until one does`;
      throw new Unreachable(words);
    }
    if ('why' in released) {
      out.event('refused', { site: site ?? null, why: released.why });
      out.line(`${out.style('yellow', 'refused')}: ${released.why}. ${what} stays stopped`);
      return EXIT.refused;
    }
    const { audited } = released;
    out.event('resumed', { site: site ?? null, was: latched.reason, by, reason, audited });
    out.line(`resumed: ${what}, which was stopped by ${latched.by}: ${latched.reason}`);
    if (!audited)
      out.line(out.style('yellow', 'the audit cannot be written; Temporal’s history has who resumed, and why'));
    return 0;
  } finally {
    await client.connection.close();
  }
}

/** How the stop ended, or why it was not released; undefined where nobody has said either in time. */
async function outcome(
  client: Client,
  handle: WorkflowHandle,
  before: number,
): Promise<Resumed | RefusedResume | undefined> {
  const endsAtMs = performance.now() + RELEASE_MS;
  const over = client
    .withDeadline(Date.now() + RELEASE_MS, () => handle.result() as Promise<Resumed>)
    .catch(() => undefined);
  while (performance.now() < endsAtMs) {
    const released = await Promise.race([over, sleep(POLL_MS)]);
    if (released) return released;
    const refused = await refusal(client, handle);
    if (refused && refused.times > before) return refused;
  }
  return over;
}

/** The last release that was refused; undefined where none was, or nobody answers. */
async function refusal(client: Client, handle: WorkflowHandle): Promise<RefusedResume | undefined> {
  const ask = (): Promise<RefusedResume | null> => handle.query(refusedResumeQuery);
  const refused = await client.withDeadline(Date.now() + ANSWER_MS, ask).catch(() => null);
  return refused ?? undefined;
}
