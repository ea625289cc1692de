/**
 * The run: one execution of an experiment.
 *
 * Owns the order: pre-flight, stages, rollback, recovery, close. Every ending — a stop condition, a signal, a cancel, a
 * lost lease, an error in this very code — is the one abort path. Must never touch a target: it asks for leases.
 */
import {
  CancellationScope,
  condition,
  setCurrentDetails,
  patched,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { PreflightResult } from '../activities/interface.ts';
import { concerns, describeStop } from '../domain/emergency-stop.ts';
import type { JournalEntry } from '../domain/journal.ts';
import { NEW_RUN, transition, verdict } from '../domain/run.ts';
import type { Abort, RunEvent, RunState } from '../domain/run.ts';
import type { PlannedStage } from '../domain/ladder.ts';
import type { Stretch } from '../domain/sight.ts';
import { leaseTiming, notAfterMs } from '../domain/timing.ts';
import { admitted } from './admission.ts';
import { why } from './blindness.ts';
import { Leases } from './leases.ts';
import type { OpenLease } from './leases.ts';
import { Logbook } from './logbook.ts';
import { abortSignal, leaseNewsSignal, stopSignal, storyQuery, wantedQuery } from './messages.ts';
import type { RunInput, RunResult } from './messages.ts';
import { preflightAt } from './proxies.ts';
import { rollBack } from './rollback.ts';
import { coarse, describe, SEARCH_ATTRIBUTES } from './story.ts';
import { Watching } from './watching.ts';

export async function experiment(input: RunInput): Promise<RunResult> {
  const run = new Run(input);
  setHandler(abortSignal, ({ mode, reason, by }) => run.abort({ cause: 'person', mode, evidence: reason, by }));
  setHandler(stopSignal, (stop) => {
    if (concerns(stop, input.experiment.targets.site))
      run.abort({ cause: 'emergency-stop', mode: 'immediate', evidence: describeStop(stop), by: stop.by });
  });
  setHandler(leaseNewsSignal, (news) => run.leases.hear(news));
  setHandler(wantedQuery, (lease) => run.leases.wanted(lease));
  setHandler(storyQuery, (fromSeq) => ({ state: run.state, events: run.log.since(fromSeq) }));
  CancellationScope.current().cancelRequested.catch(() =>
    run.abort({ cause: 'cancelled', mode: 'immediate', evidence: 'the run was cancelled' }),
  );
  // The server's cancel is heard above as an abort; nothing in the run is cut short by it.
  return CancellationScope.nonCancellable(() => run.live());
}

/** One run's state and its way through the phases. Made inside the workflow function: workflows share no state. */
export class Run {
  readonly input: RunInput;
  readonly id = workflowInfo().workflowId;
  readonly log = new Logbook();
  readonly leases: Leases;
  state: RunState = NEW_RUN;
  baseline: Readonly<Record<string, number>> = {};
  /** When the first stage was opened, on the workflow's clock; undefined while none was. */
  openedAtMs: number | undefined;
  /** The stages that were held, and when, on the workflow's clock. */
  readonly held: (Stretch & { readonly stage: number })[] = [];
  /** Whether the control worker found the search attributes registered. */
  #searchable = false;

  constructor(input: RunInput) {
    this.input = input;
    this.leases = new Leases({
      endedEarly: (lease) => this.#leaseEnded(lease),
      stuck: (lease) => this.#stuck(lease),
      reverted: (lease, by, tookMs) => this.#reverted(lease, by, tookMs),
      foreign: (lease) =>
        this.abort({
          cause: 'reset',
          mode: 'immediate',
          evidence: `a lease named ${lease} is already open: the run was reset`,
        }),
    });
  }

  get aborting(): boolean {
    return this.state.abort !== undefined;
  }

  /** Adds to the journal. */
  note(entry: JournalEntry): void {
    this.log.add(entry);
  }

  /** The only way a run changes phase. */
  apply(event: RunEvent): void {
    const before = this.state;
    this.state = transition(before, event);
    if (this.state.phase !== before.phase || this.state.stage !== before.stage) {
      this.note({
        type: 'phase',
        phase: this.state.phase,
        ...(this.state.stage >= 0 ? { stage: this.state.stage } : {}),
      });
    }
    setCurrentDetails(describe(this.input.experiment, this.state));
    if (this.#searchable && coarse(before) !== coarse(this.state)) {
      upsertSearchAttributes([{ key: SEARCH_ATTRIBUTES.state, value: coarse(this.state) }]);
    }
  }

  /** Ends the run early. An immediate abort releases every lease here; a graceful one leaves them to the rollback. */
  abort(abort: Abort): void {
    const before = this.state.abort;
    this.apply({ type: 'abort', abort });
    if (this.state.abort === before) return;
    this.note({ type: 'abort', ...abort, ...(this.state.stage >= 0 ? { stage: this.state.stage } : {}) });
    if (abort.mode === 'graceful') return;
    for (const lease of this.leases.unreverted()) this.leases.release(lease, abort.evidence);
  }

  async live(): Promise<RunResult> {
    try {
      const preflight = await this.#preflight();
      if (preflight && !this.aborting) await this.#widen(preflight);
    } catch (failure) {
      this.abort({ cause: 'error', mode: 'immediate', evidence: why(failure) });
    }
    // Whatever went wrong: no run ends before its faults.
    for (const lease of this.leases.unreverted()) {
      this.leases.release(lease, 'the run is over');
      await this.leases.reverted(lease);
    }
    this.apply({ type: 'reverted' });
    return this.#close();
  }

  async #preflight(): Promise<PreflightResult | undefined> {
    const { experiment, documentHash, startedBy } = this.input;
    const seed = experiment.blastRadius.seed ?? this.id;
    setCurrentDetails(describe(experiment, this.state));
    this.note({ type: 'started', experiment, documentHash, seed, startedBy, installation: '', versions: {} });
    this.note({ type: 'phase', phase: 'pre-flight' });
    const { startTime, runId, firstExecutionRunId } = workflowInfo();
    const waitedMs = Date.now() - startTime.getTime();
    // A reset run was taken long ago.
    if (runId === firstExecutionRunId && waitedMs > (this.input.admitWithinMs ?? Infinity)) {
      return this.refuse('admission', `no worker took the run for ${Math.round(waitedMs / 1000)} s; start it again`);
    }
    try {
      this.#searchable = (await this.log.write()).searchAttributes;
    } catch (failure) {
      return this.refuse('journal', `the journal cannot be written: ${why(failure)}`);
    }
    if (this.#searchable) {
      upsertSearchAttributes([
        { key: SEARCH_ATTRIBUTES.state, value: coarse(this.state) },
        { key: SEARCH_ATTRIBUTES.fault, value: experiment.fault },
        { key: SEARCH_ATTRIBUTES.site, value: experiment.targets.site },
        { key: SEARCH_ATTRIBUTES.experiment, value: experiment.name },
      ]);
    }
    if (patched('admission') && !(await admitted(this))) return undefined;
    const preflight = await this.#askSite(seed);
    if (!preflight) return undefined;
    const { checks, candidates, excluded, baseline, expiry, readings } = preflight;
    this.note({ type: 'pre-flight', checks, candidates, excluded, baseline, expiry });
    this.note({ type: 'steady-state', when: 'before', held: readings.every((reading) => reading.held), readings });
    this.baseline = baseline;
    const failed = checks.find((check) => !check.passed);
    return failed ? this.refuse(failed.check, failed.found) : preflight;
  }

  /** What `ask` answers; undefined where the run is aborted first, which cancels the asking. */
  async unlessAborted<T>(ask: () => Promise<T>): Promise<T | undefined> {
    const scope = new CancellationScope();
    condition(() => this.aborting).then(
      () => scope.cancel(),
      () => undefined,
    );
    try {
      return await scope.run(ask);
    } catch (failure) {
      if (this.aborting) return undefined;
      throw failure;
    }
  }

  async #askSite(seed: string): Promise<PreflightResult | undefined> {
    const { experiment } = this.input;
    const { site } = experiment.targets;
    const options = { summary: `pre-flight at ${site}` };
    try {
      return await this.unlessAborted(() =>
        preflightAt(experiment).preflight.executeWithOptions(options, [{ experiment, seed }]),
      );
    } catch (failure) {
      return this.refuse('site', `no pre-flight at site ${site}: ${why(failure)}`);
    }
  }

  /** Refuses the run; nothing was touched. */
  refuse(check: string, found: string): undefined {
    this.apply({ type: 'refused', check, found });
    this.note({ type: 'refused', check, found });
  }

  async #widen(preflight: PreflightResult): Promise<void> {
    const { experiment } = this.input;
    const timing = leaseTiming(preflight.targets.length, experiment.timeToLiveMs);
    const watching = new Watching(experiment, this.baseline, timing, this.log, (abort) => this.abort(abort));
    watching.start();
    const admits = patched('admission');
    try {
      for (const planned of preflight.stages) {
        if (this.aborting) break;
        if (planned.skipped === undefined) {
          if (admits && !(await admitted(this, planned.stage))) break;
          await this.#stage(planned, preflight);
        } else this.note({ type: 'stage-skipped', stage: planned.stage, size: planned.size, why: planned.skipped });
      }
    } catch (failure) {
      this.abort({ cause: 'error', mode: 'immediate', evidence: why(failure) });
    }
    await rollBack(this, watching);
  }

  async #stage(planned: PlannedStage, preflight: PreflightResult): Promise<void> {
    const { experiment } = this.input;
    const targets = preflight.targets.slice(planned.from, planned.to);
    const timing = leaseTiming(targets.length, experiment.timeToLiveMs);
    const lease = `${this.id}/stage-${planned.stage + 1}`;
    this.apply({ type: 'stage-opens', stage: planned.stage });
    this.openedAtMs ??= Date.now();
    const { stage, size, to: reached, radius } = planned;
    this.note({ type: 'stage-opened', stage, size, lease, targets, reached, radius, ttlMs: timing.ttlMs });
    const open = await this.leases.open({
      mode: 'hold',
      run: this.id,
      lease,
      stage,
      site: experiment.targets.site,
      kind: experiment.fault,
      params: experiment.with,
      targets,
      timing,
      notAfterMs: notAfterMs(experiment, preflight.stages, stage),
    });
    // A graceful abort lets the injection in flight finish; any other has already released the lease.
    await condition(() => open.held !== undefined || open.ended !== undefined || open.released);
    if (open.held === undefined || open.released) return;
    this.apply({ type: 'stage-holds' });
    this.note({ type: 'stage-held', stage, ...open.held });
    this.log.writeSoon();
    const fromMs = Date.now();
    await condition(() => this.aborting, experiment.blastRadius.holdMs, { summary: `hold stage ${size}` });
    this.held.push({ stage, fromMs, toMs: Date.now() });
  }

  #reverted({ input, ended }: OpenLease, by: 'lease' | 'revert-only', tookMs: number): void {
    const { lease, stage, targets } = input;
    this.note({ type: 'reverted', stage, lease, by, targets: targets.length, tookMs });
    // How long its fault was on nobody can tell.
    if (by === 'revert-only' && !this.aborting)
      this.abort({ cause: 'lease-lost', mode: 'immediate', evidence: `lease ${lease} was lost while it reverted` });
    const lapsed = ended && 'result' in ended ? ended.result.lapsed : undefined;
    if (lapsed !== undefined) this.abort({ cause: 'fault-lapsed', mode: 'immediate', evidence: lapsed });
  }

  #leaseEnded(open: OpenLease): void {
    const ended = open.ended;
    if (ended && 'lost' in ended) {
      this.abort({
        cause: 'lease-lost',
        mode: 'immediate',
        evidence: `lease ${open.input.lease} was lost: ${ended.lost}`,
      });
    } else if (ended) {
      const cause = CAUSE[ended.result.endedBy];
      this.abort({ cause, mode: 'immediate', evidence: ended.result.why });
    }
  }

  #stuck(open: OpenLease): void {
    // A lease can be stuck before the run has begun to roll back; then the run ends here. Afterwards its fault is on
    // for longer than was asked, and nobody watches: nothing can be said then either.
    this.abort({
      cause: 'lease-lost',
      mode: 'immediate',
      evidence: `a revert cannot be confirmed: ${open.stuck ?? ''}`,
    });
    this.apply({ type: 'rolls-back' });
    this.apply({ type: 'revert-stuck' });
    this.note({ type: 'stuck', stage: open.input.stage, lease: open.input.lease, why: open.stuck ?? '' });
    this.log.writeSoon();
  }

  async #close(): Promise<RunResult> {
    this.apply({ type: 'closes' });
    const judged = verdict(this.state);
    this.note({ type: 'closed', ...judged });
    setCurrentDetails(`**${judged.status}**${judged.deviated ? ', deviated' : ''}: ${judged.reason}`);
    await this.log.close();
    return { run: this.id, ...judged };
  }
}

const CAUSE = {
  released: 'lease-lost',
  cancelled: 'lease-lost',
  unwanted: 'lease-lost',
  'revert-only': 'lease-lost',
  'inject-failed': 'inject-failed',
  lapsed: 'fault-lapsed',
  unanswered: 'blind',
  blind: 'blind',
} as const;
