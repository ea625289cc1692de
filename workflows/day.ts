/**
 * One game day's state, and its way through its scenarios.
 *
 * Owns the order: called, begun, baseline, one scenario after the other, the end; and what people do meanwhile. Every ending but its own —
 * the commander, a rule, a cancel, an emergency stop, a reset — ends what runs first, and waits for the rollback. Must never begin a run
 * that its record does not name.
 */
import { ApplicationFailure } from '@temporalio/common';
import { allHandlersFinished, condition, setCurrentDetails, workflowInfo } from '@temporalio/workflow';
import type { DayKept } from '../activities/game-day/interface.ts';
import { actText, mustBeProven, refusalOfAct, rolesOf } from '../domain/game-day-acts.ts';
import type { DayAct } from '../domain/game-day-acts.ts';
import type { By, DayEnding, GameDayEntry, ScenarioEnding } from '../domain/game-day-events.ts';
import { dayAfter, dayEndsAtMs } from '../domain/game-day-state.ts';
import type { DayPhase, DayState } from '../domain/game-day-state.ts';
import type { GameDay } from '../domain/game-day.ts';
import { describeIdentity, unproven } from '../domain/identity.ts';
import type { AbortMode } from '../domain/experiment.ts';
import { why } from './blindness.ts';
import { actHeard } from './day-heard.ts';
import { DayEyes } from './day-eyes.ts';
import { Scene } from './day-scene.ts';
import { endingRuns, keeping } from './game-day-proxies.ts';
import { placeHeard } from './heard.ts';
import { Logbook } from './logbook.ts';
import type { DayActInput, DayResult, DayStory, GameDayInput, RunInput } from './messages.ts';
import { authorising } from './proxies.ts';

/** A day that nobody has begun is over after so long, in milliseconds. */
const BEGUN_WITHIN_MS = 30 * 86_400_000;
/** What people do in one day at most, and how much of it the policy may refuse; each costs history. */
const ACTS_MAX = 1_000;
const REFUSED_MAX = 50;

/** Acts by which something ends, or no other begins. */
const ENDING: ReadonlySet<DayAct['act']> = new Set(['abort', 'skip', 'pause']);

/** How it ends, and by whom. */
export interface End extends Partial<By> {
  readonly ending: DayEnding;
  readonly why: string;
  /** How what runs is ended; absent: at once. */
  readonly mode?: AbortMode;
}

/** How a scenario ends, and by whom. */
export interface Cut extends Partial<By> {
  readonly ending: ScenarioEnding;
  readonly why: string;
  /** How what runs is ended; absent: at once. */
  readonly mode?: AbortMode;
}

/** What a run is started with that somebody has proven to let begin. */
type Let = Pick<RunInput, 'startedBy' | 'from' | 'signature' | 'signedAtMs' | 'day'>;

/** Made inside the workflow function: workflows share no state. */
export class Day {
  readonly input: GameDayInput;
  readonly id = workflowInfo().workflowId;
  readonly log: Logbook<GameDayEntry, DayKept>;
  readonly #eyes: DayEyes;
  #state: DayState | undefined;
  #end: End | undefined;
  #scene: Scene | undefined;
  /** Who has approved the scenario that is due. */
  #approved: By | undefined;
  /** The scenario that is not to begin, and why. */
  #skipped: Cut | undefined;
  /** Who has proven to let its runs begin, and by what; undefined where nobody has. */
  #let: Let | undefined;
  #acts = 0;
  #refused = 0;
  /** What was proven once, and is good no more. */
  readonly #spent = new Set<string>();
  /** Whether another execution of this day went before, whose runs are not this one's children. */
  #reset = false;

  constructor(input: GameDayInput) {
    this.input = input;
    const { firstExecutionRunId } = workflowInfo();
    this.log = new Logbook({
      write: async (events, { known, summary }) => {
        const options = { summary: `record: ${summary}` };
        const kept = await keeping(known).keepDay.executeWithOptions(options, [this.id, events]);
        // What history has of it, so that a replay finds the same.
        if (kept.execution !== firstExecutionRunId) this.wasReset();
        return kept;
      },
      thin: (entry) => (entry.type === 'samples' ? { ...entry, series: {} } : entry),
    });
    this.#eyes = new DayEyes(this);
    this.add({
      type: 'called',
      gameDay: this.gameDay,
      documentHash: input.documentHash,
      installation: '',
      by: unproven(input.calledBy),
      ...placeHeard(input.from),
    });
  }

  get gameDay(): GameDay {
    return this.input.gameDay;
  }

  get state(): DayState {
    return this.#state as DayState;
  }

  get let(): Let | undefined {
    return this.#let;
  }

  get ending(): End | undefined {
    return this.#end;
  }

  /** Adds to the record. */
  add(entry: GameDayEntry): void {
    this.#state = dayAfter(this.#state, this.log.add(entry));
    setCurrentDetails(describe(this.state));
  }

