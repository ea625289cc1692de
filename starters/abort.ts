/** `squall abort`: ends a run early and, unless told not to, waits until it has rolled back. */
import { WorkflowNotFoundError } from '@temporalio/client';
import { connectClient } from '../workers/connect.ts';
import { abortSignal } from '../workflows/messages.ts';
import { UsageError } from './failure.ts';
import { finish, follow } from './follow.ts';
import { output } from './output.ts';
import { runNamed, theRun } from './the-run.ts';
import { configOf } from './verb-config.ts';
import type { Common } from './verbs.ts';
import { signer } from './who.ts';

interface Options extends Common {
  readonly reason: string;
  readonly mode: 'immediate' | 'graceful';
  readonly wait: boolean;
}

export async function main(args: readonly string[], given: Common & Record<string, unknown>): Promise<number> {
  const options = given as unknown as Options;
  const run = runNamed(args);
  const config = await configOf(options);
  const client = await connectClient({ queryClosed: true });
  const out = output(options.json === true);
  try {
    const { mode, reason } = options;
    const { handle } = await theRun(client, run);
    await handle.signal(abortSignal, { mode, reason, ...signer() }).catch((error: unknown) => {
      if (error instanceof WorkflowNotFoundError)
        throw new UsageError(`there is no open run ${run}; \`squall list\` shows those there are`);
      throw error;
    });
    out.event('aborting', { run, mode, reason });
    out.line(`aborting ${run} (${mode})`);
    if (!options.wait) return 0;
    const end = await follow(client, run, out);
    const code = await finish(end, config, out);
    // The abort did what was asked; the run's own verdict is printed above.
    return end.how === 'closed' ? 0 : code;
  } finally {
    await client.connection.close();
  }
}
