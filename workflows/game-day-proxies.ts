/**
 * How the workflow of a game day reaches its activities.
 *
 * Owns their options, as `proxies.ts` does of all others.
 */
import { ActivityCancellationType, proxyActivities } from '@temporalio/workflow';
import type { ActivityInterfaceFor } from '@temporalio/workflow';
import type { GameDayActivities, GameDaySiteActivities } from '../activities/game-day/interface.ts';
import { CONTROL_HOLD_QUEUE, CONTROL_QUEUE, siteQueues } from '../domain/queues.ts';

type Control<Name extends keyof GameDayActivities> = Pick<ActivityInterfaceFor<GameDayActivities>, Name>;

/** An activity that has not been heard of for this long is lost, in milliseconds. */
const LOST_MS = 5_000;
/** The same of who attends a day, who may miss some samples: they are kept for longer. */
const ATTENDED_MS = 10_000;

/** The record: as patient as a run's journal. */
export function keeping(known: boolean): Control<'keepDay'> {
  return proxyActivities<GameDayActivities>({
    taskQueue: CONTROL_QUEUE,
    startToCloseTimeout: 10_000,
    scheduleToCloseTimeout: 600_000,
    retry: { initialInterval: 200, maximumInterval: 10_000, ...(known ? {} : { maximumAttempts: 5 }) },
  });
}

/** For as long as the day lasts; whoever attends it may come and go. */
export function attendingDay(): Control<'attendDay'> {
  return proxyActivities<GameDayActivities>({
    taskQueue: CONTROL_HOLD_QUEUE,
    startToCloseTimeout: '60 days',
    heartbeatTimeout: ATTENDED_MS,
    retry: { initialInterval: 200, maximumInterval: 5_000 },
    cancellationType: ActivityCancellationType.TRY_CANCEL,
  });
}

/** For `waitMs` at most, and a little longer for whoever takes over. */
export function judging(waitMs: number): Control<'judgeDay'> {
  return proxyActivities<GameDayActivities>({
    taskQueue: CONTROL_HOLD_QUEUE,
    startToCloseTimeout: waitMs + 30_000,
    scheduleToCloseTimeout: waitMs + 60_000,
    heartbeatTimeout: LOST_MS,
    retry: { initialInterval: 200, maximumInterval: 5_000 },
    cancellationType: ActivityCancellationType.TRY_CANCEL,
  });
}

/** For as long as it takes them to roll back. */
export function endingRuns(): Control<'endRuns'> {
  return proxyActivities<GameDayActivities>({
    taskQueue: CONTROL_HOLD_QUEUE,
    startToCloseTimeout: '30 days',
    heartbeatTimeout: LOST_MS,
    retry: { initialInterval: 200, maximumInterval: 5_000 },
  });
}

/** `takesMs`: how long all the samples take. A site worker may be restarted meanwhile. */
export function readingAt(site: string, takesMs: number): ActivityInterfaceFor<GameDaySiteActivities> {
  return proxyActivities<GameDaySiteActivities>({
    taskQueue: siteQueues(site).chaos,
    startToCloseTimeout: takesMs + 15_000,
    scheduleToCloseTimeout: takesMs + 60_000,
    heartbeatTimeout: LOST_MS,
    retry: { maximumAttempts: 3, initialInterval: 500 },
    cancellationType: ActivityCancellationType.TRY_CANCEL,
  });
}
