/**
 * A lease's work at the site: inject, hold, revert.
 *
 * Owns the batching of one lease's faults over its driver. Each activity is whole in itself: revert needs nothing from
 * inject, and hold never creates. Must never decide what happens next.
 */
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { faultId } from '../domain/fault.ts';
import type { Fault, InjectResult, Outcome } from '../domain/fault.ts';
import { beating, currentAttempt, inChunks, inTime, throwIfInterrupted } from './attempt.ts';
import { notChosenAgain } from './chosen-again.ts';
import type { Attempt, FaultDriver } from './faults/driver.ts';
import type { FaultBatch, HoldReport, InjectReport, Owner, RevertReport } from './interface.ts';
import type { Owners } from './owner.ts';
import { pause } from './pause.ts';
import { reasonOf } from './probes/reading.ts';
import type { TargetProvider } from './targets/provider.ts';

/** What is left of an attempt to say that a driver has not answered, in milliseconds. */
const LAST_WORDS_MS = 1_000;
/** The share of a revert's attempt for which it waits for the last look at what it reverts. The time of an attempt grows with its targets. */
const LOOK_SHARE = 1 / 2;
/** Faults named in a report; the rest are counted. */
const NAMED_MAX = 10;
/** Ways of doing harm that are told apart, and the longest words for one. */
const WAYS_MAX = 5;
const WAY_MAX = 600;

/**
 * The faults of a batch, as its driver receives them. Undoing needs no parameters, so `params` may be anything then.
 * What is never renewed must not be swept while it is wanted: its time-to-live is all the time it has.
 */
function faultsOf(
  batch: FaultBatch,
  driver: FaultDriver<unknown>,
  installation: string,
  params: unknown,
): Fault<unknown>[] {
  const { run, lease, notAfterMs } = batch;
  const ttlMs = driver.renew === undefined ? notAfterMs : batch.timing.ttlMs;
  return batch.targets.map((target) => ({
    id: faultId(lease, target),
    installation,
    run,
    target,
    params,
    ttlMs,
    notAfterMs,
  }));
}

/** Those of a batch's faults that are to be on. Whoever was left alone is reverted all the same: an attempt that died may have put one on. */
function unspared({ spared }: FaultBatch, faults: readonly Fault<unknown>[]): readonly Fault<unknown>[] {
  const left = new Set(spared);
  return faults.filter((_, i) => !left.has(i));
}

/** Puts a lease's faults on, but for targets who would not be chosen any more. */
export async function inject(
  batch: FaultBatch,
  driver: FaultDriver<unknown>,
  installation: string,
  provider: TargetProvider<unknown> | undefined,
): Promise<InjectReport> {
  const attempt = currentAttempt();
  const all = faultsOf(batch, driver, installation, driver.params.parse(batch.params));
  const untilOver = <T>(work: Promise<T>): Promise<T> => inTime(attempt.remainingMs() - LAST_WORDS_MS, work);
  const { outcomes, spared } = await beating(async () => {
    const whyNot = await untilOver(notChosenAgain(batch, driver, provider, attempt.signal));
    const faults = all.filter(({ target }) => !whyNot.has(target));
    const done = await inChunks(faults, (chunk) => untilOver(driver.inject(chunk, attempt)));
    const left = all.flatMap(({ id, target }): Outcome<InjectResult>[] => {
      const detail = whyNot.get(target);
      return detail === undefined ? [] : [{ id, result: 'skipped', detail }];
    });
    return { outcomes: [...done, ...left], spared: all.flatMap(({ target }, i) => (whyNot.has(target) ? [i] : [])) };
  });
  const skipped = outcomes.filter(({ result }) => result === 'skipped');
  const bad = outcomes.filter(({ result }) => result !== 'injected' && result !== 'gone' && result !== 'skipped');
  // What a worker that shuts down has not begun is put on by the next attempt.
  if (bad.length > 0) throwIfInterrupted();
  const injected = outcomes.filter(({ result }) => result === 'injected');
  const how = waysOf(injected);
  return {
    injected: injected.length,
    ...(how.length === 0 ? {} : { how }),
    gone: outcomes.filter(({ result }) => result === 'gone').length,
    ...(skipped.length === 0 ? {} : { skipped: { count: skipped.length, first: named(skipped.slice(0, 1)).join() } }),
    ...(spared.length === 0 ? {} : { spared }),
    failed: named(bad),
  };
}

