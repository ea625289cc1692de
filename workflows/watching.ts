/**
 * Watching: from edges to aborts.
 *
 * Owns the watch activity's restarts, the durable timers of sustained breaches, and the bound on flapping. The activity
 * samples and says when something changed; how long a breach has lasted is counted here, by a timer that survives any
 * worker. Must never look at a sample itself.
 */
import { ActivityFailure, CancellationScope, patched, sleep, TimeoutFailure, workflowInfo } from '@temporalio/workflow';
import type { WatchInput, WatchReport } from '../activities/interface.ts';
import type { Experiment } from '../domain/experiment.ts';
import type { JournalEntry } from '../domain/journal.ts';
import type { Abort } from '../domain/run.ts';
import { boundSeries, mergeSeries } from '../domain/samples.ts';
import { sightsOf } from '../domain/sight.ts';
import type { Sights } from '../domain/sight.ts';
import type { SeriesByProbe } from '../domain/probe.ts';
import type { ConditionsState, Edge } from '../domain/stop-conditions.ts';
import type { LeaseTiming } from '../domain/timing.ts';
import { Blindness, why } from './blindness.ts';
import { watchAt } from './proxies.ts';

/** Edges in one run beyond which nothing sensible can be said: the run aborts as unstable. */
const EDGES_MAX = 40;

/** What is watched: an experiment, or what of a game day is like one. */
export type WatchedExperiment = Pick<
  Experiment,
  'fault' | 'targets' | 'stopConditions' | 'steadyState' | 'sampleEveryMs'
>;

/** What is sampled besides, and for how long samples are kept. */
type Beside = Pick<WatchInput, 'also' | 'keepMs'>;

/** Where it is said what was seen. */
export interface WatchLog {
  add(entry: Extract<JournalEntry, { type: 'blind' | 'edge' | 'samples' | 'timer' }>): unknown;
}

/** Watches until it is stopped. */
export class Watching {
  readonly #experiment: WatchedExperiment;
  readonly #baseline: Readonly<Record<string, number>>;
  readonly #timing: LeaseTiming;
  readonly #log: WatchLog;
  readonly #beside: Beside;
  readonly #abort: (abort: Abort) => void;
  readonly #timers = new Map<number, CancellationScope>();
  readonly #scope = new CancellationScope();
  #edges = 0;
  #stopped = false;
  #over: Promise<void> = Promise.resolve();
  #series: SeriesByProbe = {};
  readonly #sights: Sights[] = [];

  constructor(
    experiment: WatchedExperiment,
    baseline: Readonly<Record<string, number>>,
    timing: LeaseTiming,
    log: WatchLog,
    abort: (abort: Abort) => void,
    beside: Beside = {},
  ) {
    this.#experiment = experiment;
    this.#baseline = baseline;
    this.#timing = timing;
    this.#log = log;
    this.#abort = abort;
    this.#beside = beside;
  }

  /** What was sampled, downsampled; complete once {@link stop} has resolved. */
  get series(): SeriesByProbe {
    return this.#series;
  }

  /** When each probe answered, on the workflow's clock; complete once {@link stop} has resolved. */
  get sights(): readonly Sights[] {
    return this.#sights;
  }

  start(): void {
    this.#over = this.#watch();
  }

