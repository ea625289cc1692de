/**
 * How workflows reach activities: queues, timeouts and retries, in one place.
 *
 * Owns every activity option. Must never hold state: proxies are made for each call's site and size.
 */
import { ActivityCancellationType, proxyActivities } from '@temporalio/workflow';
import type { ActivityInterfaceFor } from '@temporalio/workflow';
import type { ControlActivities, NotifyActivities, SiteActivities } from '../activities/interface.ts';
import type { Experiment } from '../domain/experiment.ts';
import { CONTROL_HOLD_QUEUE, CONTROL_QUEUE, NOTIFY_QUEUE, siteQueues } from '../domain/queues.ts';
import {
  ADMISSION_MS,
  attemptMsOf,
  revertAttemptMsOf,
  MIN_HEALTHY_MS,
  preflightTimeoutMs,
  recoveryMs,
  revertPatienceMs,
} from '../domain/timing.ts';
import type { LeaseTiming } from '../domain/timing.ts';
import type { LeaseInput } from './messages.ts';

type Control<Name extends keyof ControlActivities> = Pick<ActivityInterfaceFor<ControlActivities>, Name>;
type Site<Name extends keyof SiteActivities> = Pick<ActivityInterfaceFor<SiteActivities>, Name>;

/** An activity that has not been heard of for this long is lost, in milliseconds; those that hold and watch have their own. */
const LOST_MS = 5_000;
/**
 * Who attends a run is missed after this time, in milliseconds. Where a run is seldom sampled nobody else beats more often;
 * a stop does not wait for it.
 */
const ATTENDED_MS = 30_000;

/**
 * A journal that was written once may be away for a while; one that never was is tried a few times, which takes three
 * seconds where it refuses. That nobody serves the queue for a while is no failure of the journal's.
 */
export function journal(known: boolean): Control<'record'> {
  return proxyActivities<ControlActivities>({
    taskQueue: CONTROL_QUEUE,
    startToCloseTimeout: 10_000,
    scheduleToCloseTimeout: 600_000,
    retry: { initialInterval: 200, maximumInterval: 10_000, ...(known ? {} : { maximumAttempts: 5 }) },
  });
}

/** Whether a run may begin or widen. Asked a few times; then nobody could be asked, which is a refusal. */
export function admission(): Control<'admit'> {
  return proxyActivities<ControlActivities>({
    taskQueue: CONTROL_QUEUE,
    startToCloseTimeout: 30_000,
    scheduleToCloseTimeout: ADMISSION_MS,
    heartbeatTimeout: LOST_MS,
    retry: { maximumAttempts: 3, initialInterval: 200 },
    cancellationType: ActivityCancellationType.TRY_CANCEL,
  });
}

/** For as long as a run holds; whoever attends it may come and go. Its heartbeats are the only thing that it costs. */
export function attending(): Control<'attend'> {
  return proxyActivities<ControlActivities>({
    taskQueue: CONTROL_HOLD_QUEUE,
    startToCloseTimeout: '30 days',
    heartbeatTimeout: ATTENDED_MS,
    retry: { initialInterval: 200, maximumInterval: 5_000 },
    cancellationType: ActivityCancellationType.TRY_CANCEL,
  });
}

/** In the budget's queue, for as long as the experiment waits. */
export function queueing(waitMs: number): Control<'queue'> {
  return proxyActivities<ControlActivities>({
    taskQueue: CONTROL_HOLD_QUEUE,
    startToCloseTimeout: waitMs + 60_000,
    scheduleToCloseTimeout: waitMs + 120_000,
    heartbeatTimeout: LOST_MS,
    retry: { initialInterval: 200, maximumInterval: 5_000 },
    cancellationType: ActivityCancellationType.TRY_CANCEL,
  });
}

/** What a budget looks at: until it is known, nobody is answered. */
export function budgeting(): Control<'endedOf' | 'awaitEnd' | 'heldAt'> {
  return proxyActivities<ControlActivities>({
    taskQueue: CONTROL_HOLD_QUEUE,
    startToCloseTimeout: '1 day',
    heartbeatTimeout: LOST_MS,
    retry: { initialInterval: 200, maximumInterval: 5_000 },
    cancellationType: ActivityCancellationType.TRY_CANCEL,
  });
}

/** Which experiment a tick runs, and whether it still is to: what cannot be told within half a minute is left to the next tick. */
export function choosing(): Control<'choose' | 'standing'> {
  return proxyActivities<ControlActivities>({
    taskQueue: CONTROL_QUEUE,
    startToCloseTimeout: 15_000,
    scheduleToCloseTimeout: 30_000,
    retry: { initialInterval: 200, maximumInterval: 5_000 },
  });
}

