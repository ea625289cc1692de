/** `squall status`: where a run is. */
import type { Story } from '../workflows/messages.ts';
import { connectClient } from '../workers/connect.ts';
import { UsageError } from './failure.ts';
import { output } from './output.ts';
import { eventLine } from './story-line.ts';
import type { Common } from './verbs.ts';

export async function main([run = '']: readonly string[], options: Common): Promise<number> {
  const client = await connectClient({ queryClosed: true });
  const out = output(options.json === true);
  try {
    const handle = client.workflow.getHandle(run);
    const described = await handle.describe().catch(() => {
      throw new UsageError(`there is no run ${run}; \`squall list\` shows those there are`);
    });
    const story = await handle.query<Story, [number]>('story', 0);
    const { phase, stage } = story.state;
    out.event('status', {
      run,
      open: described.status.name === 'RUNNING',
      phase,
      stage,
      abort: story.state.abort ?? null,
    });
    out.line(`${out.style('bold', run)}: ${described.status.name.toLowerCase()}, ${phase}`);
    for (const event of story.events) {
      const line = eventLine(event, out);
      if (line) out.line(line);
    }
    return 0;
  } finally {
    await client.connection.close();
  }
}
