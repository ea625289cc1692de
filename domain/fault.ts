/**
 * Faults: one kind of harm, done to one target.
 *
 * Owns the identity of a fault and the outcomes a driver may answer with. Identities are derived, never drawn, so the
 * same run asking twice asks for the same fault.
 */

/**
 * A target's identity: a string that means something only to its provider, and holds all it takes to find the target
 * again and to refuse an impostor (a pid with its start time, a pod's UID). At most 200 characters.
 */
export type TargetId = string;

/** One fault on one target, as a driver receives it. */
export interface Fault<Params> {
  /** Derived by {@link faultId}: the idempotency key, and with `installation` the mark on the target. */
  readonly id: string;
  /** The installation of Squall that owns the fault; two installations never revert each other's. */
  readonly installation: string;
  /** The run that asked for it. */
  readonly run: string;
  readonly target: TargetId;
  readonly params: Params;
  /** The fault ends by itself this long after its last renewal, in milliseconds on the target's monotonic clock. */
  readonly ttlMs: number;
  /** The fault ends by itself this long after its injection, however often it is renewed, in milliseconds. */
  readonly notAfterMs: number;
}

/** The identity of the fault that `lease` puts on `target`. */
export function faultId(lease: string, target: TargetId): string {
  return `${lease}/${target}`;
}

/** What undoing a fault of this kind means. */
export type Reversal =
  /** Squall undoes it. */
  | 'reverted'
  /** It heals by itself, and Squall verifies that it did. */
  | 'heals'
  /** Nothing brings the former state back; needs the policy's leave. */
  | 'irreversible';

/** What the target does when nobody speaks any more. */
export type Expiry =
  /** It ends the fault when renewal stops. */
  | 'renewed'
  /** It ends the fault at a time fixed at injection. */
  | 'fixed'
  /** Nothing: only the sweep ends it. */
  | 'none';

/** What the target does when nobody speaks any more, for people. */
export const EXPIRY_WORDS: Readonly<Record<Expiry, string>> = {
  renewed: 'the target ends it one time-to-live after its last renewal',
  fixed: 'the target ends it at a time that is fixed at injection',
  none: 'the target ends nothing by itself: what is held is ended by Squall, at the latest by the next sweep',
};

/** One answer about one fault. `detail` is for people. */
export interface Outcome<Result extends string> {
  readonly id: string;
  readonly result: Result;
  readonly detail?: string;
}

/**
 * `injected`: the fault is on, or was put on by an earlier attempt. `fenced`: already reverted, nothing was done.
 * `occupied`: another fault holds the target. `gone`: the target no longer exists. `lapsed`: this fault was on and ended
 * by itself; it is never put on again. `skipped`: nothing was done, since the target must not be harmed now and the experiment
 * says to leave it then; only of a fault that heals, as there is nothing to be renewed. `failed`: nothing was done, or it cannot be told.
 */
export type InjectResult = 'injected' | 'fenced' | 'occupied' | 'gone' | 'lapsed' | 'skipped' | 'failed';
/** `lapsed`: the fault is no longer on (or nobody on the target would end it); `gone`: its target no longer exists. */
export type RenewResult = 'renewed' | 'lapsed' | 'gone';
/** `reverted` and `absent` are both success; `failed` is tried again. */
export type RevertResult = 'reverted' | 'absent' | 'failed';
/** What re-reading the target says. Unknown means still active. */
export type Verification = 'active' | 'absent' | 'unknown';
