/**
 * What a tick asks of the journal: which experiment, and that a finding was looked into.
 *
 * Owns the reading of past runs, which is that of the journal's list and no more, and the writing of an acknowledgement. How is chosen is a rule
 * of `domain/picking.ts`; the answer is recorded with the tick, so that a worker with another rule repeats it.
 */
import type { JournalEvent } from '../domain/journal.ts';
import { unproven } from '../domain/identity.ts';
import type { Candidate, Choice, Choosing, PastRun } from '../domain/picking.ts';
import { choose } from '../domain/picking-choice.ts';
import { auditEvents } from './audit.ts';
import type { JournalHead, JournalStore } from './journal/store.ts';

/** The latest runs of each experiment that are looked at, and its latest finding that nobody has acknowledged, however old. */
const RUNS_MAX = 30;

/** Chooses, by all that the journal has of the pool's experiments, whoever ran them. */
export async function chooseByJournal(store: JournalStore, choosing: Omit<Choosing, 'past'>): Promise<Choice> {
  return choose({ ...choosing, past: pastRuns(await store.list(), choosing.pool) });
}

/** What a journal's list says of earlier runs of `pool`, in the order in which they began. */
export function pastRuns(heads: readonly JournalHead[], pool: readonly Candidate[]): readonly PastRun[] {
  const names = new Set(pool.map(({ experiment }) => experiment));
  const ours = heads
    .flatMap((head) => (head.problem === undefined ? head : unread(head, names)) ?? [])
    .filter(({ experiment }) => names.has(experiment));
  const kept = [...Map.groupBy(ours, ({ experiment }) => experiment).values()].flatMap((runs) => {
    const latest = runs.slice(-RUNS_MAX);
    const finding = runs.findLast(({ deviated, acknowledged }) => deviated === true && acknowledged !== true);
    return finding === undefined || latest.includes(finding) ? latest : [finding, ...latest];
  });
  return kept
    .toSorted((a, b) => a.startedAtMs - b.startedAtMs)
    .map(({ run, experiment, startedAtMs, status, deviated, stopped, problem, ...more }) => ({
      run,
      experiment,
      atMs: startedAtMs,
      deviated,
      aborted: status === 'aborted' && stopped !== false,
      ...(problem === undefined ? {} : { unread: true as const }),
      ...knownOf(more),
    }));
}

/** What a journal that cannot be read may hide is a finding, until it can be read, or is gone; whose it is its run's name says. */
function unread(head: JournalHead, names: ReadonlySet<string>): JournalHead | undefined {
  const experiment = /^(.+)-\d{8}-\d{6}-[^-]+$/.exec(head.run)?.[1];
  return experiment === undefined || !names.has(experiment) ? undefined : { ...head, experiment, deviated: true };
}

/** What older journals do not say. */
function knownOf({
  documentHash,
  acknowledged,
  askedShare,
  reached,
  afterDeployment,
}: Partial<JournalHead>): Omit<PastRun, 'run' | 'experiment' | 'atMs' | 'deviated' | 'aborted' | 'unread'> {
  return {
    ...(documentHash === undefined ? {} : { documentHash }),
    ...(acknowledged === undefined ? {} : { acknowledged }),
    ...(askedShare === undefined ? {} : { askedShare }),
    ...(reached === undefined ? {} : { reached }),
    ...(afterDeployment === undefined ? {} : { afterDeployment }),
  };
}

/** That somebody has looked into a run that deviated. */
export interface Acknowledgement {
  readonly run: string;
  readonly by: string;
  readonly from?: string;
  readonly reason: string;
  /** Milliseconds since the Unix epoch. */
  readonly atMs: number;
}

/** Whose finding was acknowledged, or why none was. */
export type Acknowledged = { readonly experiment: string } | { readonly refused: string };

/** Writes it into the run's journal, and audits it. One that is there already stays as it is. */
export async function acknowledgeFinding(store: JournalStore, given: Acknowledgement): Promise<Acknowledged> {
  const { run, by, from, reason, atMs } = given;
  const journal = await store.read(run);
  if (!journal) return { refused: `there is no journal of ${run}` };
  const { events } = journal;
  const closed = events.findLast((event) => event.type === 'closed');
  if (closed?.deviated !== true)
    return { refused: `${run} ${closed ? 'has not deviated' : 'is not over'}: there is nothing to acknowledge` };
  const known = events.find((event) => event.type === 'acknowledged');
  const seq = events.reduce((last, event) => Math.max(last, event.seq), 0) + 1;
  const said: JournalEvent = known ?? {
    seq,
    atMs: Math.max(atMs, closed.atMs),
    type: 'acknowledged',
    by: unproven(by),
    ...(from === undefined ? {} : { from }),
    reason,
  };
  if (!known) await store.append(run, [said]);
  // Also where it was there: the attempt that wrote it may have died before it came here.
  await auditEvents(store, run, [said]);
  return { experiment: events.find((event) => event.type === 'started')?.experiment.name ?? '' };
}