  story(fromSeq: number): DayStory {
    return { execution: workflowInfo().runId, state: this.state, events: this.log.since(fromSeq) };
  }

  /** Ends the day early; the first wins. */
  end(end: End): void {
    if (this.#end !== undefined || this.state.phase === 'ended') return;
    this.#end = end;
    this.#scene?.cut({ ...end, ending: 'aborted' });
  }

  wasReset(): void {
    this.#reset = true;
    this.end({ ending: 'interrupted', why: 'the game day was reset; call it again for what is left' });
  }

  async live(): Promise<DayResult> {
    try {
      await this.log.write();
    } catch (failure) {
      throw ApplicationFailure.nonRetryable(`the record of the day cannot be written: ${why(failure)}`, 'Refused');
    }
    // After a reset nothing that the old execution began will be heard of here.
    await Promise.race([this.#course(), condition(() => this.#reset)]);
    if (this.#reset) await this.#endOrphans();
    await this.#eyes.close();
    return this.#close();
  }

  /** Throws where this must not be done; nothing of it is written into history then. */
  check(payload: unknown): void {
    const heard = actHeard(payload);
    if (!heard) throw refused('that is nothing that can be done in a game day');
    if (heard.execution !== workflowInfo().runId)
      throw refused('the day was reset since it was looked at; look at it again');
    this.#allow(heard);
    // Whoever may end something always can: those are few, and each once.
    if (ENDING.has(heard.act.act)) return;
    if (this.#acts >= ACTS_MAX) throw refused(`${ACTS_MAX} things were done in this day, and no more is taken`);
    if (mustBeProven(heard.act) && this.#refused >= REFUSED_MAX)
      throw refused(`${REFUSED_MAX} acts were refused, and no more is taken`);
  }

  async act(payload: DayActInput): Promise<DayPhase> {
    const heard = actHeard(payload) as DayActInput;
    this.#acts += 1;
    const by = mustBeProven(heard.act) ? await this.#proven(heard) : unproven(heard.claim.by);
    this.#do(heard.act, { by, ...placeHeard(heard.claim.from) }, heard.claim.by);
    this.log.writeSoon();
    return this.state.phase;
  }

  #allow({ act, claim }: DayActInput): void {
    const no = refusalOfAct(this.state, act, claim.by);
    if (no !== undefined) throw refused(no);
    if (this.#end !== undefined && !('text' in act)) throw refused(`the day is ending: ${this.#end.why}`);
  }

  /** Who it is, by the policy. A proof is good once: what was signed before may be known to others. */
  async #proven(heard: DayActInput): Promise<string> {
    const { claim, execution, act } = heard;
    this.#refused += 1;
    const what = actText(act, execution, claim.signedAtMs ?? 0);
    const authority = await authorising().authorise({
      claim,
      signed: { act: 'game-day', of: this.id, what },
      right: 'start',
    });
    if (authority.forbidden !== undefined) throw refused(authority.forbidden);
    const { who } = authority;
    if (who.proven && this.#spent.has(what)) throw refused('this was signed for once already; sign it anew');
    // Something else may have happened meanwhile.
    this.#allow(heard);
    this.#refused -= 1;
    if (who.proven) this.#spent.add(what);
    if (who.proven && (act.act === 'begin' || act.act === 'approve')) {
      const { by: startedBy, ...proof } = claim;
      this.#let = { startedBy, ...proof, day: { day: this.id, execution, act } };
    }
    return describeIdentity(who);
  }

  #do(act: DayAct, by: By, name: string): void {
    switch (act.act) {
      case 'begin':
        return this.add({ type: 'begun', ...by });
      case 'approve':
        this.#approved = by;
        return;
      case 'pause':
        return this.add({ type: 'paused', why: act.why, ...by });
      case 'resume':
        return this.add({ type: 'resumed', ...by });
      case 'skip': {
        const cut: Cut = { ending: 'skipped', why: act.why, ...by };
        if (this.#scene) this.#scene.cut(cut);
        else this.#skipped ??= cut;
        return;
      }
      case 'abort':
        return this.end({ ending: 'aborted', why: act.why, ...by });
      case 'extend': {
        const { byMs, scenario } = act;
        return this.add({ type: 'extended', byMs, ...(scenario === undefined ? {} : { scenario }), ...by });
      }
      case 'note':
        return this.add({ type: 'note', as: rolesOf(this.gameDay, name)[0] ?? 'guest', text: act.text, ...by });
      case 'finding':
      case 'action': {
        const { act: type, ...said } = act;
        return this.add({ type, ...said, ...by } as GameDayEntry);
      }
      case 'judge': {
        const { scenario, criterion, met, why: evidence } = act;
        return this.add({ type: 'criterion', scenario, criterion, verdict: met ? 'met' : 'missed', evidence, ...by });
      }
      case 'done': {
        const { scenario, step } = act;
        const asked = this.state.scenarios[scenario]?.steps.find(
          (one) => one.step === step && one.tookMs === undefined,
        );
        const tookMs = Date.now() - (asked?.askedAtMs ?? Date.now());
        return this.add({ type: 'step-done', scenario, step, tookMs, ...by });
      }
    }
  }

  async #course(): Promise<void> {
    const begun = (): boolean => this.state.begunAtMs !== undefined || this.#end !== undefined;
    if (!(await condition(begun, BEGUN_WITHIN_MS, { summary: 'waiting for the commander to begin' })))
      this.end({ ending: 'aborted', why: 'nobody has begun it' });
    if (this.#end === undefined) await Promise.race([this.#eyes.open(), condition(() => this.#end !== undefined)]);
    for (const index of this.gameDay.scenarios.keys()) {
      // What the execution before has done is in its record, and is not said anew.
      if (this.#reset) return;
      this.#approved = undefined;
      this.#skipped = undefined;
      const cut = await this.#due(index);
      if (this.#reset) return;
      if (cut) this.add({ type: 'scenario-ended', scenario: index, ...said(cut) });
      else await this.#play(index);
      this.log.writeSoon();
    }
  }

  /** Waits until this scenario may begin; why it does not. */
  async #due(index: number): Promise<Cut | undefined> {
    const { offsetMs = 0, approve } = this.gameDay.scenarios[index] ?? {};
    const { begunAtMs = 0 } = this.state;
    const over = (): Cut | undefined => this.#notBegun();
    await this.until(
      () => begunAtMs + offsetMs,
      () => over() !== undefined,
      `scenario ${index + 1} at its time`,
    );
    await this.#unlessOver(() => this.state.paused === undefined);
    if (over()) return over();
    this.add({ type: 'scenario-due', scenario: index });
    this.log.writeSoon();
    await this.#unlessOver(
      () => this.state.paused === undefined && (approve === 'auto' || this.#approved !== undefined),
    );
    return over();
  }

  #notBegun(): Cut | undefined {
    if (this.#end) {
      return { ...this.#end, ending: 'skipped' };
    }
    if (this.#skipped) return this.#skipped;
    const endsAtMs = dayEndsAtMs(this.state) ?? Infinity;
    return Date.now() >= endsAtMs ? { ending: 'skipped', why: 'the time of the day is over' } : undefined;
  }

  async #unlessOver(holds: () => boolean): Promise<void> {
    await this.until(
      () => dayEndsAtMs(this.state) ?? Infinity,
      () => holds() || this.#notBegun() !== undefined,
      'the end of the day',
    );
  }

  /** Resolves once it `holds`, or it is `atMs`, which may be moved meanwhile. */
  async until(atMs: () => number, holds: () => boolean, summary: string): Promise<void> {
    while (!holds()) {
      const leftMs = atMs() - Date.now();
      if (leftMs <= 0) return;
      const now = atMs();
      await condition(() => holds() || atMs() !== now, leftMs, { summary });
    }
  }

  async #play(index: number): Promise<void> {
    const by = this.#approved ?? {};
    this.add({ type: 'scenario-begun', scenario: index, ...by });
    this.log.writeSoon();
    const scene = new Scene(this, index);
    this.#scene = scene;
    const cut = await scene.play();
    this.#scene = undefined;
    this.add({ type: 'scenario-ended', scenario: index, ...said(cut) });
  }

  /** What the execution before has begun, which is nobody's child here. */
  async #endOrphans(): Promise<void> {
    const reason = `the game day ${this.id} was reset`;
    const ended = await endingRuns().endRuns.executeWithOptions({ summary: 'end the runs of the execution before' }, [
      { day: this.id, reason },
    ]);
    for (const one of ended) this.add({ type: 'run-ended', ...one });
    for (const [scenario, { phase }] of this.state.scenarios.entries())
      if (phase === 'running') this.add({ type: 'scenario-ended', scenario, ending: 'aborted', why: reason });
  }

  async #close(): Promise<DayResult> {
    const end: End = this.#end ?? { ending: 'completed', why: whyCompleted(this.state) };
    this.add({ type: 'day-ended', ...said(end) });
    await this.log.close();
    await condition(allHandlersFinished);
    return { day: this.id, ending: end.ending, why: end.why };
  }
}

function whyCompleted({ scenarios }: DayState): string {
  const done = scenarios.filter(({ ending }) => ending === 'done').length;
  return `${done} of ${scenarios.length} scenarios were done`;
}

function describe({ phase, gameDay, current, scenarios }: DayState): string {
  const title = current === undefined ? undefined : gameDay.scenarios[current]?.name;
  const where = current === undefined ? '' : ` scenario ${current + 1} of ${scenarios.length}: ${title ?? ''}`;
  return `**${phase}**${where}\n\n${gameDay.purpose}`;
}

/** As it stands in the record. */
function said<What extends { readonly mode?: AbortMode }>({ mode: _, ...what }: What): Omit<What, 'mode'> {
  return what;
}

function refused(words: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(words, 'Refused');
}
