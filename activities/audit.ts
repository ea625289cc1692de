/**
 * The audit's way into the store.
 *
 * Owns with which hash a run's events are audited, computed here and not as the starter says it, and that a policy is audited when it changes. What is audited at all is a table in
 * `domain/audit-events.ts`.
 */
import { recordOf, signedBy } from '../domain/audit.ts';
import { auditOfEvent } from '../domain/audit-events.ts';
import type { JournalEvent } from '../domain/journal.ts';
import { experimentHash } from './admission/proof.ts';
import { byTime } from './journal/store.ts';
import type { JournalStore } from './journal/store.ts';

/** Audits those of a run's events that are somebody's doing. `store` has the events already. */
export async function auditEvents(store: JournalStore, run: string, events: readonly JournalEvent[]): Promise<void> {
  const audited = events.filter((event) => auditOfEvent(run, event) !== undefined);
  if (audited.length === 0) return;
  const journal = events.some(isStart) ? events : await journalOf(store, run);
  const records = audited.map((event) => auditOfEvent(run, event, hashAt(event, journal)));
  await store.audit.append(records.filter((record) => record !== undefined));
}

/** What the run was when `event` happened: its plan once pre-flight has made one, its experiment before. */
function hashAt(event: JournalEvent, journal: readonly JournalEvent[]): string | undefined {
  const before = journal.filter((other) => byTime(other, event) <= 0);
  const start = before.findLast(isStart);
  const plan = before.findLast((other) => other.type === 'pre-flight');
  const planned = plan?.plan !== undefined && start && byTime(start, plan) <= 0;
  return planned ? plan.plan : start && experimentHash(start.experiment);
}

/** A policy, as far as the audit goes. */
export interface AuditedPolicy {
  /** SHA-256 of its canonical text, in hex. */
  readonly hash: string;
  readonly version: string;
  /** Who runs the worker that it came with: `user@host`. */
  readonly who: string;
}

/** Audits `policy` where it is another than the last one audited. Several workers may do so at once. */
export async function auditPolicy(store: JournalStore, { hash, version, who }: AuditedPolicy): Promise<void> {
  const last = await store.audit.last('policy');
  if (last?.hash === hash) return;
  // Named by what it follows: a policy that comes back is audited again, and two workers with the same one once.
  const key = `policy ${hash} after ${last?.digest ?? 'none'}`;
  const why = `version ${version}`;
  await store.audit.append([recordOf({ key, atMs: Date.now(), what: 'policy', ...signedBy(who), why, hash })]);
}

type Start = Extract<JournalEvent, { type: 'started' }>;

function isStart(event: JournalEvent): event is Start {
  return event.type === 'started';
}

/** Nothing where it cannot be read, which must not keep an abort out of the audit. */
async function journalOf(store: JournalStore, run: string): Promise<readonly JournalEvent[]> {
  const journal = await store.read(run).catch(() => undefined);
  return journal?.events ?? [];
}