/** Whoever acknowledges waits for it. */
export function acknowledging(): Control<'acknowledge'> {
  return proxyActivities<ControlActivities>({
    taskQueue: CONTROL_QUEUE,
    startToCloseTimeout: 10_000,
    scheduleToCloseTimeout: 30_000,
    retry: { initialInterval: 200, maximumInterval: 5_000 },
  });
}

/** Who asks, and whether they may: of a control worker, which may be away for a while. */
export function authorising(): Control<'authorise'> {
  return proxyActivities<ControlActivities>({
    taskQueue: CONTROL_QUEUE,
    startToCloseTimeout: 5_000,
    scheduleToCloseTimeout: 60_000,
    retry: { initialInterval: 200, maximumInterval: 5_000 },
  });
}

/** The same of whoever releases a stop, for as long as it takes: nobody else can. */
export function authorisingResume(): Control<'authorise'> {
  return proxyActivities<ControlActivities>({
    taskQueue: CONTROL_QUEUE,
    startToCloseTimeout: 5_000,
    retry: { initialInterval: 200, maximumInterval: 5_000 },
  });
}

/** The audit of a stop is tried for as long as the stop is on. */
export function auditing(): Control<'audit'> {
  return proxyActivities<ControlActivities>({
    taskQueue: CONTROL_QUEUE,
    startToCloseTimeout: 10_000,
    retry: { initialInterval: 200, maximumInterval: 10_000 },
    cancellationType: ActivityCancellationType.ABANDON,
  });
}

/** The audit of its release is tried a few times: whoever resumes waits for it. */
export function auditingSoon(): Control<'audit'> {
  return proxyActivities<ControlActivities>({
    taskQueue: CONTROL_QUEUE,
    startToCloseTimeout: 3_000,
    scheduleToCloseTimeout: 5_000,
    retry: { maximumAttempts: 3, initialInterval: 200 },
    cancellationType: ActivityCancellationType.ABANDON,
  });
}

/**
 * Telling one destination: for a day, however often that fails. `hurried` gives up soon, so that the journal can say how an
 * abort was told.
 */
export function delivering(hurried: boolean): ActivityInterfaceFor<Pick<NotifyActivities, 'deliver'>> {
  return proxyActivities<NotifyActivities>({
    taskQueue: NOTIFY_QUEUE,
    startToCloseTimeout: 15_000,
    scheduleToCloseTimeout: hurried ? 30_000 : '24 hours',
    retry: { initialInterval: 1_000, maximumInterval: 60_000 },
  });
}

export function openness(): ActivityInterfaceFor<Pick<NotifyActivities, 'runIsOpen'>> {
  return proxyActivities<NotifyActivities>({ taskQueue: NOTIFY_QUEUE, startToCloseTimeout: 10_000 });
}

/** For as long as the stop is on: whoever runs it may come and go. */
export function enforcing(): Control<'enforceStop'> {
  return proxyActivities<ControlActivities>({
    taskQueue: CONTROL_HOLD_QUEUE,
    startToCloseTimeout: '365 days',
    heartbeatTimeout: LOST_MS,
    retry: { initialInterval: 200, maximumInterval: 1_000 },
    // Whoever hears that it was resumed may start a run at once, which nobody may tell to stop any more.
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  });
}

export function preflightAt(experiment: Experiment): Site<'preflight'> {
  return proxyActivities<SiteActivities>({
    taskQueue: siteQueues(experiment.targets.site).chaos,
    scheduleToStartTimeout: 15_000,
    startToCloseTimeout: preflightTimeoutMs(experiment),
    heartbeatTimeout: LOST_MS,
    retry: { maximumAttempts: 2 },
    cancellationType: ActivityCancellationType.TRY_CANCEL,
  });
}

/** A tick that nobody counts is over all the same. */
export function counting(): Control<'ticked'> {
  return proxyActivities<ControlActivities>({
    taskQueue: CONTROL_QUEUE,
    startToCloseTimeout: 5_000,
    scheduleToCloseTimeout: 30_000,
  });
}

/** Whose turn it is cannot be told without them: who does not answer has the tick left out. */
export function groupsAt(site: string): Site<'groups'> {
  return proxyActivities<SiteActivities>({
    taskQueue: siteQueues(site).chaos,
    scheduleToStartTimeout: 30_000,
    startToCloseTimeout: 60_000,
    heartbeatTimeout: LOST_MS,
    retry: { maximumAttempts: 3 },
    cancellationType: ActivityCancellationType.TRY_CANCEL,
  });
}

