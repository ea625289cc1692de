/** `squall watch`: follows a run somebody else started; Ctrl-C only ends the watching. */
import { connectClient } from '../workers/connect.ts';
import { UsageError } from './failure.ts';
import { finish, follow } from './follow.ts';
import { output } from './output.ts';
import { configOf } from './verb-config.ts';
import type { Common } from './verbs.ts';

export async function main([run = '']: readonly string[], options: Common): Promise<number> {
  const config = await configOf(options);
  const client = await connectClient({ queryClosed: true });
  const out = output(options.json === true);
  try {
    await client.workflow
      .getHandle(run)
      .describe()
      .catch(() => {
        throw new UsageError(`there is no run ${run}; \`squall list\` shows those there are`);
      });
    return await finish(await follow(client, run, out), config, out);
  } finally {
    await client.connection.close();
  }
}
