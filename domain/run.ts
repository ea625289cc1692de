/**
 * A run's phases and its ending.
 *
 * Owns the only writer of phase, {@link transition}, and the two axes a run is judged by: `status` says whether the
 * machinery did its work, `deviated` whether the system held. Pure; the workflow appends events and obeys.
 */
import type { AbortMode } from './experiment.ts';

/** Where a run is. `awaiting-approval` touches nothing until somebody answers. `stuck` is rollback that a person must look at; it is left only by a verified revert. */
export type Phase =
  'pre-flight' | 'awaiting-approval' | 'injecting' | 'holding' | 'rolling-back' | 'stuck' | 'recovering' | 'closed';

/** Did the machinery work? `inconclusive`: ended early for want of sight, so nothing can be said of the system. */
export type Status = 'refused' | 'completed' | 'aborted' | 'inconclusive';

/** Why a run was ended early. */
export type AbortCause =
  | 'stop-condition'
  | 'no-data'
  | 'blind'
  | 'unstable'
  | 'person'
  | 'emergency-stop'
  | 'admission'
  | 'cancelled'
  | 'lease-lost'
  | 'fault-lapsed'
  | 'inject-failed'
  | 'skipped'
  | 'reset'
  | 'error';

/** An early ending: why, how, on what evidence, and who asked where somebody did. */
export interface Abort {
  readonly cause: AbortCause;
  readonly mode: AbortMode;
  readonly evidence: string;
  readonly by?: string;
  readonly from?: string;
}

/** What a run is, as far as its phase goes. */
export interface RunState {
  readonly phase: Phase;
  /** The stage being injected or held, from 0; -1 before the first. */
  readonly stage: number;
  readonly abort?: Abort;
  readonly refusal?: { readonly check: string; readonly found: string };
  /** How the steady state was left while the fault was on, in words; absent where it was not, or not yet looked at. */
  readonly left?: string;
  /** Whether the steady state returned; absent until that is known. */
  readonly recovered?: boolean;
}

/** What can happen to a run. */
export type RunEvent =
  | { readonly type: 'refused'; readonly check: string; readonly found: string }
  | { readonly type: 'awaits-approval' }
  | { readonly type: 'approved' }
  | { readonly type: 'stage-opens'; readonly stage: number }
  | { readonly type: 'stage-holds' }
  | { readonly type: 'abort'; readonly abort: Abort }
  | { readonly type: 'rolls-back' }
  | { readonly type: 'revert-stuck' }
  | { readonly type: 'reverted' }
  | { readonly type: 'steady-state-left'; readonly how: string }
  | { readonly type: 'recovery-over'; readonly recovered: boolean }
  | { readonly type: 'closes' };

/** A run before anything happened to it. */
export const NEW_RUN: RunState = { phase: 'pre-flight', stage: -1 };

/**
 * The run after `event`. An event that has no meaning in the present phase changes nothing, so a late or repeated
 * message is harmless. The first abort wins, except that an immediate one hurries a graceful one, and that what a stop
 * condition has found is never forgotten for it. After the last stage it is too late to choose the ending, and not too
 * late to find that nothing can be said.
 */
export function transition(run: RunState, event: RunEvent): RunState {
  switch (event.type) {
    case 'refused':
      return untouched(run) ? { ...run, refusal: { check: event.check, found: event.found } } : run;
    case 'awaits-approval':
      return run.phase === 'pre-flight' && !run.refusal && !run.abort ? { ...run, phase: 'awaiting-approval' } : run;
    case 'approved':
      return run.phase === 'awaiting-approval' ? { ...run, phase: 'pre-flight' } : run;
    case 'stage-opens':
      return canWiden(run) && event.stage > run.stage ? { ...run, phase: 'injecting', stage: event.stage } : run;
    case 'stage-holds':
      return run.phase === 'injecting' ? { ...run, phase: 'holding' } : run;
    case 'abort':
      return abortsAnew(run, event.abort) ? { ...run, abort: joined(run.abort, event.abort) } : run;
    case 'rolls-back':
      return run.phase === 'injecting' || run.phase === 'holding' ? { ...run, phase: 'rolling-back' } : run;
    case 'revert-stuck':
      return run.phase === 'rolling-back' ? { ...run, phase: 'stuck' } : run;
    case 'reverted':
      return run.phase === 'rolling-back' || run.phase === 'stuck' ? { ...run, phase: 'recovering' } : run;
    case 'steady-state-left':
      return run.phase === 'recovering' ? { ...run, left: event.how } : run;
    case 'recovery-over':
      return run.phase === 'recovering' ? { ...run, recovered: event.recovered } : run;
    case 'closes':
      return untouched(run) || run.phase === 'recovering' ? { ...run, phase: 'closed' } : run;
  }
}

