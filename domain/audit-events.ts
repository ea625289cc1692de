/**
 * Which events are audited, and as what.
 *
 * Owns the one table from a run's journal, and from the emergency stop, to audit records. Pure: whoever appends decides
 * nothing. What has no row is not audited.
 */
import { recordOf, signedBy } from './audit.ts';
import type { AuditRecord } from './audit.ts';
import type { EmergencyStop } from './emergency-stop.ts';
import { unproven } from './identity.ts';
import { eventKey } from './journal.ts';
import type { JournalEntry, JournalEvent } from './journal.ts';

type EventOf<T extends JournalEntry['type']> = Extract<JournalEvent, { type: T }>;
/** What the table adds to an event's run, time and key; undefined where nobody did it. */
type Row<T extends JournalEntry['type']> = (event: EventOf<T>) => Omit<AuditRecord, 'key' | 'atMs' | 'run'> | undefined;

const TABLE: { readonly [T in JournalEntry['type']]?: Row<T> } = {
  started: ({ startedBy, from, experiment }) => ({
    what: 'start',
    ...signedBy(startedBy, from),
    why: experiment.hypothesis,
  }),
  approved: ({ by, from, plan, reason }) => ({ what: 'approve', ...signedBy(by, from), why: reason ?? '', hash: plan }),
  rejected: ({ by, from, plan, reason }) => ({ what: 'reject', ...signedBy(by, from), why: reason, hash: plan }),
  note: ({ by, from, text }) => ({ what: 'note', ...signedBy(unproven(by), from), why: text }),
  acknowledged: ({ by, from, reason }) => ({ what: 'acknowledge', ...signedBy(unproven(by), from), why: reason }),
  abort: ({ cause, by, from, evidence }) => {
    if (cause === 'cancelled') return { what: 'abort', who: 'nobody is named by a cancel in Temporal', why: evidence };
    if (cause !== 'person' && cause !== 'emergency-stop') return undefined;
    const who = by === undefined ? { who: 'nobody was named' } : signedBy(unproven(by), from);
    return { what: 'abort', ...who, why: evidence };
  },
};

/** What an event of `run` is audited as; undefined where it is not. `hashed`: what the run was then, where the event does not say. */
export function auditOfEvent(run: string, event: JournalEvent, hashed?: string): AuditRecord | undefined {
  const row = TABLE[event.type] as ((event: JournalEvent) => ReturnType<Row<'started'>>) | undefined;
  const audited = row?.(event);
  if (audited === undefined) return undefined;
  const { atMs } = event;
  const hash = audited.hash ?? hashed;
  const key = `run ${run} ${eventKey(event)}`;
  return recordOf({ key, atMs, ...audited, run, ...(hash === undefined ? {} : { hash }) });
}

/** What pulling the emergency stop is audited as. `latch` names this very stop, which may be pulled again later. */
export function auditOfStop(latch: string, { site, by, from, reason }: EmergencyStop, atMs: number): AuditRecord {
  const why = `${siteOf(site)}: ${reason}`;
  return recordOf({ key: `stop ${latch}`, atMs, what: 'stop', ...signedBy(unproven(by), from), why });
}

/** What releasing it is audited as. `by` says whether it was proven. */
export function auditOfResume(
  latch: string,
  site: string | undefined,
  { by, from, reason }: { readonly by: string; readonly from?: string; readonly reason: string },
  atMs: number,
): AuditRecord {
  const why = `${siteOf(site)}: ${reason}`;
  return recordOf({ key: `resume ${latch}`, atMs, what: 'resume', ...signedBy(by, from), why });
}

/** What the end of a latch is audited as whose stop the policy does not let. */
export function auditOfRefusedStop(latch: string, site: string | undefined, why: string, atMs: number): AuditRecord {
  const key = `resume ${latch}`;
  return recordOf({ key, atMs, what: 'resume', who: 'the policy', why: `${siteOf(site)}: ${why}` });
}

/** What the end of a latch is audited as that nobody released. `execution` names it, `how` is Temporal's word for its end. */
export function auditOfLostStop(execution: string, site: string | undefined, how: string, atMs: number): AuditRecord {
  const why = `${siteOf(site)}: ${how} in Temporal, not released by \`squall resume\``;
  return recordOf({
    key: `lost ${execution}`,
    atMs,
    what: 'resume',
    who: 'nobody is named by an end in Temporal',
    why,
  });
}

function siteOf(site: string | undefined): string {
  return site === undefined ? 'everything' : `site ${site}`;
}
