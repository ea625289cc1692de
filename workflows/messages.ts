/**
 * Messages: what workflows are started with, told and asked.
 *
 * Owns names and shapes that outlive a deploy: changing one is a change to released workflows. Must never hold logic.
 */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { Executions, FaultBatch, PreflightResult } from '../activities/interface.ts';
import type { GuardAnswer } from '../domain/admission.ts';
import type { Ask, AskName } from '../domain/ask.ts';
import type { BudgetAnswer } from '../domain/blast-radius.ts';
import type { EmergencyStop } from '../domain/emergency-stop.ts';
import type { AbortMode, Experiment } from '../domain/experiment.ts';
import type { DayAct } from '../domain/game-day-acts.ts';
import type { DayEnding, GameDayEvent } from '../domain/game-day-events.ts';
import type { DayPhase, DayState } from '../domain/game-day-state.ts';
import type { GameDay } from '../domain/game-day.ts';
import type { Claim, DayClaim } from '../domain/identity.ts';
import type { JournalEvent } from '../domain/journal.ts';
import type { Cadence } from '../domain/program.ts';
import type { Notice } from '../domain/notice.ts';
import type { Choice } from '../domain/picking.ts';
import type { RunState, Verdict } from '../domain/run.ts';

/** What a run is started with. The workflow id is the run's name. */
export interface RunInput {
  readonly experiment: Experiment;
  /** SHA-256 of the document as read, in hex. */
  readonly documentHash: string;
  /** Who started it, as the starter says. */
  readonly startedBy: string;
  /** From which machine, as the starter says. */
  readonly from?: string;
  /** Proof of that name: Ed25519 in base64; see `domain/identity.ts`. */
  readonly signature?: string;
  /** When that was signed, in milliseconds since the Unix epoch; what was signed before 0.3 does not say, and proves nothing. */
  readonly signedAtMs?: number;
  /** Of a run of a game day whose commander proved who they are: what they signed for instead. */
  readonly day?: DayClaim;
  /** By which it is found again, such as `ci`; at most ten. */
  readonly labels?: readonly string[];
  /** How long it waits for the approvals that the policy asks for, in milliseconds; absent: an hour. */
  readonly approveWithinMs?: number;
  /** The run is refused when no worker has taken it for this long, in milliseconds; absent waits for ever. */
  readonly admitWithinMs?: number;
  /** Why a program took this experiment, for the journal; absent where somebody starts it. */
  readonly chosen?: { readonly program: string; readonly cadence: string; readonly choice: Choice };
}

/** What a run returns. */
export interface RunResult extends Verdict {
  readonly run: string;
  /** From the fault's verified end to the steady state, in milliseconds; absent where it did not return, or no fault was on. */
  readonly recoveredMs?: number;
}

/** What a tick of a program is started with, by its schedule. */
export interface TickInput {
  readonly program: string;
  readonly cadence: Cadence;
  /** Who applied the program, as the starter says; nobody proves it at each tick. */
  readonly appliedBy: string;
}

/** What acknowledging is started with: the run that deviated, who has looked into it, and what is to be said of it. */
export interface AcknowledgeInput {
  readonly run: string;
  /** Who, as the starter says. */
  readonly by: string;
  /** From which machine, as the starter says. */
  readonly from?: string;
  readonly reason: string;
}

/** What a tick has done. */
export interface TickResult {
  /** Chooses the same again, from the same pool. */
  readonly seed: string;
  /** The experiment's name; empty where none was chosen. */
  readonly picked: string;
  readonly drawn: Readonly<Record<string, number>>;
  /** The group whose turn it was; absent where targets have none. */
  readonly group?: string;
  /** The run, and how it ended; `terminated` and the like where it has no word of its own. Absent in a dry run. */
  readonly run?: string;
  readonly status?: string;
  readonly deviated?: boolean | null;
  /** What a dry run would have touched, or why nothing. */
  readonly would?: string;
  /** Why nothing was begun. */
  readonly skipped?: string;
  /** What was chosen where no run has it in its journal. Absent before 0.5. */
  readonly choice?: Choice;
  /** How long it waited until it was safe, in milliseconds; absent where it did not. */
  readonly waitedMs?: number;
}

