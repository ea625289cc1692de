/**
 * What workflows may ask of the world, as types.
 *
 * Owns the signatures of every activity; `workflows/` sees nothing else of this folder. Arguments and results are plain
 * JSON and compact: they are written into history.
 */
import type { Admission, Approval, GuardAnswer } from '../domain/admission.ts';
import type { AuditRecord } from '../domain/audit.ts';
import type { Ask, ServiceAsk } from '../domain/ask.ts';
import type { EmergencyStop } from '../domain/emergency-stop.ts';
import type { Experiment, JsonObject } from '../domain/experiment.ts';
import type { Expiry, TargetId } from '../domain/fault.ts';
import type { Claim } from '../domain/identity.ts';
import type { CheckedReading, JournalEvent, PreflightCheck } from '../domain/journal.ts';
import type { PlannedStage } from '../domain/ladder.ts';
import type { Protection } from '../domain/policy.ts';
import type { Notice } from '../domain/notice.ts';
import type { Choice, Choosing } from '../domain/picking.ts';
import type { SeriesByProbe } from '../domain/probe.ts';
import type { Edge, ConditionsState } from '../domain/stop-conditions.ts';
import type { LeaseTiming } from '../domain/timing.ts';
import type { Asking, Authority } from './admission/proof.ts';
import type { GameDayActivities, GameDaySiteActivities } from './game-day/interface.ts';
import type { Grouping, Groups } from '../domain/grouping.ts';
import type { Ticked } from '../domain/program.ts';
import type { Named } from './deployments.ts';
import type { Acknowledged, Acknowledgement } from './picking.ts';
import type { Standing } from './standing.ts';

/** Served by the control worker, on the queue `control`. */
export interface ControlActivities extends GameDayActivities {
  /** Appends to the run's journal; events already there count once. `startedBy`: the proof of who started it, with its start. */
  record(run: string, events: readonly JournalEvent[], startedBy?: Claim): Promise<Recorded>;
  /** Appends to the audit what is no run's; records already there count once. */
  audit(records: readonly AuditRecord[]): Promise<void>;
  /** Whether a run may begin or widen: the answers of every guard, up to the first refusal. */
  admit(input: AdmitInput): Promise<Admission>;
  /** Waits until the budget grants a stage its targets, or refuses them. */
  queue(input: AdmitInput): Promise<GuardAnswer>;
  /** Which of these executions are over. */
  endedOf(executions: Executions): Promise<string[]>;
  /** Waits until one of those is over whom the asking budget names; nobody where nobody waits any more. */
  awaitEnd(): Promise<string[]>;
  /** What the open runs at a site were granted, by their own word. */
  heldAt(site: string): Promise<Ask[]>;
  /** Stays with a run that holds, until a guard refuses what it goes on with. Served by a queue of its own, as `enforceStop` is. */
  attend(input: AdmitInput): Promise<GuardAnswer>;
  /** Which experiment of a pool a tick runs, by what the journal has of earlier runs. */
  choose(choosing: Omit<Choosing, 'past'>): Promise<Choice>;
  /** How the schedule of a cadence stands, for a tick that has waited. */
  standing(program: string, cadence: string): Promise<Standing>;
  /** Counts what came of a tick. */
  ticked(tick: Ticked): Promise<void>;
  /** Writes into the journal of a run that deviated that somebody has looked into it. */
  acknowledge(acknowledgement: Acknowledgement): Promise<Acknowledged>;
  /** Who asks for something, and whether the policy lets them. */
  authorise(asking: Asking): Promise<Authority>;
  /**
   * Tells every open run to stop, until it is cancelled. Fails for good with `Forbidden` where the policy does not let
   * whoever pulled it at `pulledAtMs`, in milliseconds since the Unix epoch; absent: that was judged before.
   */
  enforceStop(stop: EmergencyStop, pulledAtMs?: number): Promise<never>;
}

/** Served by the control worker, on the queue `notify`. */
export interface NotifyActivities {
  /** Delivers one notice to one destination; returns what the next one needs to know. */
  deliver(input: DeliverInput): Promise<Readonly<Record<string, string | number>>>;
  runIsOpen(run: string): Promise<boolean>;
}

/** One notice for one destination; `kept`: what earlier deliveries to it returned. */
export interface DeliverInput {
  readonly to: string;
  readonly notice: Notice;
  readonly kept: Readonly<Record<string, string | number>>;
}

/** Executions, and the runs that they are of. */
export type Executions = readonly (readonly [execution: string, run: string])[];

