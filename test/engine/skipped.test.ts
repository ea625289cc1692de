/** Targets that a driver has left as the experiment says: they are counted as nothing else, and a run of nothing says so. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { FaultBatch, InjectReport } from '../../activities/interface.ts';
import type { JournalEvent } from '../../domain/journal.ts';
import type { RunResult } from '../../workflows/messages.ts';
import { Skipping } from './skipping.ts';

const FIRST = 'pod/shop/web: skipped (beyond its budget)';

describe('targets that were skipped', () => {
  let skipping: Skipping;
  const journal: JournalEvent[] = [];
  before(async () => {
    skipping = await Skipping.open({
      record(_run: string, events: readonly JournalEvent[]) {
        journal.push(...events);
        return { searchAttributes: false };
      },
      inject({ run, stage, targets }: FaultBatch & { readonly stage: number }): InjectReport {
        const all = run === 'all' || stage === 1;
        const injected = all ? 0 : 1;
        return { injected, gone: 0, skipped: { count: targets.length - injected, first: FIRST }, failed: [] };
      },
    });
  });
  after(() => skipping.close());

  const end = async (run: string): Promise<RunResult & { readonly held: number[] }> => {
    journal.length = 0;
    const result = (await (await skipping.start(run, [2, 4], 1_000)).result()) as RunResult;
    return { ...result, held: journal.flatMap((event) => (event.type === 'stage-held' ? [event.injected] : [])) };
  };

  it('a run goes on with those that were not, and its journal says how many were', async () => {
    const { held } = await end('some');
    assert.deepEqual(held, [1, 0]);
    assert.ok(!journal.some((event) => event.type === 'abort' && event.cause === 'skipped'));
    const problems = journal.flatMap((event) => (event.type === 'stage-held' ? event.problems : []));
    assert.deepEqual(problems, [
      `1 targets were skipped, among them ${FIRST}`,
      `2 targets were skipped, among them ${FIRST}`,
    ]);
  });

  it('a run of which all were has harmed nobody, which is no verdict and no failure', async () => {
    const { status, deviated, reason, held } = await end('all');
    assert.deepEqual([status, deviated, held], ['aborted', null, [0, 0]]);
    assert.equal(reason, `2 targets were skipped, among them ${FIRST}`);
    assert.ok(journal.some((event) => event.type === 'abort' && event.cause === 'skipped'));
    assert.equal(journal.filter((event) => event.type === 'reverted').length, 2, 'what was claimed is undone');
  });
});