/** How it was done, with the number of targets where there are several ways: the target decides, and drivers say. */
function waysOf(injected: readonly Outcome<InjectResult>[]): string[] {
  const told = Map.groupBy(injected, ({ detail = '' }) => detail.slice(0, WAY_MAX));
  const ways = [...told].filter(([way]) => way !== '').toSorted(([, a], [, b]) => b.length - a.length);
  const words = ways
    .slice(0, WAYS_MAX)
    .map(([way, of]) => (of.length === injected.length ? way : `${of.length} ${way}`));
  return ways.length > WAYS_MAX ? [...words, `and ${ways.length - WAYS_MAX} more ways`] : words;
}

function named(outcomes: readonly Outcome<InjectResult>[]): string[] {
  const words = outcomes
    .slice(0, NAMED_MAX)
    .map(({ id, result, detail }) => `${id}: ${result}${detail ? ` (${detail})` : ''}`);
  return outcomes.length > NAMED_MAX ? [...words, `and ${outcomes.length - NAMED_MAX} more`] : words;
}

/**
 * Renews a lease's faults as long as the exact run that owns them says, each time anew, that it wants them.
 * Returns when it does not, when a fault has lapsed, or when nobody has answered for all but one renewal of the time-to-live.
 */
export async function hold(
  batch: FaultBatch,
  owner: Owner,
  driver: FaultDriver<unknown>,
  installation: string,
  owners: Owners,
): Promise<HoldReport> {
  const attempt = currentAttempt();
  const faults = unspared(batch, faultsOf(batch, driver, installation, driver.params.parse(batch.params)));
  const { ttlMs, renewEveryMs } = batch.timing;
  const renewing = async (): Promise<HoldReport> => {
    let renewedAtMs = performance.now();
    for (;;) {
      attempt.signal.throwIfAborted();
      const turnAtMs = performance.now();
      const answer = await owners.wants(owner, batch.lease);
      if (answer === 'no')
        return { ended: 'unwanted', why: 'the run that owns this fault is closed or no longer wants it' };
      if (answer === 'yes') {
        const lapsed = await inTime(2 * renewEveryMs, renew(faults, driver, attempt));
        if (lapsed) return { ended: 'lapsed', why: lapsed };
        renewedAtMs = turnAtMs;
      } else if (performance.now() - renewedAtMs > ttlMs - renewEveryMs) {
        return { ended: 'unanswered', why: 'the run has not answered whether it still wants the fault' };
      }
      await pause(renewEveryMs - (performance.now() - turnAtMs), attempt.signal);
    }
  };
  return beating(renewing);
}

/** Renews once; says which faults are no longer on. A target that is gone takes its fault with it; with most of them goes the lease. */
async function renew(
  faults: readonly Fault<unknown>[],
  driver: FaultDriver<unknown>,
  attempt: Attempt,
): Promise<string | undefined> {
  if (driver.renew === undefined) return undefined;
  const renewal = driver.renew.bind(driver);
  const outcomes = await inChunks(faults, (chunk) => renewal(chunk, attempt));
  const gone = outcomes.filter(({ result }) => result === 'gone').length;
  if (gone * 2 > faults.length) return `${gone} of ${faults.length} targets are gone, and their faults with them`;
  const lapsed = outcomes.filter(({ result }) => result === 'lapsed');
  const first = lapsed[0];
  if (first === undefined) return undefined;
  return `${lapsed.length} of ${faults.length} faults ended by themselves, among them ${first.id}${first.detail ? `: ${first.detail}` : ''}`;
}

