/**
 * Approvals: waiting for other people's leave.
 *
 * Owns who may answer, and for what: somebody other than who started the run, once, for exactly this plan of exactly this
 * execution. An answer that does not fit is rejected before it is written into history. Nothing is touched meanwhile.
 */
import { ApplicationFailure } from '@temporalio/common';
import { condition, workflowInfo } from '@temporalio/workflow';
import type { Approval } from '../domain/admission.ts';
import type { Authority } from '../activities/admission/proof.ts';
import { answeredText, describeIdentity } from '../domain/identity.ts';
import type { Identity } from '../domain/identity.ts';
import { shownStages } from '../domain/ladder.ts';
import { formatDuration } from '../domain/units.ts';
import type { Run } from './run.ts';
import { placeHeard } from './heard.ts';
import type { Answer, Answered, AwaitedPlan, Awaiting } from './messages.ts';
import { authorising } from './proxies.ts';

/** How long a run waits for its approvals unless its starter says otherwise, in milliseconds. */
export const APPROVE_WITHIN_MS = 3_600_000;
/** The longest reason, or note, in characters. */
export const WORDS_MAX = 1_000;

/** Answers to one question that the policy did not let; each costs history, and beyond so many none is taken. */
export const REFUSED_MAX = 50;

/** What people are asked. */
interface Question {
  readonly plan: string;
  readonly shown: AwaitedPlan;
  readonly people: number;
  readonly startedBy: Identity;
  readonly untilMs: number;
}

/** The approvals of one run. */
export class Approvals {
  readonly given: Approval[] = [];
  /** Whether people were asked to set a guard's refusal aside, and did. */
  overridden = false;
  readonly #run: Run;
  #question: Question | undefined;
  #rejected = false;
  /** Answers that were refused, or are being judged: many may come at once. */
  #unheeded = 0;

  constructor(run: Run) {
    this.#run = run;
  }

  /** What is waited for now. */
  get awaiting(): Awaiting | undefined {
    if (!this.#question) return undefined;
    const { plan, people, untilMs } = this.#question;
    return {
      plan,
      people,
      untilMs,
      execution: workflowInfo().runId,
      approvedBy: this.given.map(({ by }) => describeIdentity(by)),
    };
  }

  /** The plan that is waited with. */
  get shown(): AwaitedPlan | null {
    return this.#question?.shown ?? null;
  }

  /** Waits until enough people have agreed to `plan`, which is the hash of `shown`. False: the run has been refused, or aborted. */
  async wait(shown: AwaitedPlan, plan: string, people: number, why: string, startedBy: Identity): Promise<boolean> {
    const run = this.#run;
    const forMs = run.input.approveWithinMs ?? APPROVE_WITHIN_MS;
    run.apply({ type: 'awaits-approval' });
    if (run.aborting) return false;
    this.#question = { plan, shown, people, startedBy, untilMs: Date.now() + forMs };
    const stages = shownStages(shown.found.stages, shown.found.targets);
    run.note({ type: 'approval-asked', plan, people, why, forMs, stages });
    run.log.writeSoon();
    const over = (): boolean => this.given.length >= people || this.#rejected || run.aborting;
    await condition(over, forMs, { summary: `waiting for ${people} to approve` });
    this.#question = undefined;
    if (run.aborting || this.#rejected) return false;
    if (this.given.length < people) {
      const found = `${this.given.length} of ${people} have approved within ${formatDuration(forMs)}: ${why}`;
      run.refuse('approval', found);
      return false;
    }
    run.apply({ type: 'approved' });
    return true;
  }

  /** Throws where this answer must not be given; nothing of it is written into history then. */
  validate(answer: Answer): void {
    const { claim, plan, execution, reason } = answer;
    const texts = [claim.by, plan, execution, reason ?? '', claim.signature ?? '', claim.from ?? ''];
    if (!texts.every((words) => typeof words === 'string' && words.length <= WORDS_MAX))
      throw refused(`expected texts of at most ${WORDS_MAX} characters`);
    if (execution !== workflowInfo().runId) throw refused('the run was reset since it was looked at; look at it again');
    this.#check(answer);
    if (this.#unheeded >= REFUSED_MAX)
      throw refused(`${REFUSED_MAX} answers were refused, and no more is taken; abort the run and start it again`);
  }

  async approve(answer: Answer): Promise<Answered> {
    const authority = await this.#authority(answer, 'approve');
    // From here on without a pause: two answers of one person may have been authorised together.
    const by = this.#allowed(answer, authority);
    const { claim, plan, execution, reason } = answer;
    this.given.push({ by, plan, execution });
    const who = { by: describeIdentity(by), ...placeHeard(claim.from) };
    this.#run.note({ type: 'approved', ...who, plan, ...(reason ? { reason } : {}) });
    this.#run.log.writeSoon();
    const { people = 0 } = this.#question ?? {};
    return { approved: this.given.length, people };
  }

  async reject(answer: Answer): Promise<Answered> {
    const authority = await this.#authority(answer, 'reject');
    const by = describeIdentity(this.#allowed(answer, authority));
    const reason = answer.reason ?? 'no reason was given';
    const { people = 0 } = this.#question ?? {};
    this.#rejected = true;
    this.#run.note({ type: 'rejected', by, ...placeHeard(answer.claim.from), plan: answer.plan, reason });
    this.#run.refuse('approval', `rejected by ${by}: ${reason}`);
    return { approved: this.given.length, people };
  }

  #check({ claim, plan }: Answer): void {
    const question = this.#question;
    if (!question) throw refused(`the run does not wait for approval, it is ${this.#run.state.phase}`);
    if (this.#rejected) throw refused('the run was rejected already');
    if (plan !== question.plan)
      throw refused(`the plan to approve is ${question.plan}, found ${plan}; look at it again`);
    if (claim.by === question.startedBy.name) throw refused(`${claim.by} started it; somebody else must answer for it`);
    if (this.given.some(({ by }) => by.name === claim.by)) throw refused(`${claim.by} has approved it already`);
  }

  /** The signature is over the execution too: what was said to another one is said to nobody. */
  async #authority({ claim, plan, execution }: Answer, act: 'approve' | 'reject'): Promise<Authority> {
    this.#unheeded += 1;
    const signed = { act, of: this.#run.id, what: answeredText(plan, execution) } as const;
    const authority = await authorising().authorise({ claim, signed, right: 'approve' });
    if (authority.forbidden === undefined) this.#unheeded -= 1;
    return authority;
  }

  #allowed(answer: Answer, { who, forbidden }: Authority): Identity {
    if (forbidden !== undefined) throw refused(forbidden);
    this.#check(answer);
    return who;
  }
}

function refused(words: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(words, 'Refused');
}
