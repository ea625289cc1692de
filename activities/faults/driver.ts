/**
 * The fault protocol: what every kind of fault must be able to do, and nothing about how.
 *
 * One file a fault implements {@link FaultDriver}; the conformance suite (`conformance.ts`) runs against every one of
 * them. A driver does and undoes; it must never decide what happens next, and never talk to Temporal.
 */
import type { z } from 'zod';
import type {
  Expiry,
  Fault,
  InjectResult,
  Outcome,
  RenewResult,
  Reversal,
  RevertResult,
  TargetId,
  Verification,
} from '../../domain/fault.ts';

/** The most faults a driver is handed in one call. */
export const CHUNK_MAX = 500;

/** The bounds of one attempt. A driver checks them before every change it makes, not only at the start. */
export interface Attempt {
  /** Aborted when the caller no longer waits. Work already begun may finish; nothing new may start. */
  readonly signal: AbortSignal;
  /** Milliseconds left before the attempt's deadline, on this machine's monotonic clock; zero or less means do nothing more. */
  remainingMs(): number;
}

/** Whether an attempt may begin nothing more. */
export function isOver(attempt: Attempt): boolean {
  return attempt.signal.aborted || attempt.remainingMs() <= 0;
}

/** Something a driver needs leave for on the target's side. */
export interface Permission {
  /** What is needed, for people: `signal processes of the same user`. */
  readonly needs: string;
  /** The same for the access control of a cluster; absent where it is no cluster's. */
  readonly rules?: readonly AccessRule[];
  /** The same for the access control of an AWS account; absent where it is no account's. */
  readonly actions?: readonly IamStatement[];
}

/** Verbs on resources of one API group of a cluster; a subresource is `pods/eviction`. */
export interface AccessRule {
  readonly group: string;
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

/** Actions of an AWS account, and what they may be done to. Those that write tags are narrowed to tags of ours, whoever asks. */
export interface IamStatement {
  /** Each by its full name: `ec2:StopInstances`. */
  readonly actions: readonly string[];
  /**
   * Kinds of resources, as in their ARNs, without region and account: `ec2:instance/*`, `rds:db:*`. Absent where IAM knows
   * none for these actions, as it does for looking.
   */
  readonly resources?: readonly string[];
  /**
   * Which of these resources. `targets`, the default: those that a user's tag may narrow. `ours`: only those that have the tag
   * `squall:own`. `new`: those that the call makes, which must have it from the beginning. `others`: any, whoever's they are.
   */
  readonly of?: 'targets' | 'ours' | 'new' | 'others';
  /** Whether these put the fault on and are needed for nothing else: a sweep goes without. Default: false. */
  readonly harms?: boolean;
  /** What else must be true of the call, as IAM has it: by operator, and key. */
  readonly condition?: IamCondition;
}

/** Values by operator and key: `{ StringEquals: { 'ec2:Attribute': 'GroupSet' } }`. */
export type IamCondition = Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;

/** What a fault found on a target, carrying our mark, and whether its time is over. */
export interface Leftover<Params> {
  readonly fault: Fault<Params>;
  /** True when the fault should have ended by now, judged on the target's own clock. */
  readonly expired: boolean;
}

/**
 * Where leftovers were not looked for, since this worker may not, nor do this fault there: it was never given leave, and has put
 * none on. Thrown after everything else was looked through.
 */
export class NoLeave extends Error {
  override readonly name = 'NoLeave';
}

/** One kind of fault on one provider. */
export interface FaultDriver<Params> {
  /** `<provider>/<fault>`; targets are resolved by the target provider of the same `<provider>`. */
  readonly kind: `${string}/${string}`;
  /** One sentence for `squall faults`. */
  readonly summary: string;
  /** Parses `with:`; also the JSON Schema and the reference page. Its output is plain JSON. */
  readonly params: z.ZodType<Params>;
  readonly reversal: Reversal;
  /** Whether nothing brings back what it does with these parameters, whatever `reversal` says. Default: not. */
  irreversible?(params: Params): boolean;
  readonly expiry: Expiry;
  /** How many renewals a second a run may ask for, where they cost more than a write each. Default: 200. */
  readonly renewalsPerSecond?: number;
  /** How much longer an attempt may take for each target of its run, in milliseconds, where that is more than a few requests take. Default: 20. */
  readonly targetMs?: number;
  /** How long a target may take, after its revert was asked for, until it is as it was, in milliseconds, where that is more than moments. */
  readonly revertMs?: number;
  readonly permissions: readonly Permission[];
  /** For `squall plan`: what undoes this fault, in one sentence. */
  readonly undo: string;
  /** What is missing here for this driver to work (tools, platform, leave), one sentence each; empty when nothing is. */
  check(params: Params): Promise<readonly string[]>;
  /** Which of these targets another fault holds now, and whose it is. */
  occupied(targets: readonly TargetId[]): Promise<ReadonlyMap<TargetId, string>>;
  /** Which of these targets the fault must not be put on, or cannot, and why: they are no candidates. Absent where all will do. */
  unfit?(targets: readonly TargetId[], params: Params): Promise<ReadonlyMap<TargetId, string>>;
  /** Whether it asks disruption budgets for leave whenever it acts, and does as it was told where they refuse. Absent where it asks none. */
  asksBudgets?(params: Params): boolean;
  /** Puts the faults on. Idempotent by fault id; writes the undo record first; one outcome a fault, in order. */
  inject(faults: readonly Fault<Params>[], attempt: Attempt): Promise<readonly Outcome<InjectResult>[]>;
  /**
   * Says that the faults are still wanted: moves the time at which they end, or may be swept, to `ttlMs` from now, never
   * past `notAfterMs`. Never creates. Absent where that time is fixed at injection; `ttlMs` is `notAfterMs` then.
   */
  renew?(faults: readonly Fault<Params>[], attempt: Attempt): Promise<readonly Outcome<RenewResult>[]>;
  /** Takes the faults off and fences them, so that a late inject does nothing. Needs nothing from inject's result. */
  revert(faults: readonly Fault<Params>[], attempt: Attempt): Promise<readonly Outcome<RevertResult>[]>;
  /** Re-reads the targets. One answer a fault, in order. */
  verify(faults: readonly Fault<Params>[], attempt: Attempt): Promise<readonly Verification[]>;
  /** Everything on this site that carries this installation's mark and is not known to be reverted. */
  leftovers(): AsyncIterable<Leftover<Params>>;
}

/** What a driver is built with: the site it serves. Every driver module exports a {@link DriverFactory} as `driver`. */
export interface Site {
  readonly name: string;
  readonly installation: string;
  /** A folder on this host, private to the user, that survives any process; shared by all of this user's site workers. */
  readonly stateDir: string;
  /** The site's `host:` section and the like, by provider, each parsed by its provider. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/** Builds a driver for a site. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a registry holds drivers of every parameter type
export type DriverFactory<Params = any> = (site: Site) => FaultDriver<Params>;
