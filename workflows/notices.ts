/**
 * The notices of a run: what people are told of it.
 *
 * Owns that each notice is told once to each destination, in order, whoever else is down; and that the journal says how an
 * abort was told that had to be. A workflow of its own, so that telling costs a run no history and delays no revert.
 */
import { condition, continueAsNew, setHandler, workflowInfo } from '@temporalio/workflow';
import { ActivityFailure, ApplicationFailure } from '@temporalio/common';
import { lostNotice } from '../domain/notice.ts';
import type { Notice } from '../domain/notice.ts';
import { endersHeard, tellingsHeard } from './heard.ts';
import { tellSignal } from './messages.ts';
import type { Telling } from './messages.ts';
import { delivering, journal, openness } from './proxies.ts';

/** Time between two looks whether the run is still open, in milliseconds: one that was terminated says no end. */
const LOOK_MS = 30 * 60_000;
const LOOK_MAX_MS = 6 * 3_600_000;
/** What a run said last may be offered again for ten minutes; this long it is known to have been told, in milliseconds. */
const LINGER_MS = 11 * 60_000;
/** Notices that are remembered as told: more than a run of twenty stages has, reset a few times. */
const REMEMBERED_MAX = 500;
/** Events of one execution's history; then it goes on in another. */
const HISTORY_MAX = 1_000;

type Kept = Readonly<Record<string, string | number>>;

/** What one execution hands on to the next. */
export interface NoticesState {
  /** Keys of notices that were taken, the oldest first. */
  readonly taken: readonly string[];
  /** By destination: what its deliveries left to remember. */
  readonly kept: Readonly<Record<string, Kept>>;
  readonly enders: readonly string[];
  readonly last?: Notice;
  /** The time of the last confirmation in the journal, in milliseconds since the Unix epoch. */
  readonly confirmedAtMs: number;
}

const NOTHING: NoticesState = { taken: [], kept: {}, enders: [], confirmedAtMs: 0 };

export async function notices(run: string, before: NoticesState = NOTHING): Promise<void> {
  const desk = new Desk(run, before);
  setHandler(tellSignal, (tellings, enders) =>
    desk.take(tellingsHeard(tellings), endersHeard(enders) ?? desk.state.enders),
  );
  for (let busy = 0; ;) {
    // Who is down may stay so for days, and a look costs history: the longer it lasts the rarer.
    // A run that has said its end needs no look.
    const done = (): boolean => desk.pending === 0;
    const idle = (desk.over && (await condition(done).then(done))) || (await within(done, busy));
    busy = idle ? 0 : busy + 1;
    const { taken } = desk;
    if (idle && (await condition(() => desk.taken !== taken, desk.over ? LINGER_MS : LOOK_MS))) continue;
    if (desk.over) {
      if (desk.pending === 0) return;
      continue;
    }
    const open = await openness().runIsOpen(run);
    if (!open) desk.lose();
    else if (desk.pending === 0 && workflowInfo().historyLength > HISTORY_MAX)
      await continueAsNew<typeof notices>(run, desk.state);
  }
}

/** Whether it is `done` by the time of the next look, the longer it was not the later. */
function within(done: () => boolean, busy: number): Promise<boolean> {
  return condition(done, Math.min(LOOK_MAX_MS, LOOK_MS * 2 ** busy));
}

/** How a delivery went: why it failed, and whether it may be tried again. */
type Outcome =
  { readonly delivered: true } | { readonly delivered: false; readonly why: string; readonly final: boolean };

/** What was taken, and who is being told. */
class Desk {
  state: NoticesState;
  /** How many notices this execution took. */
  taken = 0;
  /** Deliveries and confirmations under way. */
  pending = 0;
  readonly #run: string;
  /** By destination: settles when all that it was to be told by now is over. */
  readonly #lines = new Map<string, Promise<unknown>>();

  constructor(run: string, before: NoticesState) {
    this.#run = run;
    this.state = before;
  }

  /** Whether the run's end has been taken. A run that was reset after its end is told of again. */
  get over(): boolean {
    return this.state.last?.event === 'closed';
  }

  /** Takes what it has not taken yet. */
  take(tellings: readonly Telling[], enders: readonly string[]): void {
    this.state = { ...this.state, enders };
    for (const { notice, to } of tellings) {
      const { taken } = this.state;
      if (taken.includes(notice.key)) continue;
      this.taken += 1;
      this.state = { ...this.state, taken: [...taken, notice.key].slice(-REMEMBERED_MAX), last: notice };
      for (const name of to) this.#line(name, notice);
    }
  }

  /** The run is closed, and has not said so. */
  lose(): void {
    const { last, enders } = this.state;
    if (last && !this.over) this.take([{ notice: lostNotice(last, Date.now()), to: enders }], enders);
  }

  /** One after the other, but that an abort which must be told waits for none; what comes after it waits for all. */
  #line(name: string, notice: Notice): void {
    const before = this.#lines.get(name) ?? Promise.resolve();
    this.pending += 1;
    const mine = (notice.confirm ? Promise.resolve() : before)
      .then(() => this.#deliver(name, notice))
      // A journal that cannot be written is the journal's to say.
      .catch(() => undefined)
      .finally(() => (this.pending -= 1));
    this.#lines.set(name, Promise.all([before, mine]));
  }

  async #deliver(name: string, notice: Notice): Promise<void> {
    const hurried = await this.#tell(name, notice, notice.confirm === true);
    if (!notice.confirm) return;
    const goesOn = !hurried.delivered && !hurried.final;
    const later = goesOn ? this.#tell(name, notice, false) : undefined;
    // A journal that cannot be written now must not keep anybody from being told.
    await this.#confirm(
      name,
      notice,
      goesOn ? { ...hurried, why: `${hurried.why}; it is tried again` } : hurried,
    ).catch(() => undefined);
    if (later) await this.#confirm(name, notice, await later);
  }

  async #tell(to: string, notice: Notice, hurried: boolean): Promise<Outcome> {
    try {
      const input = { to, notice, kept: this.state.kept[to] ?? {} };
      const left = await delivering(hurried).deliver.executeWithOptions({ summary: `${to}: ${notice.event}` }, [input]);
      const { kept } = this.state;
      this.state = { ...this.state, kept: { ...kept, [to]: { ...kept[to], ...left } } };
      return { delivered: true };
    } catch (failure) {
      return { delivered: false, ...reasonOf(failure) };
    }
  }

  /** Known by the abort's number and a time of its own: two that come at once are both kept. */
  async #confirm(to: string, { seq }: Notice, outcome: Outcome): Promise<void> {
    const atMs = Math.max(Date.now(), this.state.confirmedAtMs + 1);
    this.state = { ...this.state, confirmedAtMs: atMs };
    const { delivered } = outcome;
    const told = {
      seq,
      atMs,
      type: 'told',
      to,
      delivered,
      ...(outcome.delivered ? {} : { why: outcome.why }),
    } as const;
    await journal(true).record.executeWithOptions({ summary: `journal: ${to} ${delivered ? 'told' : 'not told'}` }, [
      this.#run,
      [told],
    ]);
  }
}

/** What a destination failed with, in the activity's own words. */
function reasonOf(failure: unknown): { readonly why: string; readonly final: boolean } {
  let cause = failure;
  while (cause instanceof Error && cause.cause instanceof Error) cause = cause.cause;
  if (cause instanceof ApplicationFailure) return { why: cause.message, final: cause.nonRetryable === true };
  const why = cause instanceof ActivityFailure ? 'it could not be tried' : 'nobody was there to try it';
  return { why, final: false };
}
