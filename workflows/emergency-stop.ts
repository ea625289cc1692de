/**
 * The emergency stop: being open is the latch.
 *
 * Owns the latch and nothing else: that the runs are told, and that it is audited, is activities' business, tried again
 * until the latch is released. Only `resume` releases it; a cancel, from wherever it comes, does not.
 */
import {
  CancellationScope,
  condition,
  patched,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { ActivityFailure, ApplicationFailure } from '@temporalio/common';
import { auditOfRefusedStop, auditOfResume, auditOfStop } from '../domain/audit-events.ts';
import type { Authority } from '../activities/admission/proof.ts';
import { answeredText, describeIdentity } from '../domain/identity.ts';
import { describeStop, stopOf } from '../domain/emergency-stop.ts';
import type { EmergencyStop } from '../domain/emergency-stop.ts';
import { resumeHeard, stopHeard } from './heard.ts';
import { refusedResumeQuery, resumeSignal, stopSignal } from './messages.ts';
import type { RefusedResume, RefusedStop, Resume, Resumed } from './messages.ts';
import { auditing, auditingSoon, authorisingResume, enforcing } from './proxies.ts';

/** Stops by others that are remembered while the first may still turn out not to be let. */
const OTHERS_MAX = 100;
/** Wishes to resume that are judged in one stop; each costs history, and whoever asks so often is not let. */
const RESUMES_MAX = 500;

export async function emergencyStop(payload: EmergencyStop): Promise<Resumed | RefusedStop> {
  let stop = stopNamed(payload);
  /** When it was pulled, where whoever pulled it is still to be judged. */
  let pulledAtMs: number | undefined = workflowInfo().startTime.getTime();
  /** Who pulled it as well, and can prove who they are. */
  const others: { readonly stop: EmergencyStop; readonly pulledAtMs: number }[] = [];
  let asked: Resume[] = [];
  /** What was signed since the last stop, and what was before it, which is good no more. */
  let signed = new Set<string>();
  const spent = new Set<string>();
  let resumed: Resume | undefined;
  let refused: RefusedResume | null = null;
  setHandler(resumeSignal, (payload) => {
    const resume = resumeHeard(payload);
    if (resume.signature !== undefined) signed.add(signedOf(resume));
    asked.push(resume);
  });
  setHandler(refusedResumeQuery, () => refused);
  setHandler(stopSignal, (heard) => {
    if (!resumed && asked.length === 0) {
      const other = stopNamed(heard);
      const isNew = other.proof !== undefined && other.proof.signature !== stop.proof?.signature;
      if (isNew && others.length < OTHERS_MAX) others.push({ stop: other, pulledAtMs: Date.now() });
      return;
    }
    // Whoever stops after somebody asked to resume means it.
    stop = stopNamed(heard);
    pulledAtMs = undefined;
    for (const words of signed) spent.add(words);
    signed = new Set();
    asked = [];
    resumed = undefined;
  });
  return CancellationScope.nonCancellable(async () => {
    for (let times = 1; ; times++) {
      setCurrentDetails(
        `**${describeStop(stop)}.** No run is admitted; \`squall resume\` ends this, a cancel does not.`,
      );
      /** Whether another stop has taken the place of this one. */
      let over = false;
      const released = await latched({ stop, pulledAtMs, times }, async () => {
        for (;;) {
          await condition(() => asked.length > 0 || over);
          if (over) return new Promise(() => undefined);
          const wishes = asked;
          const resume = wishes[0] as Resume;
          const judged: number = refused?.times ?? 0;
          const isSpent = resume.signature !== undefined && spent.has(signedOf(resume)) && patched('spent-signatures');
          const { who, forbidden: why } = isSpent
            ? { forbidden: 'this was signed before it was stopped again; sign another reason' }
            : judged < RESUMES_MAX
              ? await authority(resume)
              : { forbidden: 'too many wishes to resume were refused' };
          // Taken back meanwhile by another stop.
          if (asked !== wishes || over) continue;
          asked.shift();
          if (who && why === undefined) return (resumed = { ...resume, by: describeIdentity(who) });
          refused = { times: judged + 1, why: why ?? '' };
        }
      });
      if (resumed) return released;
      if (!('forbidden' in released)) continue;
      // Whoever may stop must not be unheard because somebody who may not was faster.
      const other = others.shift();
      if (other === undefined) return released;
      ({ stop, pulledAtMs } = other);
      over = true;
    }
  });
}

/** What was heard, of what this workflow stops: its id says which, whatever somebody started or signalled it with. */
function stopNamed(payload: unknown): EmergencyStop {
  const { site, ...stop } = stopHeard(payload);
  return { ...stop, ...(stopOf(workflowInfo().workflowId) ?? (site === undefined ? {} : { site })) };
}

/** What a signature to resume is over, besides this stop. One signature can be written in many ways. */
function signedOf({ by, reason }: Resume): string {
  return JSON.stringify([by, reason]);
}

/** Who asks to release the stop, and why the policy does not let them. */
async function authority({ by, signature, reason }: Resume): Promise<Authority> {
  const claim = { by, ...(signature === undefined ? {} : { signature }) };
  const { workflowId, firstExecutionRunId } = workflowInfo();
  const signed = { act: 'resume', of: workflowId, what: answeredText(reason, firstExecutionRunId) } as const;
  return authorisingResume().authorise({ claim, signed, right: 'stop' });
}

/**
 * Holds the latch until `resumed`, or until the policy turns out not to let whoever pulled it. It is audited as this workflow's
 * stop number `times`. One that keeps a latch which is on, against a release, is not judged.
 */
async function latched(
  { stop, pulledAtMs, times }: { stop: EmergencyStop; pulledAtMs: number | undefined; times: number },
  resumed: () => Promise<Resume>,
): Promise<Resumed | RefusedStop> {
  const { workflowId, firstExecutionRunId } = workflowInfo();
  const args: [EmergencyStop, number?] = pulledAtMs === undefined ? [stop] : [stop, pulledAtMs];
  const latch = `${workflowId} ${firstExecutionRunId} ${times}`;
  const pulled = auditOfStop(latch, stop, Date.now());
  const scope = new CancellationScope();
  const told = scope.run(() =>
    enforcing().enforceStop.executeWithOptions({ summary: 'tell every open lease and run' }, args),
  );
  // It is told to go on for as long as the latch holds, so it ends by being cancelled.
  const forbidden = told.catch(forbiddenIn);
  const audited = scope.run(() => auditing().audit.executeWithOptions({ summary: 'audit the stop' }, [[pulled]]));
  audited.catch(() => undefined);
  const end = await Promise.race([resumed(), forbidden]);
  const released =
    'forbidden' in end
      ? auditOfRefusedStop(latch, stop.site, end.forbidden, Date.now())
      : auditOfResume(latch, stop.site, end, Date.now());
  scope.cancel();
  await told.catch(() => undefined);
  // Both, since the stop may not have been audited yet; what has been counts once.
  return auditingSoon()
    .audit.executeWithOptions({ summary: 'audit the stop and its end' }, [[pulled, released]])
    .then(
      () => ({ ...end, audited: true }),
      () => ({ ...end, audited: false }),
    );
}

/** Why the policy does not let the stop; never, where telling ended in another way. */
async function forbiddenIn(error: unknown): Promise<{ forbidden: string }> {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  if (cause instanceof ApplicationFailure && cause.type === 'Forbidden') return { forbidden: cause.message };
  return new Promise(() => undefined);
}
