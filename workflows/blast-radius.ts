/**
 * The blast-radius budget of a site: who holds which targets, one workflow a site, for ever.
 *
 * Owns the grants. Asks are signals, answers are queries, which cost nobody history. A grant is good for as long as its exact
 * execution is open, so however a run ends its grant ends with it: whoever is in the way of an ask is looked at before the
 * ask is answered. One that begins with no memory first asks every open run what it holds.
 */
import { condition, continueAsNew, patched, setHandler, sleep, workflowInfo } from '@temporalio/workflow';
import { digestOf } from '../domain/ask.ts';
import { answersTo, everybody, inTheWay, NO_GRANTS, release, take, withdraw } from '../domain/blast-radius.ts';
import type { Executions } from '../activities/interface.ts';
import type { Ask, AskName } from '../domain/ask.ts';
import type { Budget, BudgetAnswer } from '../domain/blast-radius.ts';
import { askHeard, asksHeard, withdrawalHeard } from './heard.ts';
import { askSignal, budgetQuery, inTheWayQuery, withdrawSignal } from './messages.ts';
import { budgeting } from './proxies.ts';

/** Events of one execution; then it goes on in another. */
const HISTORY_MAX = 1_000;
/** And bytes, since an ask may be for thousands of targets. */
const HISTORY_MAX_BYTES = 8 * 1024 * 1024;
/** Refusals that are remembered for whoever has not read theirs yet. Who finds none asks again. */
const REFUSED_MAX = 1_000;
/** Time before somebody is sent to look again who could not be, in milliseconds. */
const AGAIN_MS = 5_000;

/** What one execution hands on to the next: refusals by what they are known by. */
type Refusals = readonly (readonly [ask: string, answer: BudgetAnswer])[];

export async function blastRadius(
  site: string,
  before?: Budget,
  refusals: Refusals = [],
  undecided: readonly Ask[] = [],
): Promise<void> {
  const desk = new Desk(before ?? NO_GRANTS, refusals);
  for (const ask of undecided) desk.hear(ask);
  setHandler(askSignal, (heard) => {
    for (const ask of asksHeard(heard)) if (ask) desk.hear(ask);
  });
  setHandler(withdrawSignal, (heard) => {
    const ask = withdrawalHeard(heard);
    if (ask) desk.forget(ask);
  });
  setHandler(budgetQuery, (heard) => desk.answers(asksHeard(heard)));
  setHandler(inTheWayQuery, () => desk.inTheWay());
  if (!before) {
    const granted = (await budgeting().heldAt(site)).map(askHeard).filter((grant) => grant !== undefined);
    desk.budget = { granted: granted.map((grant) => ({ ...grant, remembered: true })), waiting: [] };
  }
  for (;;) {
    await desk.decide();
    const long = isLong();
    // Where asks never cease, some always come meanwhile: the next execution decides them.
    if (desk.heard.length > 0 && !(long && patched('heard-travels-on'))) continue;
    if (long) {
      // Grants of runs that are over are kept until somebody minds: here they must not travel on.
      await desk.lookAt(everybody(desk.budget));
      if (desk.heard.length > 0 && !patched('heard-travels-on')) continue;
      await continueAsNew<typeof blastRadius>(site, desk.budget, desk.refusals, desk.heard);
    }
    if (desk.budget.waiting.length === 0) await condition(() => desk.heard.length > 0);
    else await desk.somebodyLeaves();
  }
}

function isLong(): boolean {
  const { historyLength, historySize } = workflowInfo();
  return historyLength > HISTORY_MAX || (historySize > HISTORY_MAX_BYTES && patched('heard-travels-on'));
}

class Desk {
  budget: Budget;
  /** Not yet decided, in order. */
  heard: Ask[] = [];
  readonly #refused: Map<string, BudgetAnswer>;
  #leaving: Promise<void> | undefined;

  constructor(budget: Budget, refusals: Refusals) {
    this.budget = budget;
    this.#refused = new Map(refusals);
  }

  /** For whoever has not read theirs yet. */
  get refusals(): Refusals {
    return [...this.#refused];
  }

  hear(ask: Ask): void {
    this.#refused.delete(digestOf(ask));
    this.heard.push(ask);
  }

  /** Whoever waits no more keeps nobody waiting. */
  forget(ask: AskName): void {
    this.heard = this.heard.filter((other) => nameOf(other) !== nameOf(ask));
    this.budget = withdraw(this.budget, ask);
  }

  /** The answer to exactly each of these asks, and to no other of its stage. */
  answers(asks: readonly (Ask | undefined)[]): (BudgetAnswer | null)[] {
    const asked = asks.filter((ask) => ask !== undefined);
    const known = answersTo(this.budget, asked).values();
    return asks.map((ask) => {
      if (!ask) return null;
      const answer = known.next().value;
      return this.#refused.get(digestOf(ask)) ?? answer ?? null;
    });
  }

  /** Decides what was heard, in order. Nobody is refused, or made to wait, for the sake of a run that is over. */
  async decide(): Promise<void> {
    if (this.heard.length === 0) return;
    const asks = this.heard.slice();
    const way = inTheWay(this.budget, asks);
    if (way.size > 0) {
      await this.lookAt(way);
      // Behind those who were over there may be others.
      const behind = [...inTheWay(this.budget, asks).keys()].some((execution) => !way.has(execution));
      if (behind) await this.lookAt(everybody(this.budget));
    }
    // Some may have been withdrawn meanwhile, and more may have come behind them.
    const left = asks.filter((ask) => this.heard.includes(ask));
    this.heard = this.heard.filter((ask) => !asks.includes(ask));
    const { budget, answers } = take(this.budget, left);
    this.budget = budget;
    for (const [i, ask] of left.entries()) {
      const answer = answers[i];
      if (answer?.answer === 'refused') this.#remember(ask, answer);
    }
  }

  /** Resolves when somebody is over, and has been dealt with, or when somebody asks. */
  async somebodyLeaves(): Promise<void> {
    this.#leaving ??= this.#leaves();
    await Promise.race([this.#leaving, condition(() => this.heard.length > 0)]);
  }

  /** Those whose end somebody waits for. */
  inTheWay(): Executions {
    return this.budget.waiting.length === 0 ? [] : [...everybody(this.budget)];
  }

  /** Looks until somebody is over, or nobody waits any more. Who is to be looked at is asked of this workflow, since asks come and go. */
  async #leaves(): Promise<void> {
    try {
      const over = await budgeting().awaitEnd.executeWithOptions({ summary: 'wait for a grant to end' }, []);
      this.budget = release(this.budget, new Set(over));
    } catch {
      // Nobody may be waiting for this just now, so that it must not fail; nor be tried again at once, for ever.
      await sleep(AGAIN_MS, { summary: 'before somebody is sent again to look' }).catch(() => undefined);
    }
    this.#leaving = undefined;
  }

  async lookAt(executions: ReadonlyMap<string, string>): Promise<void> {
    if (executions.size === 0) return;
    const over = await budgeting().endedOf([...executions]);
    this.budget = release(this.budget, new Set(over));
  }

  #remember(ask: Ask, answer: BudgetAnswer): void {
    this.#refused.set(digestOf(ask), answer);
    const [oldest] = this.#refused.keys();
    if (this.#refused.size > REFUSED_MAX && oldest !== undefined) this.#refused.delete(oldest);
  }
}

function nameOf({ execution, stage }: AskName): string {
  return `${execution}/${stage}`;
}