/** What a game day is started with. The workflow id is the day's name. */
export interface GameDayInput {
  readonly gameDay: GameDay;
  /** SHA-256 of the document as read, in hex. */
  readonly documentHash: string;
  /** Who calls it, as the starter says. */
  readonly calledBy: string;
  /** From which machine, as the starter says. */
  readonly from?: string;
}

/** What somebody does in a game day. */
export interface DayActInput {
  readonly claim: Claim;
  /** The execution that was looked at; another one, since the day was reset, does not take it. */
  readonly execution: string;
  readonly act: DayAct;
}

/** A game day as far as it has come. */
export interface DayStory {
  readonly execution: string;
  readonly state: DayState;
  readonly events: readonly GameDayEvent[];
}

/** How a game day ended. */
export interface DayResult {
  readonly day: string;
  readonly ending: DayEnding;
  readonly why: string;
}

/** What a lease is started with: one fault on one stage's targets. */
export interface LeaseInput extends FaultBatch {
  /** `revert-only` never injects: it undoes what a lost lease may have left. */
  readonly mode: 'hold' | 'revert-only';
  readonly stage: number;
  readonly site: string;
  /** The execution of the run that was admitted to the stage; absent where nobody said. */
  readonly admitted?: string;
}

/** Why a lease ended. All but `released` end the run too. */
export type LeaseEnding =
  | 'released'
  | 'stopped'
  | 'cancelled'
  | 'inject-failed'
  | 'lapsed'
  | 'unanswered'
  | 'unwanted'
  | 'blind'
  | 'revert-only';

/** What a lease returns, once every one of its faults is verified absent. */
export interface LeaseResult {
  readonly lease: string;
  readonly endedBy: LeaseEnding;
  readonly why: string;
  /** Who stopped it, where somebody did. */
  readonly by?: string;
  readonly targets: number;
  /** From the request to end to the verified absence, in milliseconds. */
  readonly tookMs: number;
  /** Why the faults were not, or may not have been, on to the end; absent where they were, or the run did not ask. */
  readonly lapsed?: string;
}

/** What a lease tells its run, by the run's workflow id: a reset run's child handle belongs to the old run. */
export type LeaseNews =
  | {
      readonly news: 'held';
      readonly lease: string;
      readonly injected: number;
      readonly problems: readonly string[];
      /** By which means, in words; absent before 0.4, and where there is nothing to say. */
      readonly how?: readonly string[];
    }
  | { readonly news: 'stuck'; readonly lease: string; readonly why: string }
  | { readonly news: 'ended'; readonly lease: string; readonly result: LeaseResult };