/**
 * Takes a lease's faults off and verifies it by re-reading the targets. Fails, to be tried again, unless all are absent. With
 * `lastLook` it renews them once before, since a fault that ended after its last renewal is otherwise taken for one that was on.
 */
export async function revert(
  batch: FaultBatch,
  owner: Owner | null,
  driver: FaultDriver<unknown>,
  installation: string,
  owners: Owners,
  lastLook: boolean,
): Promise<RevertReport> {
  const attempt = currentAttempt();
  const faults = faultsOf(batch, driver, installation, batch.params);
  // Before anything else, so that the first heartbeat tells the next attempt, which finds what this one has reverted.
  const looking = (): Promise<Seen> => beating(() => look(batch, driver, installation, attempt));
  const seen = lastLook ? (earlierLook() ?? (await looking())) : {};
  const report = async (): Promise<RevertReport> => {
    const left = await revertAndVerify(faults, driver, attempt).catch((error: unknown) =>
      faults.map(({ target }) => `${target}: ${reasonOf(error)}`),
    );
    if (left.length > 0)
      throw ApplicationFailure.retryable(`not verified absent: ${left.slice(0, NAMED_MAX).join('; ')}`, 'Unreverted');
    return { targets: faults.length, ownerOpen: owner === null ? null : await owners.isOpen(owner), ...seen };
  };
  return beating(report, () => (lastLook ? seen : undefined));
}

/** What the last look at a lease's faults has found. */
type Seen = Pick<RevertReport, 'lapsed'>;

/** What an earlier attempt saw before it reverted anything; undefined where none did, or none was heard of. */
function earlierLook(): Seen | undefined {
  return Context.current().info.heartbeatDetails as Seen | undefined;
}

/** Whether the faults are on now. Must not keep a revert waiting for long. */
async function look(
  batch: FaultBatch,
  driver: FaultDriver<unknown>,
  installation: string,
  attempt: Attempt,
): Promise<Seen> {
  try {
    const faults = unspared(batch, faultsOf(batch, driver, installation, driver.params.parse(batch.params)));
    const lapsed = await inTime(
      attempt.remainingMs() * LOOK_SHARE,
      driver.renew ? renew(faults, driver, attempt) : ended(faults, driver, attempt),
    );
    return lapsed === undefined ? {} : { lapsed };
  } catch (error) {
    return { lapsed: `nobody can say whether the fault was on to the end: ${reasonOf(error)}` };
  }
}

/** Which faults are no longer on, of a driver that cannot renew them: the target is re-read. What heals is gone as it should be. */
async function ended(
  faults: readonly Fault<unknown>[],
  driver: FaultDriver<unknown>,
  attempt: Attempt,
): Promise<string | undefined> {
  if (driver.reversal !== 'reverted') return undefined;
  const states = await inChunks(faults, (chunk) => driver.verify(chunk, attempt));
  const gone = faults.filter((_, i) => states[i] !== 'active');
  const [first] = gone;
  return first && `${gone.length} of ${faults.length} faults ended by themselves, among them ${first.id}`;
}

/** Reverts and re-reads, within the attempt; returns what is not verified absent, in words. */
export async function revertAndVerify(
  faults: readonly Fault<unknown>[],
  driver: FaultDriver<unknown>,
  attempt: Attempt,
): Promise<string[]> {
  const outcomes = await inChunks(faults, (chunk) =>
    inTime(attempt.remainingMs() - LAST_WORDS_MS, driver.revert(chunk, attempt)),
  );
  const found = await inChunks(faults, (chunk) =>
    inTime(attempt.remainingMs() - LAST_WORDS_MS, driver.verify(chunk, attempt)),
  );
  return faults.flatMap((fault, i) => {
    const outcome = outcomes[i];
    if (found[i] === 'absent' && outcome?.result !== 'failed') return [];
    return [`${fault.id}: ${found[i] ?? 'unknown'}${outcome?.detail ? ` (${outcome.detail})` : ''}`];
  });
}
