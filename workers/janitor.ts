/**
 * The janitor's Schedule: Temporal asks a site for a sweep every few minutes.
 *
 * Owns the Schedule of each site. It is a second asker: the site worker sweeps on its own timer without it. What it adds
 * is a sweep that people see in the Temporal UI, and can trigger there. Where it may not be made, Squall works without.
 */
import { ScheduleAlreadyRunning, ScheduleOverlapPolicy } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { CONTROL_QUEUE } from '../domain/queues.ts';
import type { janitor } from '../workflows/janitor.ts';

/** Makes sure that the site's janitor is scheduled; a Schedule that somebody paused or changed stays as it is. */
export async function scheduleJanitor(client: Client, site: string, log: (line: string) => void): Promise<void> {
  try {
    await client.schedule.create<typeof janitor>({
      scheduleId: `janitor-${site}`,
      spec: { intervals: [{ every: '5m' }] },
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1m' },
      action: {
        type: 'startWorkflow',
        workflowType: 'janitor',
        workflowId: `janitor-${site}`,
        taskQueue: CONTROL_QUEUE,
        args: [site],
      },
    });
  } catch (error) {
    if (error instanceof ScheduleAlreadyRunning) return;
    const what = error instanceof Error ? error.message : String(error);
    log(`no Schedule sweeps ${site} (${what}); the site worker sweeps by itself all the same`);
  }
}