function untouched({ phase }: RunState): boolean {
  return phase === 'pre-flight' || phase === 'awaiting-approval';
}

function canWiden(run: RunState): boolean {
  return (
    (run.phase === 'pre-flight' || run.phase === 'holding') && run.abort === undefined && run.refusal === undefined
  );
}

function abortsAnew(run: RunState, abort: Abort): boolean {
  const { phase, abort: present } = run;
  const early = untouched(run) || phase === 'injecting' || phase === 'holding';
  if (present === undefined) return early || (phase !== 'closed' && statusOf(abort) === 'inconclusive');
  // A graceful ending that is under way can be hurried, and found to deviate.
  if (present.mode !== 'graceful' || !(early || phase === 'rolling-back')) return false;
  return abort.mode !== 'graceful' || (deviates(abort) && !deviates(present));
}

/** The abort that decides: the mode is the later one's, the cause the first's unless only the later shows a deviation. */
function joined(present: Abort | undefined, abort: Abort): Abort {
  if (present === undefined || (deviates(abort) && !deviates(present))) return abort;
  return { ...present, mode: abort.mode };
}

function deviates({ cause }: Abort): boolean {
  return cause === 'stop-condition';
}

/** Somebody's decision, or that of a rule they made: the machinery did its work. */
const DECIDED: ReadonlySet<AbortCause> = new Set(['person', 'emergency-stop', 'admission', 'cancelled', 'skipped']);

function statusOf(abort: Abort): 'aborted' | 'inconclusive' {
  return deviates(abort) || DECIDED.has(abort.cause) ? 'aborted' : 'inconclusive';
}

/** How a run ended. */
export interface Verdict {
  readonly status: Status;
  /** True: the system did not hold. False: it held. Null: the run ended too early to say. */
  readonly deviated: boolean | null;
  /** One sentence. */
  readonly reason: string;
  /** The check or guard that refused; absent where none did. */
  readonly refusedBy?: string;
}

/** Judges a run that is over or about to close. */
export function verdict(run: RunState): Verdict {
  if (run.refusal) {
    const { check, found } = run.refusal;
    return { status: 'refused', deviated: null, reason: `${check}: ${found}`, refusedBy: check };
  }
  const failedToRecover = run.recovered === false;
  if (!run.abort) {
    if (failedToRecover) {
      return {
        status: 'completed',
        deviated: true,
        reason: 'the steady state did not return in time after the rollback',
      };
    }
    return run.recovered
      ? { status: 'completed', deviated: false, reason: heldReason(run) }
      : { status: 'inconclusive', deviated: null, reason: 'nobody looked whether the steady state returned' };
  }
  const { cause, evidence } = run.abort;
  // Nothing was touched yet.
  if ((cause === 'emergency-stop' || cause === 'admission') && run.stage === -1)
    return { status: 'refused', deviated: null, reason: `${cause}: ${evidence}`, refusedBy: cause };
  const status = statusOf(run.abort);
  const deviated = deviates(run.abort) || failedToRecover ? true : null;
  const reason = failedToRecover ? `${evidence}; and the steady state did not return in time` : evidence;
  return { status, deviated, reason };
}

/** The steady state is a promise for before and after; what must hold in between is a stop condition. But it is said. */
function heldReason({ left }: RunState): string {
  const held = 'the steady state held before and after the fault';
  return left === undefined ? held : `${held}; while it was on, ${left}`;
}
