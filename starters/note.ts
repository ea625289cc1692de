/** `squall note`: a timed remark in a run's journal. */
import { WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import { connectClient } from '../workers/connect.ts';
import { noteUpdate } from '../workflows/messages.ts';
import { UsageError } from './failure.ts';
import { output } from './output.ts';
import type { Common } from './verbs.ts';
import { signer } from './who.ts';

/** How long a run may take to write it down, in milliseconds. */
const ANSWER_MS = 15_000;

export async function main([run = '', ...words]: readonly string[], options: Common): Promise<number> {
  const text = words.join(' ');
  if (run === '') throw new UsageError('found no run, expected the name of one; `squall list` shows those there are');
  const client = await connectClient();
  const out = output(options.json === true);
  try {
    const handle = client.workflow.getHandle(run);
    await client
      .withDeadline(Date.now() + ANSWER_MS, () => handle.executeUpdate(noteUpdate, { args: [{ ...signer(), text }] }))
      .catch((error: unknown) => {
        if (error instanceof WorkflowUpdateFailedError) throw new UsageError(error.cause?.message ?? error.message);
        if (error instanceof WorkflowNotFoundError)
          throw new UsageError(`there is no open run ${run}; \`squall list\` shows those there are`);
        throw error;
      });
    out.event('noted', { run, text });
    out.line(`noted: ${run}`);
    return 0;
  } finally {
    await client.connection.close();
  }
}
