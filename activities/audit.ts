/**
 * The audit's way into the store.
 *
 * Owns who is audited with which plan, and that a policy is audited when it changes. What is audited at all is a table in
 * `domain/audit-events.ts`.
 */
import { recordOf, signedBy } from '../domain/audit.ts';
import { auditOfEvent } from '../domain/audit-events.ts';
import type { JournalEvent } from '../domain/journal.ts';
import type { JournalStore } from './journal/store.ts';

/** Audits those of a run's events that are somebody's doing. `store` has the events already. */
export async function auditEvents(store: JournalStore, run: string, events: readonly JournalEvent[]): Promise<void> {
  const audited = events.filter((event) => auditOfEvent(run, event) !== undefined);
  if (audited.length === 0) return;
  const started = events.find(isStart) ?? (await startOf(store, run));
  const records = audited.map((event) => auditOfEvent(run, event, started?.documentHash));
  await store.audit.append(records.filter((record) => record !== undefined));
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

/** How the run began; undefined where its journal cannot be read, which must not keep an abort out of the audit. */
async function startOf(store: JournalStore, run: string): Promise<Start | undefined> {
  const journal = await store.read(run).catch(() => undefined);
  return journal?.events.find(isStart);
}
