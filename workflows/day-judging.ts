/**
 * The criteria of a scenario that is under way, once its work is done.
 *
 * Owns who is asked about each: the runs' ends, the record, a fresh reading, or people; and that each has a verdict when the scenario
 * ends. What nobody could tell is `unknown`.
 */
import { CancellationScope, condition } from '@temporalio/workflow';
import type { FoundCriterion, JudgeDayInput } from '../activities/game-day/interface.ts';
import { judgeAtEnd, judgeHypothesis, judgeRecovery } from '../domain/criteria.ts';
import type { Found } from '../domain/criteria.ts';
import { scenarioEndsAtMs } from '../domain/game-day-state.ts';
import type { ScenarioState } from '../domain/game-day-state.ts';
import type { Criterion } from '../domain/game-day.ts';
import type { Reading } from '../domain/probe.ts';
import { why } from './blindness.ts';
import type { Cut, Day } from './day.ts';
import { judging, readingAt } from './game-day-proxies.ts';

/** How long it may take to judge at once, in milliseconds. */
const AT_ONCE_MS = 15_000;

export class Judging {
  readonly #day: Day;
  readonly #index: number;
  readonly #scope = new CancellationScope();
  #machine: Promise<void> = Promise.resolve();
  #settled = false;
  #cut = false;

  constructor(day: Day, index: number) {
    this.#day = day;
    this.#index = index;
  }

  /** Whether every criterion has its verdict. */
  get done(): boolean {
    return this.#settled && this.#state.criteria.every((one) => one !== null);
  }

  /** Asks about all that is asked of no person: last, once all else has its verdict, what holds to the end. `whole`: all of it was done. */
  begin(whole: boolean): void {
    this.#cut = !whole;
    this.#ofRuns();
    this.#machine = this.#scope
      .run(async () => {
        await this.#recorded('soon');
        const lasting = new Set(this.#left('measured').map(({ at }) => at));
        await condition(() => this.#state.criteria.every((one, at) => one !== null || lasting.has(at)));
        await this.#recorded('lasting', { toMs: Date.now() });
        await this.#atEnd();
        this.#settled = true;
      })
      // What was cut short is judged as it is.
      .catch(() => undefined);
  }

  /** Gives each a verdict that has none; `nothing` was done, since no run began. */
  async close(cut: Cut | undefined, nothing: boolean, whole: boolean): Promise<void> {
    this.#scope.cancel();
    await this.#machine;
    if (nothing) return this.#rest('nothing was done: no run began');
    if (cut === undefined) return;
    this.#cut = !whole || cut.ending !== 'timed-out';
    this.#ofRuns();
    // Nobody who waits for the end of the day waits for more than what is known.
    if (this.#day.ending?.ending !== 'interrupted') {
      const asOf = { toMs: Date.now() };
      await this.#recorded('soon', asOf);
      await this.#recorded('lasting', asOf);
      await this.#atEnd();
    }
    this.#rest(`nobody has said so by the end: ${cut.why}`);
  }

  get #state(): ScenarioState {
    return this.#day.state.scenarios[this.#index] as ScenarioState;
  }

  /** The criteria of these kinds that have no verdict, with their indexes. */
  #left<K extends Criterion['kind']>(kind: K): { at: number; criterion: Extract<Criterion, { kind: K }> }[] {
    const { criteria } = this.#state;
    return (this.#day.gameDay.scenarios[this.#index]?.criteria ?? []).flatMap((criterion, at) =>
      criterion.kind === kind && criteria[at] === null
        ? [{ at, criterion: criterion as Extract<Criterion, { kind: K }> }]
        : [],
    );
  }

  #found(criterion: number, { verdict, evidence }: Found): void {
    if (this.#state.criteria[criterion] !== null) return;
    this.#day.add({ type: 'criterion', scenario: this.#index, criterion, verdict, evidence });
    this.#day.log.writeSoon();
  }

  #ofRuns(): void {
    const { runs } = this.#state;
    for (const { at, criterion } of this.#left('recovery')) this.#found(at, judgeRecovery(criterion, runs));
    for (const { at } of this.#left('hypothesis')) this.#found(at, judgeHypothesis(runs));
  }

  /** What the record shows, once it is settled, or as of a time: of what is to come soon, or of what is to last. */
  async #recorded(which: 'soon' | 'lasting', asOf?: JudgeDayInput['asOf']): Promise<void> {
    const measured = this.#left('measured').filter(({ criterion: { when } }) =>
      which === 'soon' ? typeof when === 'object' : when === 'throughout',
    );
    const criteria = [...measured, ...(which === 'soon' ? this.#left('alert') : [])].map(({ at }) => at);
    if (criteria.length === 0) return;
    const fromMs = this.#state.begunAtMs ?? Date.now();
    const leftMs = Math.max(0, (scenarioEndsAtMs(this.#day.state, this.#index) ?? Date.now()) - Date.now());
    const cut = this.#cut;
    const input = { day: this.#day.id, scenario: this.#index, criteria, fromMs, cut, ...(asOf ? { asOf } : {}) };
    const found = await judging(asOf ? AT_ONCE_MS : leftMs)
      .judgeDay.executeWithOptions({ summary: `judge ${criteria.length} criteria` }, [input])
      .catch((failure: unknown): readonly FoundCriterion[] => {
        if (CancellationScope.current().consideredCancelled) throw failure;
        const evidence = `nobody could judge it: ${why(failure)}`;
        return criteria.map((criterion) => ({ criterion, verdict: 'unknown', evidence }));
      });
    for (const one of found) this.#found(one.criterion, one);
  }

  async #atEnd(): Promise<void> {
    const left = this.#left('measured').filter(({ criterion }) => criterion.when === 'at-end');
    if (left.length === 0) return;
    const { site, sampleEveryMs: everyMs } = this.#day.gameDay;
    const probes = [...new Set(left.map(({ criterion }) => criterion.probe))];
    const readings: Readonly<Record<string, Reading>> = await readingAt(site, AT_ONCE_MS)
      .readProbes.executeWithOptions({ summary: 'read at the end' }, [{ probes, samples: 1, everyMs }])
      .then(
        (read) => read.readings,
        (failure: unknown) => {
          if (CancellationScope.current().consideredCancelled) throw failure;
          return Object.fromEntries(probes.map((probe) => [probe, { ok: false as const, why: why(failure) }]));
        },
      );
    const { baseline } = this.#day.state;
    for (const { at, criterion } of left)
      this.#found(at, judgeAtEnd(criterion, readings[criterion.probe], baseline[criterion.probe], this.#cut));
  }

  #rest(evidence: string): void {
    for (const [at, one] of this.#state.criteria.entries())
      if (one === null) this.#found(at, { verdict: 'unknown', evidence });
  }
}