/** Who does not answer at once is done without: it only helps to choose. */
export function deploymentsAt(site: string): Site<'deployed'> {
  return proxyActivities<SiteActivities>({
    taskQueue: siteQueues(site).chaos,
    scheduleToStartTimeout: 5_000,
    startToCloseTimeout: 10_000,
    retry: { maximumAttempts: 1 },
    cancellationType: ActivityCancellationType.TRY_CANCEL,
  });
}

export function minHealthyAt(experiment: Experiment): Site<'minHealthy'> {
  return proxyActivities<SiteActivities>({
    taskQueue: siteQueues(experiment.targets.site).chaos,
    startToCloseTimeout: MIN_HEALTHY_MS / 3,
    scheduleToCloseTimeout: MIN_HEALTHY_MS,
    heartbeatTimeout: LOST_MS,
    retry: { maximumAttempts: 3, initialInterval: 200 },
    cancellationType: ActivityCancellationType.TRY_CANCEL,
  });
}

export function injectAt({ site, targets, timing }: LeaseInput): Site<'inject'> {
  const attemptMs = attemptMsOf(timing, targets.length);
  return proxyActivities<SiteActivities>({
    taskQueue: siteQueues(site).chaos,
    scheduleToStartTimeout: timing.blindBudgetMs,
    startToCloseTimeout: attemptMs,
    scheduleToCloseTimeout: timing.blindBudgetMs + 2 * attemptMs,
    heartbeatTimeout: LOST_MS,
    retry: { maximumAttempts: 3, initialInterval: 200 },
    // The attempt is waited for even when it is cancelled: it may have taken effect.
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  });
}

/** One attempt: the workflow restarts what is lost, and counts the time it saw nothing. */
export function holdAt(site: string, timing: LeaseTiming, blindMs: number): Site<'hold'> {
  return proxyActivities<SiteActivities>({
    taskQueue: siteQueues(site).hold,
    scheduleToStartTimeout: Math.max(1_000, timing.blindBudgetMs - blindMs),
    startToCloseTimeout: '30 days',
    heartbeatTimeout: timing.heartbeatTimeoutMs,
    retry: { maximumAttempts: 1 },
    cancellationType: ActivityCancellationType.TRY_CANCEL,
  });
}

export function watchAt(site: string, timing: LeaseTiming, blindMs: number): Site<'watch'> {
  return proxyActivities<SiteActivities>({
    taskQueue: siteQueues(site).hold,
    scheduleToStartTimeout: Math.max(1_000, timing.blindBudgetMs - blindMs),
    startToCloseTimeout: '30 days',
    heartbeatTimeout: timing.heartbeatTimeoutMs,
    retry: { maximumAttempts: 1 },
    // The samples taken so far come back with the answer to the cancellation.
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  });
}

export function recoverAt(experiment: Experiment, withinMs: number): Site<'recover'> {
  const provenMs = recoveryMs(experiment, withinMs) + 30_000;
  return proxyActivities<SiteActivities>({
    taskQueue: siteQueues(experiment.targets.site).hold,
    startToCloseTimeout: provenMs,
    scheduleToCloseTimeout: provenMs,
    heartbeatTimeout: LOST_MS,
    retry: { initialInterval: 500, maximumInterval: 2_000 },
    cancellationType: ActivityCancellationType.TRY_CANCEL,
  });
}

/** `patient`: for ever. Otherwise it gives up after {@link revertPatienceMs}, so that the run can be told. */
export function revertAt({ site, targets, timing }: LeaseInput, patient: boolean): Site<'revert'> {
  return proxyActivities<SiteActivities>({
    taskQueue: siteQueues(site).revert,
    startToCloseTimeout: revertAttemptMsOf(timing, targets.length),
    ...(patient ? {} : { scheduleToCloseTimeout: revertPatienceMs(timing, targets.length) }),
    heartbeatTimeout: LOST_MS,
    retry: { initialInterval: 250, backoffCoefficient: 2, maximumInterval: 5_000 },
  });
}

export function sweepAt(site: string): Site<'sweep'> {
  return proxyActivities<SiteActivities>({
    taskQueue: siteQueues(site).revert,
    scheduleToStartTimeout: 60_000,
    startToCloseTimeout: 120_000,
    heartbeatTimeout: LOST_MS,
    retry: { maximumAttempts: 3 },
  });
}
