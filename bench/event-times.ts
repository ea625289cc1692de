/** When things happened, as Temporal wrote them into a history. */
import type { Client } from '@temporalio/client';
import type { temporal } from '@temporalio/proto';

export type Event = temporal.api.history.v1.IHistoryEvent;

export async function historyOf(client: Client, workflowId: string): Promise<readonly Event[]> {
  return (await client.workflow.getHandle(workflowId).fetchHistory()).events ?? [];
}

export function timeOf(event: Event | undefined): number {
  if (!event?.eventTime) throw new Error('an event is missing in a history');
  return Number(event.eventTime.seconds) * 1000 + (event.eventTime.nanos ?? 0) / 1e6;
}

/** When the first activity of a type was started, and when it was completed. */
export function activity(
  events: readonly Event[],
  type: string,
): { readonly startedMs: number; readonly completedMs: number } {
  const scheduled = events.find(
    ({ activityTaskScheduledEventAttributes: attributes }) => attributes?.activityType?.name === type,
  );
  const of = (id: Event['eventId']): boolean => id != null && Number(id) === Number(scheduled?.eventId);
  return {
    startedMs: timeOf(events.find((event) => of(event.activityTaskStartedEventAttributes?.scheduledEventId))),
    completedMs: timeOf(events.find((event) => of(event.activityTaskCompletedEventAttributes?.scheduledEventId))),
  };
}
