/**
 * The run's side of its leases: opening, hearing of, releasing, and replacing a lost one.
 *
 * Owns which leases are open and which faults are still wanted. A lease that is lost (terminated, or silent after it was
 * asked to end) is followed by one in revert-only mode for the same faults. Must never inject or revert itself.
 */
import {
  ChildWorkflowCancellationType,
  condition,
  getExternalWorkflowHandle,
  ParentClosePolicy,
  patched,
  sleep,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { CONTROL_QUEUE } from '../domain/queues.ts';
import { revertPatienceMs } from '../domain/timing.ts';
import { why } from './blindness.ts';
import { lease as leaseWorkflow } from './lease.ts';
import { releaseSignal } from './messages.ts';
import type { LeaseInput, LeaseNews, LeaseResult } from './messages.ts';

/** A released lease that has said nothing for this much longer than its revert may fail is treated as lost, in milliseconds. */
const SILENCE_MS = 60_000;

/** One lease as its run sees it. */
export interface OpenLease {
  readonly input: LeaseInput;
  released: boolean;
  held?: { readonly injected: number; readonly problems: readonly string[]; readonly how?: readonly string[] };
  /** Set when the lease is over: its result, or `lost` and why. */
  ended?: { readonly result: LeaseResult } | { readonly lost: string };
  stuck?: string;
}

/** What the run is told about its leases. */
export interface LeaseEvents {
  /** The lease ended, or was lost, although the run had not released it. */
  endedEarly(lease: OpenLease): void;
  stuck(lease: OpenLease): void;
  reverted(lease: OpenLease, by: 'lease' | 'revert-only', tookMs: number): void;
  /** A lease of this name is already open: this run was reset. */
  foreign(lease: string): void;
}

export class Leases {
  readonly #open: OpenLease[] = [];
  readonly #tell: LeaseEvents;

  constructor(tell: LeaseEvents) {
    this.#tell = tell;
  }

  /** The answer to every renewal: whether this lease's faults are still wanted. */
  wanted(lease: string): boolean {
    return this.#open.some((open) => open.input.lease === lease && !open.released && open.ended === undefined);
  }

  /** Leases whose revert is not yet verified, the latest first. */
  unreverted(): OpenLease[] {
    return this.#open.toReversed();
  }

  /** Opens a lease; resolves as soon as it exists. It is held when {@link OpenLease.held} is set. */
  async open(input: LeaseInput): Promise<OpenLease> {
    const open: OpenLease = { input, released: false };
    this.#open.push(open);
    await this.#start(open, input.lease, input);
    // A release that came before there was a lease to hear it was lost.
    if (open.released && !open.ended && patched('release-is-said-again'))
      this.#tellRelease(open, 'the run is aborting');
    return open;
  }

  /** Hears a lease's own words, which reach the run by its workflow id. */
  hear(news: LeaseNews): void {
    const open = this.#open.find((candidate) => candidate.input.lease === news.lease);
    if (open === undefined) return;
    if (news.news === 'held') {
      const { injected, problems, how } = news;
      open.held ??= { injected, problems, ...(how === undefined ? {} : { how }) };
    }
    if (news.news === 'ended' && (wasReset() || !patched('ends-are-of-the-child')))
      this.#end(open, { result: news.result });
    if (news.news === 'stuck' && open.stuck === undefined) {
      open.stuck = news.why;
      this.#tell.stuck(open);
    }
  }

  /**
   * Takes back the wish for this lease's faults: from here on no renewal is granted. With `lastLook` the lease first looks
   * whether they are still on.
   */
  release(open: OpenLease, reason: string, lastLook = false): void {
    if (open.released) return;
    open.released = true;
    if (!open.ended) this.#tellRelease(open, reason, lastLook);
  }

  #tellRelease({ input }: OpenLease, reason: string, lastLook = false): void {
    getExternalWorkflowHandle(input.lease)
      .signal(releaseSignal, reason, lastLook)
      .catch(() => undefined);
  }

  /** Resolves once the faults of a released lease are verified absent, by it or by its successors. */
  async reverted(open: OpenLease): Promise<void> {
    const releasedAtMs = Date.now();
    const silenceMs = SILENCE_MS + revertPatienceMs(open.input.timing, open.input.targets.length);
    const spoke = (): boolean => open.ended !== undefined || open.stuck !== undefined;
    if (!(await condition(spoke, silenceMs, { summary: 'waiting for the lease' })))
      this.#end(open, { lost: `the lease said nothing for ${silenceMs / 1000} s` });
    await condition(() => open.ended !== undefined);
    const ended = open.ended;
    if (ended && 'result' in ended) {
      this.#tell.reverted(open, 'lease', ended.result.tookMs);
    } else {
      await this.#revertOnly(open);
      this.#tell.reverted(open, 'revert-only', Date.now() - releasedAtMs);
    }
    this.#open.splice(this.#open.indexOf(open), 1);
  }

  /** Opens revert-only leases until one of them has verified the absence. */
  async #revertOnly(lost: OpenLease): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const successor: OpenLease = { input: { ...lost.input, mode: 'revert-only' }, released: true };
      await this.#start(successor, `${lost.input.lease}/revert-${attempt}`, successor.input);
      await condition(() => successor.ended !== undefined);
      if (successor.ended && 'result' in successor.ended) return;
      await sleep(Math.min(60_000, attempt * 1_000), { summary: 'before opening the next revert-only lease' });
    }
  }

  async #start(open: OpenLease, workflowId: string, input: LeaseInput): Promise<void> {
    try {
      const child = await startChild(leaseWorkflow, {
        workflowId,
        args: [input],
        taskQueue: CONTROL_QUEUE,
        parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
        cancellationType: ChildWorkflowCancellationType.ABANDON,
        workflowTaskTimeout: '2s',
        memo: { site: input.site },
        staticSummary: `${input.mode === 'hold' ? 'hold' : 'revert'} ${input.kind} on ${input.targets.length} targets at ${input.site}`,
      });
      child.result().then(
        (result) => this.#end(open, { result }),
        (failure: unknown) => this.#end(open, { lost: why(failure) }),
      );
    } catch (failure) {
      if (failure instanceof WorkflowExecutionAlreadyStartedError) {
        this.#tell.foreign(workflowId);
        await getExternalWorkflowHandle(workflowId)
          .cancel()
          .catch(() => undefined);
      }
      this.#end(open, { lost: why(failure) });
    }
  }

  #end(open: OpenLease, ended: NonNullable<OpenLease['ended']>): void {
    if (open.ended) return;
    open.ended = ended;
    if (!open.released) this.#tell.endedEarly(open);
  }
}

/** Why a run is aborted whose lease has ended by itself. */
export const CAUSE = {
  stopped: 'emergency-stop',
  released: 'lease-lost',
  cancelled: 'lease-lost',
  unwanted: 'lease-lost',
  'revert-only': 'lease-lost',
  'inject-failed': 'inject-failed',
  lapsed: 'fault-lapsed',
  unanswered: 'blind',
  blind: 'blind',
} as const;

/** Only then is a lease's own word its end: otherwise the server tells of it, whom nobody can imitate. */
function wasReset(): boolean {
  const { runId, firstExecutionRunId } = workflowInfo();
  return runId !== firstExecutionRunId;
}
