/**
 * A scenario under way: its experiments and steps, and what is found of its criteria.
 *
 * Owns its time, and that nothing of it is on when it is over: whatever cuts it short, its runs are aborted and their rollback is waited
 * for. Must never judge by anything but the rules of `domain/criteria.ts`.
 */
import { TerminatedFailure } from '@temporalio/common';
import {
  ChildWorkflowCancellationType,
  CancellationScope,
  condition,
  getExternalWorkflowHandle,
  isCancellation,
  ParentClosePolicy,
  startChild,
} from '@temporalio/workflow';
import { dayEndsAtMs, scenarioEndsAtMs } from '../domain/game-day-state.ts';
import type { DayRun, ScenarioState } from '../domain/game-day-state.ts';
import type { Scenario, Work } from '../domain/game-day.ts';
import { why } from './blindness.ts';
import type { Cut, Day } from './day.ts';
import { Judging } from './day-judging.ts';
import { abortSignal } from './messages.ts';
import type { RunInput, RunResult } from './messages.ts';

/** A run that no worker takes within this time is refused, in milliseconds. */
const ADMIT_MS = 60_000;

/** How a run ended that did not begin. */
const NOT_BEGUN = 'not begun';

type Leaf = Extract<Work, { kind: 'experiment' }>;

export class Scene {
  readonly index: number;
  readonly #day: Day;
  readonly #children = new CancellationScope();
  /** Runs that have begun and are not known to have ended. */
  readonly #open = new Set<string>();
  readonly #judging: Judging;
  #cut: Cut | undefined;
  #worked = false;
  /** Why the rest of it is not done, though nobody has cut it short. */
  #broken: string | undefined;

  constructor(day: Day, index: number) {
    this.#day = day;
    this.index = index;
    this.#judging = new Judging(day, index);
  }

  get scenario(): Scenario {
    return this.#day.gameDay.scenarios[this.index] as Scenario;
  }

  get state(): ScenarioState {
    return this.#day.state.scenarios[this.index] as ScenarioState;
  }

