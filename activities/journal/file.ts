/**
 * The file store: one JSON file a run, `<folder>/<run>.json`; the audit, and the records of game days, in folders beside them.
 *
 * Owns where in the folder each is.
 */
import { join } from 'node:path';
import { openFileAudit } from './file-audit.ts';
import { openFileEvents } from './file-events.ts';
import { DAYS, JOURNALS } from './kind.ts';
import type { JournalStore } from './store.ts';

/** Opens the store in `folder`, which is made at the first append. */
export function openFileStore(folder: string): JournalStore {
  return {
    ...openFileEvents(folder, JOURNALS),
    // Nothing stays open, and a folder that is not there yet is made.
    ready: async () => undefined,
    audit: openFileAudit(join(folder, 'audit')),
    days: openFileEvents(join(folder, 'game-days'), DAYS),
    [Symbol.asyncDispose]: async () => undefined,
  };
}