/** What guards are asked about. */
export interface AdmitInput {
  readonly run: string;
  readonly experiment: Experiment;
  readonly documentHash: string;
  readonly startedBy: Claim;
  /** The execution that was started: another one than asks where the run was reset. Absent in what older versions ask. */
  readonly first?: string;
  /** Asked for a plan only, which nobody can start with. */
  readonly plans?: true;
  /** The stage that is to be opened; absent before pre-flight. */
  readonly stage?: number;
  /** The targets that it adds. */
  readonly services?: readonly ServiceAsk[];
  readonly approvals?: readonly Approval[];
  /** The hash of the policy that the run was admitted by; absent before pre-flight, and in 0.2. */
  readonly policy?: string;
}

/** What the control worker says of itself with every append. */
export interface Recorded {
  /** Whether Squall's search attributes are registered, so that the workflow may set them. */
  readonly searchAttributes: boolean;
}

/** Served by a site worker on three queues: this one, `…/hold` and `…/revert`. */
export interface SiteActivities extends GameDaySiteActivities {
  preflight(input: PreflightInput): Promise<PreflightResult>;
  /** Whether enough candidates are left for another stage, as many as `preconditions` ask for. */
  minHealthy(input: MinHealthyInput): Promise<GuardAnswer>;
  inject(batch: FaultBatch): Promise<InjectReport>;
  hold(batch: FaultBatch, owner: Owner): Promise<HoldReport>;
  /**
   * Reverts and verifies; throws unless every fault is verified absent. `lastLook`: first looks whether the faults are still
   * on, for a run that is to say what happened under them.
   */
  revert(batch: FaultBatch, owner: Owner | null, lastLook?: boolean): Promise<RevertReport>;
  watch(input: WatchInput): Promise<WatchReport>;
  recover(input: RecoverInput): Promise<RecoverReport>;
  /** When each of these was last deployed, in milliseconds since the Unix epoch; null where nobody can say. */
  deployed(named: readonly Named[]): Promise<readonly (number | null)[]>;
  /** The groups that targets fall into. */
  groups(named: Named, grouping: Grouping): Promise<Groups>;
  sweep(): Promise<SweepReport>;
}

/** The faults of one lease. */
export interface FaultBatch {
  readonly run: string;
  /** Names the faults: `<lease>/<target>` is a fault's id. The lease that first held them, in one that only reverts. */
  readonly lease: string;
  readonly kind: string;
  readonly params: JsonObject;
  readonly targets: readonly TargetId[];
  readonly timing: LeaseTiming;
  /** How the targets were chosen, where some time ago: who would not be chosen any more is left alone. Absent where they just were. */
  readonly again?: Again;
  /** Who was left alone, by their places in `targets`: nothing of ours need be on them. Absent before anything was. */
  readonly spared?: readonly number[];
  /** The target ends the fault this long after its injection, whoever renews it, in milliseconds on its own clock. */
  readonly notAfterMs: number;
}

/** How targets were chosen. */
export interface Again {
  readonly selector: JsonObject;
  readonly protect?: Protection;
}

/** The exact execution that owns a lease. */
export interface Owner {
  readonly workflowId: string;
  readonly runId: string;
}

/** What pre-flight is asked. `seed` decides the shuffle of the candidates. */
export interface PreflightInput {
  readonly experiment: Experiment;
  readonly seed: string;
  /** Whom the policy protects; absent in 0.2, which had none. */
  readonly protect?: Protection;
  /** The share of the candidates that the policy has every run leave alone. */
  readonly minHealthyShare?: number;
  /** The label by which targets belong to a service, for the budget. */
  readonly serviceLabel?: string;
  /** How long may be waited until no candidate is under another run's fault, in milliseconds; absent: not at all. */
  readonly waitMs?: number;
}

/** What is asked before a stage of an experiment that must leave some alone. */
export interface MinHealthyInput {
  readonly experiment: Experiment;
  /** How many there were before anything was touched: a share is of those. */
  readonly candidates: number;
  /** The targets of the run with this stage's, by their keys. */
  readonly reached: readonly string[];
  readonly protect?: Protection;
  /** The share that the policy has every run leave alone. */
  readonly minHealthyShare?: number;
}