/** To a run: end early. Fire and forget, so that it works with every worker down. */
export const abortSignal = defineSignal<[{ mode: AbortMode; reason: string; by: string; from?: string }]>('abort');
/** To an emergency stop: the last release that was not allowed; null where none was. */
export const refusedResumeQuery = defineQuery<RefusedResume | null>('refusedResume');
/** To a run, and to each lease: everything, or a site, is stopped. */
export const stopSignal = defineSignal<[EmergencyStop]>('stop');
/** To an emergency stop: release the latch. */
export const resumeSignal = defineSignal<[Resume]>('resume');
/** To a run's notices: what is to be told, and to whom; `enders` are told of its end, should it say none itself. */
export const tellSignal = defineSignal<[tellings: readonly Telling[], enders: readonly string[]]>('tell');
/** To a site's budget, from runs' admission: targets are asked for. */
export const askSignal = defineSignal<[readonly Ask[]]>('ask');
/** To a site's budget: an ask is taken back. */
export const withdrawSignal = defineSignal<[AskName]>('withdraw');
/** To a site's budget: what exactly each of these asks was answered; null where it does not know one. */
export const budgetQuery = defineQuery<(BudgetAnswer | null)[], [readonly Ask[]]>('answers');
/** To a site's budget, from whoever looks for it: those whose end somebody waits for; nobody where nobody waits. */
export const inTheWayQuery = defineQuery<Executions>('inTheWay');
/** To a run, from a budget that has lost its memory: what was it granted there? */
export const grantsQuery = defineQuery<readonly Ask[], [site: string]>('grants');
/** To a run, from a lease. */
export const leaseNewsSignal = defineSignal<[LeaseNews]>('leaseNews');
/** To a lease, from its run: end the fault; and with `lastLook` first see whether it is still on. */
export const releaseSignal = defineSignal<[reason: string, lastLook?: boolean]>('release');
/** To a run: is this lease's fault still wanted? Asked before every renewal. */
export const wantedQuery = defineQuery<boolean, [lease: string]>('wanted');
/** To a run that waits for it: yes, or no, to exactly one plan. */
export const approveUpdate = defineUpdate<Answered, [Answer]>('approve');
export const rejectUpdate = defineUpdate<Answered, [Answer]>('reject');
/** To a run: a remark for its journal. */
export const noteUpdate = defineUpdate<null, [Note]>('note');
/** To a run: its state, and the journal events from `seq` on. */
export const storyQuery = defineQuery<Story, [fromSeq: number]>('story');

/** To a game day: what somebody does. Refused before it is written into history where it must not be done. */
export const dayActUpdate = defineUpdate<DayPhase, [DayActInput]>('act');
/** To a game day: where it is, and the events of its record from `seq` on, without samples. */
export const dayStoryQuery = defineQuery<DayStory, [fromSeq: number]>('dayStory');

/** To a run that waits for approval: the plan that it waits with; null where it does not. */
export const awaitedPlanQuery = defineQuery<AwaitedPlan | null>('awaitedPlan');

/** One notice, and the destinations that it is for. */
export interface Telling {
  readonly notice: Notice;
  readonly to: readonly string[];
}

/** Who releases an emergency stop, as the starter says, and why. */
export interface Resume {
  readonly by: string;
  /** From which machine, as the starter says. */
  readonly from?: string;
  readonly reason: string;
  /** Proof of that name: Ed25519 in base64; see `domain/identity.ts`. */
  readonly signature?: string;
}

/** A release that the policy did not allow. */
export interface RefusedResume {
  /** How many were refused so far. */
  readonly times: number;
  readonly why: string;
}

/** How an emergency stop ended. `audited`: whether it stands in the audit that it was on, and who released it. */
export interface Resumed extends Resume {
  readonly audited: boolean;
}

/** That an emergency stop was not let, since the policy says who may. */
export interface RefusedStop {
  readonly forbidden: string;
  readonly audited: boolean;
}

/** What a run waits for: people who approve `plan`. */
export interface Awaiting {
  readonly plan: string;
  readonly execution: string;
  readonly people: number;
  readonly approvedBy: readonly string[];
  /** Milliseconds since the Unix epoch. */
  readonly untilMs: number;
}

/** The plan that a run waits with: what {@link Awaiting} has the hash of, and what was found when it was made. */
export interface AwaitedPlan {
  readonly experiment: Experiment;
  readonly seed: string;
  readonly found: PreflightResult;
  /** What the control worker's guards said. */
  readonly guards: readonly GuardAnswer[];
}

/** What somebody says to what is waited for. */
export interface Answer {
  readonly claim: Claim;
  readonly plan: string;
  readonly execution: string;
  readonly reason?: string;
}

/** How far that brought the run. */
export interface Answered {
  readonly approved: number;
  readonly people: number;
}

/** A remark. */
export interface Note {
  /** Who, as the starter says. */
  readonly by: string;
  /** From which machine, as the starter says. */
  readonly from?: string;
  readonly text: string;
}

/** A run as far as it has come. */
export interface Story {
  readonly state: RunState;
  readonly awaiting?: Awaiting;
  readonly events: readonly JournalEvent[];
}
