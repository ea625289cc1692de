/**
 * Handing over: from the journal's writing to the telling.
 *
 * Owns which notices are handed to whom, and to which workflow: one a run. All that were offered are handed over, not only
 * those that were new: an attempt may have died in between. Must never wait for a destination.
 */
import type { Client } from '@temporalio/client';
import type { JournalEvent } from '../../domain/journal.ts';
import { noticeEventOf, noticesOf } from '../../domain/notice.ts';
import { CONTROL_QUEUE } from '../../domain/queues.ts';
import { takersOf } from './destination.ts';
import type { Destinations } from './destination.ts';

/** How long Temporal may take, in milliseconds. */
const ANSWER_MS = 5_000;

/** Hands over what there is to tell of `events`; `journal` reads all that is known of their run. Throws where Temporal does. */
export async function handOver(
  client: Client,
  destinations: Destinations,
  run: string,
  events: readonly JournalEvent[],
  journal: () => Promise<readonly JournalEvent[]>,
): Promise<void> {
  const wanted = events.filter((event) => {
    const what = noticeEventOf(event);
    return what !== undefined && (what === 'closed' || takersOf(destinations, what).length > 0);
  });
  if (destinations.size === 0 || wanted.length === 0) return;
  const tellings = noticesOf(run, wanted, await journal()).map((notice) => ({
    notice,
    to: takersOf(destinations, notice.event),
  }));
  await client.connection.withDeadline(Date.now() + ANSWER_MS, () =>
    client.workflow.signalWithStart('notices', {
      workflowId: `notices/${run}`,
      taskQueue: CONTROL_QUEUE,
      args: [run],
      signal: 'tell',
      signalArgs: [tellings, takersOf(destinations, 'closed')],
      staticSummary: `tells people of ${run}`,
    }),
  );
}

/** What the journal says at once where an abort is to be told, and nobody is there to be. */
export function untold(destinations: Destinations, event: JournalEvent): readonly JournalEvent[] {
  if (event.type !== 'abort' || event.mode !== 'communicate' || takersOf(destinations, 'aborted').length > 0) return [];
  const { seq, atMs } = event;
  return [{ seq, atMs, type: 'told', delivered: false, why: 'no destination for aborts is configured' }];
}
