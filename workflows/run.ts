/**
 * One run's state, and its way through the phases.
 *
 * Owns the order: pre-flight, stages, rollback, recovery, close. Every ending — a stop condition, a signal, a cancel, a
 * lost lease, an error in this very code — is the one abort path. Must never touch a target: it asks for leases.
 */
import { ApplicationFailure } from '@temporalio/common';
import {
  allHandlersFinished,
  CancellationScope,
  condition,
  setCurrentDetails,
  patched,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { Ask, ServiceAsk } from '../domain/ask.ts';
import type { JournalEntry } from '../domain/journal.ts';
import { NEW_RUN, transition, verdict } from '../domain/run.ts';
import type { Abort, RunEvent, RunState } from '../domain/run.ts';
import type { Policy } from '../domain/policy.ts';
import type { Stretch } from '../domain/sight.ts';
import { Approvals, WORDS_MAX } from './approvals.ts';
import { why } from './blindness.ts';
import { noteHeard } from './heard.ts';
import { CAUSE, Leases } from './leases.ts';
import type { OpenLease } from './leases.ts';
import { runLogbook } from './logbook.ts';
import type { Note, RunInput, RunResult } from './messages.ts';
import { passPreflight } from './pre-flight.ts';
import { widen } from './stages.ts';
import { coarse, describe, SEARCH_ATTRIBUTES } from './story.ts';

/** Notes in one run; each costs history. */
const REMARKS_MAX = 100;

/** Made inside the workflow function: workflows share no state. */
export class Run {
  readonly input: RunInput;
  readonly id = workflowInfo().workflowId;
  readonly log = runLogbook();
  readonly leases: Leases;
  state: RunState = NEW_RUN;
  baseline: Readonly<Record<string, number>> = {};
  /** When the first stage was opened, on the workflow's clock; undefined while none was. */
  openedAtMs: number | undefined;
  /** The stages that were held, and when, on the workflow's clock. */
  readonly held: (Stretch & { readonly stage: number })[] = [];
  readonly approvals: Approvals;
  /** The execution that was admitted to the stage: after a reset it is another than this one. */
  admitted: string | undefined;
  /** The policy that it began by. */
  policy: Policy | undefined;
  #remarks = 0;
  readonly #grants: Ask[] = [];
  /** How long the steady state took to return, in milliseconds; undefined while it has not. */
  recoveredMs: number | undefined;
  /** Whether the control worker found the search attributes registered. */
  searchable = false;

  constructor(input: RunInput) {
    this.input = input;
    this.approvals = new Approvals(this);
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

  /** What chooses its targets. */
  get seed(): string {
    return this.input.experiment.blastRadius.seed ?? this.id;
  }

  get aborting(): boolean {
    return this.state.abort !== undefined;
  }

  /** Adds to the journal. */
  note(entry: JournalEntry): void {
    this.log.add(entry);
  }

  /** What the budget granted to this execution, by stage. */
  granted(stage: number, services: readonly ServiceAsk[]): void {
    const { runId } = workflowInfo();
    this.#grants.push({ run: this.id, execution: runId, stage, services, limits: {}, waits: false });
  }

  get grants(): readonly Ask[] {
    return this.#grants;
  }

  /** Throws where this remark is not taken. */
  checkRemark({ by, text }: Note): void {
    if (typeof by !== 'string' || typeof text !== 'string' || by.length > WORDS_MAX)
      throw ApplicationFailure.nonRetryable('expected who says it, and what', 'Refused');
    if (text.length === 0 || text.length > WORDS_MAX)
      throw ApplicationFailure.nonRetryable(`expected 1 to ${WORDS_MAX} characters, found ${text.length}`, 'Refused');
    if (this.#remarks >= REMARKS_MAX)
      throw ApplicationFailure.nonRetryable(`the run has ${REMARKS_MAX} notes already`, 'Refused');
  }

  /** Takes a remark into the journal. */
  remark(note: Note): null {
    this.#remarks += 1;
    this.note({ type: 'note', ...noteHeard(note) });
    this.log.writeSoon();
    return null;
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
    if (this.searchable && coarse(before) !== coarse(this.state)) {
      upsertSearchAttributes([{ key: SEARCH_ATTRIBUTES.state, value: coarse(this.state) }]);
    }
  }

  /** Ends the run early. An immediate abort releases every lease here; a graceful one leaves them to the rollback. */
  abort(abort: Abort): void {
    const before = this.state.abort;
    this.apply({ type: 'abort', abort });
    if (this.state.abort === before) return;
    this.note({ type: 'abort', ...abort, ...(this.state.stage >= 0 ? { stage: this.state.stage } : {}) });
    if (abort.mode !== 'graceful')
      for (const lease of this.leases.unreverted()) this.leases.release(lease, abort.evidence);
    // People are told of what is written. Before the first writing there is one on its way.
    if (this.log.known && patched('abort-is-written')) this.log.writeSoon();
  }

  async live(): Promise<RunResult> {
    try {
      const preflight = await passPreflight(this);
      if (preflight && !this.aborting) await widen(this, preflight);
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

  /** Refuses the run; nothing was touched. */
  refuse(check: string, found: string): undefined {
    this.apply({ type: 'refused', check, found });
    this.note({ type: 'refused', check, found });
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
      const { endedBy, why: evidence, by } = ended.result;
      this.abort({ cause: CAUSE[endedBy], mode: 'immediate', evidence, ...(by === undefined ? {} : { by }) });
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
    const { status, deviated, reason } = judged;
    this.note({ type: 'closed', status, deviated, reason });
    setCurrentDetails(`**${judged.status}**${judged.deviated ? ', deviated' : ''}: ${judged.reason}`);
    await this.log.close();
    await condition(allHandlersFinished);
    const { recoveredMs } = this;
    return { run: this.id, ...judged, ...(recoveredMs === undefined ? {} : { recoveredMs }) };
  }
}
