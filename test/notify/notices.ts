/** Notices as a run makes them, for whoever delivers them. */
import type { Journal } from '../../domain/journal.ts';
import { noticesOf } from '../../domain/notice.ts';
import type { Notice, NoticeEvent } from '../../domain/notice.ts';

/** All that there is to tell of a journal. */
export function allOf({ run, events }: Journal): readonly Notice[] {
  return noticesOf(run, events, events);
}

/** One notice of a run that is in no journal. */
export function noticeOf(run: string, event: NoticeEvent, seq: number, more: Partial<Notice> = {}): Notice {
  const facts = { run, experiment: 'slow-payments', site: 'shop', fault: 'host/pause', event, evidence: 'it is said' };
  const atMs = Date.UTC(2026, 10, 23, 14, 0, seq);
  return { run, key: `${seq} ${atMs} ${event}`, seq, atMs, startedAtMs: atMs, event, facts, ...more };
}
