/** `squall resume`: releases an emergency stop. */
import { WorkflowNotFoundError } from '@temporalio/client';
import { readLatch } from '../activities/admission/stop.ts';
import { stopId } from '../domain/emergency-stop.ts';
import { connectClient, Unreachable } from '../workers/connect.ts';
import { resumeSignal } from '../workflows/messages.ts';
import type { Resumed } from '../workflows/messages.ts';
import { UsageError } from './failure.ts';
import { output } from './output.ts';
import type { Common } from './verbs.ts';
import { whoami } from './who.ts';

/** How long a control worker may take to release the latch, in milliseconds. */
const RELEASE_MS = 15_000;

export async function main(_args: readonly string[], options: Common & Record<string, unknown>): Promise<number> {
  const site = options['site'] as string | undefined;
  const reason = options['reason'] as string;
  const what = site === undefined ? 'everything' : `site ${site}`;
  const client = await connectClient();
  const out = output(options.json === true);
  try {
    const latched = await readLatch(client, stopId(site));
    const handle = client.workflow.getHandle(stopId(site));
    const none = new UsageError(`${what} is not stopped; \`squall list\` shows what is`);
    if (!latched) throw none;
    await handle.signal(resumeSignal, { by: whoami(), reason }).catch((error: unknown) => {
      throw error instanceof WorkflowNotFoundError ? none : error;
    });
    const { audited } = await client
      .withDeadline(Date.now() + RELEASE_MS, () => handle.result() as Promise<Resumed>)
      .catch((cause: unknown) => {
        const words = `it was asked to resume, and no control worker has done so yet. ${what} stays stopped until one does`;
        throw new Unreachable(words, { cause });
      });
    out.event('resumed', { site: site ?? null, was: latched.reason, by: whoami(), reason, audited });
    out.line(`resumed: ${what}, which was stopped by ${latched.by}: ${latched.reason}`);
    if (!audited)
      out.line(out.style('yellow', 'the audit cannot be written; Temporal’s history has who resumed, and why'));
    return 0;
  } finally {
    await client.connection.close();
  }
}
