/** A part of the suite of every store: what its list says of a program's choice. */
import assert from 'node:assert/strict';
import type { JournalStore } from '../../activities/journal/store.ts';
import type { JournalEvent } from '../../domain/journal.ts';
import type { Ranked } from '../../domain/picking.ts';

const RANKED: Ranked = { pooled: 0, experiment: 'it', reasons: {} };

/** That a program took what had been deployed since its last test is in the list, and nothing else is taken for it. */
export async function listsDeployed(open: () => JournalStore): Promise<void> {
  const store = open();
  const chosen = (...ranking: readonly Ranked[]): JournalEvent[] => {
    const choice = { pick: 'evidence' as const, seed: '', ranking, passedOver: [], of: 2 };
    return [
      { seq: 0, atMs: 1_000, type: 'chosen', program: 'p', cadence: 'c', choice },
      { seq: 1, atMs: 2_000, type: 'blind', what: 'watch', why: 'any' },
    ];
  };
  await store.append('after', chosen({ ...RANKED, deployed: 'since-tested' }, RANKED));
  await store.append('another', chosen(RANKED, { ...RANKED, deployed: 'since-tested' }));
  await store.append('unknown', chosen({ ...RANKED, deployed: 'unknown' }));
  const heads = await open().list();
  const listed = Object.fromEntries(heads.map(({ run, afterDeployment }) => [run, afterDeployment]));
  assert.deepEqual(listed, { after: true, another: undefined, unknown: undefined });
}