/** What pre-flight found. `targets` is the prefix of the shuffled candidates that the ladder's top reaches. */
export interface PreflightResult {
  readonly checks: readonly PreflightCheck[];
  readonly candidates: number;
  readonly excluded: readonly { readonly reason: string; readonly count: number }[];
  readonly targets: readonly TargetId[];
  readonly stages: readonly PlannedStage[];
  readonly baseline: Readonly<Record<string, number>>;
  readonly readings: readonly CheckedReading[];
  readonly undo: string;
  readonly expiry: Expiry;
  readonly reversal: string;
  /** How many renewals a second its channel bears, where that is fewer than any other's. Absent before 0.4. */
  readonly renewalsPerSecond?: number;
  /** How much longer an attempt may take for each target, in milliseconds, where that is longer than any other's. Absent before 0.5. */
  readonly targetMs?: number;
  /** How long a target may take until it is as it was, in milliseconds, where that is more than moments. Absent before 0.5. */
  readonly revertMs?: number;
  readonly permissions: readonly string[];
  /** SHA-256 of the experiment, its seed, targets and stages, in hex: what people approve. Absent in 0.2. */
  readonly planHash?: string;
  /** Whose the targets are, for the budget. Absent in 0.2. */
  readonly services?: TargetServices;
}

/** Services by name, how many members each has among the candidates, and of each target whose it is, as an index. */
export interface TargetServices {
  readonly names: readonly string[];
  readonly members: readonly number[];
  readonly of: readonly number[];
}

/** `failed` lists up to ten faults that are not on, in words; targets that are gone, or were left as the experiment says, are no failures. */
export interface InjectReport {
  readonly injected: number;
  /** What drivers say of it, up to five ways, in words: by which means, or who stayed as they were. Absent before 0.4. */
  readonly how?: readonly string[];
  readonly gone: number;
  /** How many were left, and the first of them with the reason; absent where none was. */
  readonly skipped?: { readonly count: number; readonly first: string };
  /** Those of them who would not be chosen any more, by their places in the batch; absent where none was. */
  readonly spared?: readonly number[];
  readonly failed: readonly string[];
}

/**
 * Why a hold ended by itself. `unwanted`: the run is closed, or said no. `lapsed`: faults ended on the target, or most
 * targets went away. `unanswered`: the run has said nothing for all but one renewal of the time-to-live.
 */
export interface HoldReport {
  readonly ended: 'unwanted' | 'lapsed' | 'unanswered';
  readonly why: string;
}

/** A revert returns only when every fault is verified absent. */
export interface RevertReport {
  readonly targets: number;
  /** Whether the owner's exact execution was open when the revert was verified; null where nobody could say. */
  readonly ownerOpen: boolean | null;
  /** Why the faults were not, or may not have been, on to the end; absent where they were, or nobody asked. */
  readonly lapsed?: string;
}

/** What a watch is asked. Stop conditions are watched; the probes of the steady state are sampled beside them. */
export interface WatchInput {
  readonly experiment: Pick<Experiment, 'fault' | 'stopConditions' | 'steadyState' | 'sampleEveryMs'>;
  /** Probes that are sampled beside them, and watched for nothing. */
  readonly also?: readonly string[];
  /** How long samples are kept that go with heartbeats and the report, in milliseconds; absent: all are, downsampled. */
  readonly keepMs?: number;
  readonly baseline: Readonly<Record<string, number>>;
  /** For site workers of before 0.3, which do not ask their attempt for it. */
  readonly heartbeatTimeoutMs: number;
  /** The execution that asked; another execution running this activity means that the run was reset. */
  readonly execution: string;
  /** Where the watch before this one ended; null at the first. */
  readonly resume: ConditionsState | null;
}

/** A watch returns at the first tick that has edges, when it is cancelled or its worker stops, or when it is not its run that asks. */
export interface WatchReport {
  readonly ended: 'edge' | 'stopped' | 'reset';
  readonly edges: readonly Edge[];
  readonly resume: ConditionsState | null;
  readonly series: SeriesByProbe;
  /** From the last sample of `series` to this report, in milliseconds on the site's monotonic clock; absent in 0.2. */
  readonly sinceSampleMs?: number;
}

/** What recovery is asked: whether the steady state returns within `withinMs` milliseconds. */
export interface RecoverInput {
  readonly experiment: Experiment;
  readonly baseline: Readonly<Record<string, number>>;
  readonly withinMs: number;
}

/** `tookMs`: from the first look to the last, in milliseconds on the site's clock; `readings` are those of the last look. */
export interface RecoverReport {
  readonly recovered: boolean;
  readonly tookMs: number;
  readonly readings: readonly CheckedReading[];
  readonly series: SeriesByProbe;
}

/** What a sweep found at a site. */
export interface SweepReport {
  readonly found: number;
  readonly reverted: readonly string[];
  readonly failed: readonly string[];
  /** What was not looked for, since this worker was given no leave for it; absent where all was. */
  readonly unseen?: readonly string[];
}
