/**
 * The lease: one fault on one stage's targets, from before the first touch until its absence is verified.
 *
 * Owns inject, hold, revert and nothing else, so that it outlives whatever happens to its run: it reverts when it is
 * released, when it is cancelled (which the server does when its run closes in any way), and when the hold finds that
 * the run no longer answers. Must never end before the revert is verified, and never inject twice.
 */
import {
  CancellationScope,
  condition,
  getExternalWorkflowHandle,
  setCurrentDetails,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { Owner, RevertReport } from '../activities/interface.ts';
import { concerns, describeStop } from '../domain/emergency-stop.ts';
import { Blindness, why } from './blindness.ts';
import { stopHeard, text } from './heard.ts';
import { leaseNewsSignal, releaseSignal, stopSignal } from './messages.ts';
import type { LeaseEnding, LeaseInput, LeaseNews, LeaseResult } from './messages.ts';
import { holdAt, injectAt, revertAt } from './proxies.ts';

interface Ending {
  readonly endedBy: LeaseEnding;
  readonly why: string;
  /** Who wished it, where a person did. */
  readonly by?: string;
  readonly lastLook?: boolean;
  /** Who was left alone, by their places among the targets. */
  readonly spared?: readonly number[];
}

/** Why a lease must end now; set once, by whoever is first. */
interface Wish {
  ending?: Ending;
}

export async function lease(input: LeaseInput): Promise<LeaseResult> {
  const wish: Wish = {};
  setHandler(releaseSignal, (reason, lastLook) => {
    wish.ending ??= {
      endedBy: 'released',
      why: text(reason, 'no reason was given'),
      ...(lastLook === true ? { lastLook } : {}),
    };
  });
  setHandler(stopSignal, (heard) => {
    const stop = stopHeard(heard);
    if (concerns(stop, input.site)) wish.ending ??= { endedBy: 'stopped', why: describeStop(stop), by: stop.by };
  });
  CancellationScope.current().cancelRequested.catch(() => {
    wish.ending ??= { endedBy: 'cancelled', why: 'the lease was cancelled, or its run closed' };
  });
  // Nothing below is cancelled by the server's cancel: the lease hears it as a wish, and ends in its own order.
  return CancellationScope.nonCancellable(() => live(input, wish));
}

async function live(input: LeaseInput, wish: Wish): Promise<LeaseResult> {
  const parent = workflowInfo().parent;
  const owner: Owner | null = parent ? { workflowId: parent.workflowId, runId: parent.runId } : null;
  const {
    lastLook = false,
    spared,
    ...ending
  }: Ending = input.mode === 'revert-only' || owner === null
    ? { endedBy: 'revert-only' as const, why: 'another lease on these faults was lost' }
    : await injectAndHold(input, owner, wish);
  const endedAtMs = Date.now();
  setCurrentDetails(`**reverting** ${input.kind} on ${input.targets.length} targets: ${ending.why}`);
  const { ownerOpen, lapsed } = await revertUntilAbsent(withSpared(input, spared), owner, lastLook);
  const tookMs = Date.now() - endedAtMs;
  const seen = lapsed === undefined ? {} : { lapsed };
  const result = { lease: input.lease, ...ending, targets: input.targets.length, tookMs, ...seen };
  setCurrentDetails(`**ended**: ${ending.why}; absence verified on ${input.targets.length} targets`);
  // A run that was reset does not get this child's result; it hears of the end by its workflow id.
  if (ownerOpen !== true) await tell(input.run, { news: 'ended', lease: input.lease, result });
  return result;
}

/** Injects, holds, and returns why it stopped. On return no new change can be made except by a late inject, which revert fences. */
async function injectAndHold(input: LeaseInput, owner: Owner, wish: Wish): Promise<Ending> {
  if (wish.ending) return wish.ending;
  // What was allowed, or approved, before a reset is allowed to nobody after it.
  if (input.admitted !== undefined && input.admitted !== owner.runId)
    return { endedBy: 'unwanted', why: 'the run was admitted before it was reset; start it anew' };
  setCurrentDetails(`**injecting** ${input.kind} into ${input.targets.length} targets`);
  const injecting = injectAt(input).inject.executeWithOptions(
    { summary: `inject ${input.kind} into ${input.targets.length} targets` },
    [input],
  );
  const outcome = injecting.then(
    (report) => ({ report }),
    (error: unknown) => ({ error }),
  );
  await Promise.race([outcome, condition(() => wish.ending !== undefined)]);
  if (wish.ending) {
    // Inject may have happened: undo at once, let the attempt end, and undo again (the caller does).
    await revertAt(input, false)
      .revert(input, null)
      .catch(() => undefined);
    await outcome;
    return wish.ending;
  }
  const injected = await outcome;
  if ('error' in injected) return { endedBy: 'inject-failed', why: why(injected.error) };
  const { report } = injected;
  if (report.failed.length > 0) return { endedBy: 'inject-failed', why: report.failed.join('; ') };
  const { skipped } = report;
  if (report.injected === 0 && skipped === undefined) return { endedBy: 'inject-failed', why: 'every target is gone' };
  const problems = [
    ...(report.gone === 0 ? [] : [`${report.gone} targets are gone`]),
    ...(skipped === undefined ? [] : [`${skipped.count} targets were skipped, among them ${skipped.first}`]),
  ];
  const how = report.how === undefined ? {} : { how: report.how };
  await tell(input.run, { news: 'held', lease: input.lease, injected: report.injected, problems, ...how });
  const { spared } = report;
  return { ...(await hold(withSpared(input, spared), owner, wish)), ...(spared === undefined ? {} : { spared }) };
}

function withSpared(input: LeaseInput, spared: readonly number[] | undefined): LeaseInput {
  return spared === undefined ? input : { ...input, spared };
}

/** Keeps the hold activity running until the fault is to end; restarts it within the blind budget. */
async function hold(input: LeaseInput, owner: Owner, wish: Wish): Promise<Ending> {
  const blindness = new Blindness(input.timing);
  setCurrentDetails(
    `**holding** ${input.kind} on ${input.targets.length} targets, time-to-live ${input.timing.ttlMs} ms`,
  );
  while (wish.ending === undefined) {
    const fromMs = Date.now();
    const ending = await holdOnce(input, owner, wish, blindness);
    if (ending !== 'lost') return ending;
    await sleep(Math.max(0, Math.min(250, fromMs + 250 - Date.now())), { summary: 'before holding again' });
  }
  return wish.ending;
}

async function holdOnce(input: LeaseInput, owner: Owner, wish: Wish, blindness: Blindness): Promise<Ending | 'lost'> {
  const fromMs = Date.now();
  const scope = new CancellationScope();
  try {
    const holding = scope.run(() =>
      holdAt(input.site, input.timing, blindness.spentMs).hold.executeWithOptions(
        { summary: `hold ${input.kind} on ${input.targets.length} targets` },
        [input, owner],
      ),
    );
    const report = await Promise.race([holding, condition(() => wish.ending !== undefined)]);
    if (report) return { endedBy: report.ended, why: report.why };
    scope.cancel();
    await holding.catch(() => undefined);
    return wish.ending as Ending;
  } catch (failure) {
    if (wish.ending) return wish.ending;
    if (!blindness.lost(fromMs, Date.now(), failure)) return 'lost';
    return { endedBy: 'blind', why: `the fault could not be renewed: ${why(failure)}` };
  }
}

/** Returns once every fault is verified absent; says so to the run when that takes long. */
async function revertUntilAbsent(input: LeaseInput, owner: Owner | null, lastLook: boolean): Promise<RevertReport> {
  const summary = `revert ${input.kind} on ${input.targets.length} targets and verify`;
  try {
    const revert = revertAt(input, false).revert;
    return await revert.executeWithOptions({ summary }, [input, owner, lastLook]);
  } catch (failure) {
    setCurrentDetails(`**STUCK**: ${why(failure)}. Reverting is retried for ever; see the runbook.`);
    await tell(input.run, { news: 'stuck', lease: input.lease, why: why(failure) });
    const revert = revertAt(input, true).revert;
    return await revert.executeWithOptions({ summary: `${summary}, retried for ever` }, [input, owner]);
  }
}

/** Tells the run by workflow id; a run that is gone needs no telling. */
async function tell(run: string, news: LeaseNews): Promise<void> {
  await getExternalWorkflowHandle(run)
    .signal(leaseNewsSignal, news)
    .catch(() => undefined);
}