  /** Stops sampling and every timer; resolves when the last samples are in. */
  async stop(): Promise<void> {
    if (!this.#stopped) {
      this.#stopped = true;
      for (const condition of [...this.#timers.keys()]) this.#cancelTimer(condition);
      this.#scope.cancel();
    }
    await this.#over;
  }

  async #watch(): Promise<void> {
    const blindness = new Blindness(this.#timing);
    let resume: ConditionsState | null = null;
    while (!this.#stopped) {
      const fromMs = Date.now();
      try {
        const report = await this.#watchOnce(resume, blindness.spentMs);
        this.#take(report);
        resume = report.resume;
        if (report.ended === 'reset') {
          this.#abort({
            cause: 'reset',
            mode: 'immediate',
            evidence: 'the run was reset; its faults belong to the run before',
          });
        }
        // A worker that was told to stop hands over what it has; in 0.1 nobody watched from then on.
        if (report.ended === 'stopped' && !this.#stopped && patched('watch-goes-on'))
          throw new Error('the site worker stopped in the middle of it');
        if (report.ended !== 'edge') return;
      } catch (failure) {
        const beat = lastHeartbeat(failure);
        this.#keep(beat?.series ?? {}, Date.now() - this.#timing.heartbeatTimeoutMs);
        if (this.#stopped) return;
        this.#log.add({ type: 'blind', what: 'watch', why: why(failure) });
        if (blindness.lost(fromMs, Date.now(), failure)) {
          this.#abort({ cause: 'blind', mode: 'immediate', evidence: `nobody is watching: ${why(failure)}` });
          return;
        }
        resume = beat?.resume ?? resume;
        await sleep(250, { summary: 'before watching again' });
      }
    }
  }

  #watchOnce(resume: ConditionsState | null, blindMs: number): Promise<WatchReport> {
    const input = {
      experiment: this.#experiment,
      baseline: this.#baseline,
      heartbeatTimeoutMs: this.#timing.heartbeatTimeoutMs,
      execution: workflowInfo().runId,
      resume,
      ...this.#beside,
    };
    const probes = this.#experiment.stopConditions.length;
    return this.#scope.run(() =>
      watchAt(this.#experiment.targets.site, this.#timing, blindMs).watch.executeWithOptions(
        { summary: `watch ${probes} stop conditions` },
        [input],
      ),
    );
  }

  #take(report: WatchReport): void {
    this.#keep(report.series, Date.now() - (report.sinceSampleMs ?? 0));
    for (const edge of report.edges) this.#edge(edge);
  }

  #keep(series: SeriesByProbe, untilMs: number): void {
    if (Object.keys(series).length === 0) return;
    this.#sights.push(sightsOf(series, untilMs));
    this.#log.add({ type: 'samples', series });
    this.#series = boundSeries(mergeSeries(this.#series, series));
  }

  #edge(edge: Edge): void {
    if (this.#stopped) return;
    this.#log.add({ type: 'edge', ...edge });
    this.#edges += 1;
    if (this.#edges > EDGES_MAX) {
      const evidence = `more than ${EDGES_MAX} edges: ${edge.probe} keeps crossing its limit`;
      this.#abort({ cause: 'unstable', mode: 'immediate', evidence });
    } else if (edge.edge === 'no-data') {
      this.#abort({ cause: 'no-data', mode: 'immediate', evidence: edge.evidence });
    } else if (edge.condition !== undefined) {
      if (edge.edge === 'breach-begins') this.#startTimer(edge.condition, edge.evidence);
      else this.#cancelTimer(edge.condition);
    }
  }

  #startTimer(index: number, evidence: string): void {
    const condition = this.#experiment.stopConditions[index];
    if (condition === undefined || this.#timers.has(index)) return;
    const { forMs, abort: mode } = condition;
    if (forMs === 0) return this.#abort({ cause: 'stop-condition', mode, evidence });
    const scope = new CancellationScope();
    this.#timers.set(index, scope);
    this.#log.add({ type: 'timer', timer: 'started', condition: index, forMs });
    scope
      .run(() => sleep(forMs, { summary: `abort unless it recovers: ${evidence}` }))
      .then(() => {
        if (this.#timers.get(index) !== scope) return;
        this.#timers.delete(index);
        this.#log.add({ type: 'timer', timer: 'fired', condition: index, forMs });
        this.#abort({ cause: 'stop-condition', mode, evidence: `${evidence}, sustained for ${forMs / 1000} s` });
      })
      .catch(() => undefined);
  }

  #cancelTimer(index: number): void {
    const scope = this.#timers.get(index);
    if (scope === undefined) return;
    this.#timers.delete(index);
    scope.cancel();
    this.#log.add({
      type: 'timer',
      timer: 'cancelled',
      condition: index,
      forMs: this.#experiment.stopConditions[index]?.forMs ?? 0,
    });
  }
}

/** What a lost watch last said, so that its samples are kept and a breach in progress is not begun anew. */
function lastHeartbeat(
  failure: unknown,
): { readonly resume?: ConditionsState; readonly series?: SeriesByProbe } | undefined {
  if (!(failure instanceof ActivityFailure) || !(failure.cause instanceof TimeoutFailure)) return undefined;
  const details: unknown = failure.cause.lastHeartbeatDetails;
  return typeof details === 'object' && details !== null ? details : undefined;
}
