/** Who of a later stage would not be chosen any more is left alone: the real workflows, with a site that says who. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { FaultBatch, InjectReport } from '../../activities/interface.ts';
import type { JournalEvent } from '../../domain/journal.ts';
import { policyOf } from '../../workers/policy-settings.ts';
import { protectionAt } from '../../domain/policy.ts';
import type { RunResult } from '../../workflows/messages.ts';
import { endless, Skipping } from '../engine/skipping.ts';

/** What the site says of the second stage, by the run. */
const SAYS: Readonly<Record<string, InjectReport>> = {
  none: { injected: 2, gone: 0, failed: [] },
  one: { injected: 1, gone: 0, skipped: { count: 1, first: 't3: skipped (critical=true)' }, spared: [1], failed: [] },
  all: { injected: 0, gone: 0, skipped: { count: 2, first: 't2: skipped (gone)' }, spared: [0, 1], failed: [] },
};

describe('before a later stage its targets are looked at again', () => {
  let skipping: Skipping;
  const asked = { inject: new Map<string, FaultBatch>(), hold: new Map<string, FaultBatch>() };
  const reverted = new Map<string, FaultBatch>();
  const written: (readonly [run: string, event: JournalEvent])[] = [];
  before(async () => {
    skipping = await Skipping.open({
      inject(batch: FaultBatch) {
        asked.inject.set(batch.lease, batch);
        return batch.lease.endsWith('/stage-2') ? SAYS[batch.run] : { injected: 1, gone: 0, failed: [] };
      },
      hold(batch: FaultBatch) {
        asked.hold.set(batch.lease, batch);
        endless();
      },
      revert(batch: FaultBatch) {
        reverted.set(batch.lease, batch);
        return { targets: batch.targets.length, ownerOpen: true };
      },
      record(run: string, events: readonly JournalEvent[]) {
        written.push(...events.map((event) => [run, event] as const));
        return { searchAttributes: false };
      },
    });
  });
  after(() => skipping.close());

  /** A run of one target, then of three: what is said of its second stage once it holds. */
  async function live(run: string): Promise<readonly string[]> {
    const handle = await skipping.start(run, [1, 3], 10_000);
    const { reason } = (await handle.result()) as RunResult;
    // Whoever watches here sees nothing, and nothing else is held against these runs.
    assert.match(reason, /^stage 1 was watched for only 0%/);
    const held = written.flatMap(([of, event]) => (of === run && event.type === 'stage-held' ? [event] : []));
    assert.equal(held.length, 2);
    return held[1]?.problems ?? [];
  }

  it('the second is told how they were chosen, and the first, which pre-flight has just looked at, is not', async () => {
    assert.deepEqual(await live('none'), []);
    assert.equal(asked.inject.get('none/stage-1')?.again, undefined);
    const protect = protectionAt(policyOf(), 'torture');
    assert.deepEqual(asked.inject.get('none/stage-2')?.again, { selector: { group: 'any' }, protect });
  });

  it('one is left alone: it is not renewed, nor missed at the end, and is reverted all the same', async () => {
    assert.deepEqual(await live('one'), ['1 targets were skipped, among them t3: skipped (critical=true)']);
    assert.deepEqual(asked.hold.get('one/stage-2')?.spared, [1]);
    const { targets, spared } = reverted.get('one/stage-2') ?? assert.fail();
    assert.deepEqual([targets, spared], [['t2', 't3'], [1]]);
  });

  it('all are left alone: the stage does nothing, and the run ends as it would have', async () => {
    assert.deepEqual(await live('all'), ['2 targets were skipped, among them t2: skipped (gone)']);
    assert.deepEqual(reverted.get('all/stage-2')?.spared, [0, 1]);
  });
});