  /** Ends it early; the first wins. */
  cut(cut: Cut): void {
    if (this.#cut !== undefined) return;
    this.#cut = cut;
    for (const run of this.#open) this.#abort(run);
  }

  /** From its beginning to its end; how it has ended. */
  async play(): Promise<Cut> {
    const work = this.#do(this.scenario.work)
      .catch((failure: unknown) => this.cut({ ending: 'aborted', why: why(failure) }))
      .then(() => (this.#worked = true));
    await this.#inTime(() => this.#worked);
    await work;
    const { runs, steps } = this.state;
    const unbegun = ({ status }: DayRun): boolean => status === 'refused' || status === NOT_BEGUN;
    const nothing = runs.length > 0 && steps.length === 0 && runs.every(unbegun);
    // Whoever ended a run because it deviated has seen what the fault does.
    const whole = this.#broken === undefined || runs.some(({ deviated }) => deviated === true);
    if (this.#cut === undefined && !nothing) {
      this.#judging.begin(whole);
      await this.#inTime(() => this.#judging.done);
    }
    await this.#judging.close(this.#cut, nothing, whole);
    return this.#cut ?? (this.#broken === undefined ? done(this.state) : { ending: 'aborted', why: this.#broken });
  }

  /** Waits until it `holds`, or is cut short, if need be for want of time. */
  async #inTime(holds: () => boolean): Promise<void> {
    const { state } = this.#day;
    const endsAtMs = (): number => scenarioEndsAtMs(this.#day.state, this.index) ?? Infinity;
    const overAtMs = (): number => dayEndsAtMs(this.#day.state) ?? Infinity;
    const over = (): boolean => holds() || this.#cut !== undefined;
    await this.#day.until(
      () => Math.min(endsAtMs(), overAtMs()),
      over,
      `time of ${state.gameDay.scenarios[this.index]?.name ?? 'the scenario'}`,
    );
    if (over()) return;
    const words = endsAtMs() <= overAtMs() ? 'its time is over' : 'the time of the day is over';
    this.cut({ ending: 'timed-out', why: words });
  }

  async #do(work: Work): Promise<void> {
    if (this.#cut !== undefined || this.#broken !== undefined) return;
    switch (work.kind) {
      case 'experiment':
        return this.#run(work);
      case 'by-hand':
        return this.#byHand(work.step);
      case 'parallel':
        await Promise.all(work.of.map((one) => this.#do(one)));
        return;
      case 'sequence':
        for (const one of work.of) await this.#do(one);
    }
  }

  async #byHand(step: string): Promise<void> {
    const number = this.state.steps.length;
    this.#day.add({ type: 'step-asked', scenario: this.index, step });
    this.#day.log.writeSoon();
    await condition(() => this.state.steps[number]?.tookMs !== undefined || this.#cut !== undefined);
  }

  /** One run. What does not complete ends a sequence: what comes after it counts on it. */
  async #run(leaf: Leaf): Promise<void> {
    const { experiment } = leaf;
    const day = this.#day;
    const run = `${day.id}-${this.index + 1}-${this.state.runs.length + 1}-${experiment.name}`;
    day.add({ type: 'run', scenario: this.index, run, experiment: experiment.name });
    // Whoever takes over a reset day knows its runs from the record.
    const named = await Promise.race([
      day.log.write().then(
        () => undefined,
        (failure: unknown) => `the record cannot be written: ${why(failure)}`,
      ),
      condition(() => this.#cut !== undefined),
    ]);
    const refused = this.#cut === undefined ? named : 'it was not begun';
    const ended =
      typeof refused === 'string'
        ? { status: NOT_BEGUN, deviated: null, reason: refused }
        : await this.#child(run, leaf);
    this.#open.delete(run);
    const { status, deviated, reason } = ended;
    const recovered = 'recoveredMs' in ended ? { recoveredMs: ended.recoveredMs } : {};
    day.add({ type: 'run-ended', scenario: this.index, run, status, deviated, reason, ...recovered });
    day.log.writeSoon();
    if (status !== 'completed') this.#broken ??= `${run} was ${status}: ${reason}`;
  }

  async #child(
    run: string,
    { experiment, documentHash }: Leaf,
  ): Promise<Omit<RunResult, 'run' | 'status'> & { status: string }> {
    try {
      const child = await this.#children.run(() =>
        startChild('experiment', {
          workflowId: run,
          args: [this.#inputOf({ kind: 'experiment', experiment, documentHash })],
          parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
          cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
          workflowTaskTimeout: '2s',
          memo: { site: experiment.targets.site, experiment: experiment.name },
          staticSummary: `${experiment.fault} at ${experiment.targets.site}`,
          staticDetails: `**${experiment.name}**, in the game day ${this.#day.id}\n\n${experiment.hypothesis}`,
        }),
      );
      this.#open.add(run);
      if (this.#cut !== undefined) this.#abort(run);
      return (await child.result()) as RunResult;
    } catch (failure) {
      return { status: endOf(failure), deviated: null, reason: why(failure) };
    }
  }

  #inputOf({ experiment, documentHash }: Leaf): RunInput {
    const { roles, name } = this.#day.gameDay;
    const startedBy = `game day ${name}, commanded by ${roles.commander}`;
    const leftMs = (scenarioEndsAtMs(this.#day.state, this.index) ?? Date.now()) - Date.now();
    return {
      experiment,
      documentHash,
      ...(this.#day.let ?? { startedBy }),
      admitWithinMs: ADMIT_MS,
      approveWithinMs: Math.max(1_000, leftMs),
    };
  }

  /** By its name, since a reset run is another execution; where it cannot be told, it is cancelled. */
  #abort(run: string): void {
    const { why: reason = '', by = `the game day ${this.#day.id}`, from, mode = 'immediate' } = this.#cut ?? {};
    const wish = { mode, reason, by, ...(from === undefined ? {} : { from }) };
    getExternalWorkflowHandle(run)
      .signal(abortSignal, wish)
      .catch(() => this.#children.cancel());
  }
}

function done({ criteria }: ScenarioState): Cut {
  const met = criteria.filter((one) => one?.verdict === 'met').length;
  const words = criteria.length === 0 ? 'nothing was asked of it' : `${met} of ${criteria.length} criteria were met`;
  return { ending: 'done', why: words };
}

/** Temporal's word for it, where it has none of its own. */
function endOf(failure: unknown): string {
  if (isCancellation(failure)) return 'cancelled';
  const cause = failure instanceof Error ? failure.cause : undefined;
  return cause instanceof TerminatedFailure ? 'terminated' : 'failed';
}
