/** Who of a later stage may not be touched any more is left alone: the real workflows, with a site that says who. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { MinHealthyInput, StageAnswer } from '../../activities/interface.ts';
import type { JournalEvent } from '../../domain/journal.ts';
import { targetKey } from '../../domain/target-key.ts';
import type { RunResult } from '../../workflows/messages.ts';
import { Skipping } from '../engine/skipping.ts';

const PASSED = { guard: 'min-healthy', passed: true, found: 'not asked for' };
/** Whoever watches here sees nothing, and nothing else is held against these runs. */
const UNWATCHED = /^stage 1 was watched for only 0%/;
/** What the site says of a stage, by the seed of its run. */
const SAYS: Readonly<Record<string, (input: MinHealthyInput) => StageAnswer>> = {
  one: () => ({ ...PASSED, spared: { at: [1], found: '1 critical=true (t3)' } }),
  all: ({ stage = [] }) => ({ ...PASSED, spared: { at: stage.map((_, i) => i), found: '2 not Ready (t2, t3)' } }),
  none: () => ({ ...PASSED, spared: { at: [], found: 'nobody is left out' } }),
  silent: () => {
    throw new Error('the cluster does not answer');
  },
};

describe('before a later stage its targets are looked at again', () => {
  let skipping: Skipping;
  const asked: MinHealthyInput[] = [];
  const written: (readonly [run: string, event: JournalEvent])[] = [];
  before(async () => {
    skipping = await Skipping.open({
      minHealthy(input: MinHealthyInput) {
        asked.push(input);
        return SAYS[input.experiment.blastRadius.seed ?? '']?.(input);
      },
      record(run: string, events: readonly JournalEvent[]) {
        written.push(...events.map((event) => [run, event] as const));
        return { searchAttributes: false };
      },
    });
  });
  after(() => skipping.close());

  /** A run of one target, then of three; with what each stage that was opened had, and what was said of the second. */
  async function live(run: string) {
    const handle = await skipping.start(run, [1, 3], 10_000);
    const result = (await handle.result()) as RunResult;
    const events = written.flatMap(([of, event]) => (of === run ? [event] : []));
    const opened = events.flatMap((event) =>
      event.type === 'stage-opened' ? [[event.targets, event.reached, event.radius]] : [],
    );
    const said = events.flatMap((event) =>
      event.type === 'admission' && event.stage === 1 ? event.guards.map(({ found }) => found) : [],
    );
    const skipped = events.flatMap((event) => (event.type === 'stage-skipped' ? [event.why] : []));
    return { result, opened, said, skipped };
  }
  const FIRST = [['t1'], 1, 1 / 3];

  it('all may be touched still: the stage has them all, and they were asked about by their keys', async () => {
    const { result, opened, said } = await live('none');
    assert.match(result.reason, UNWATCHED);
    assert.deepEqual(opened, [FIRST, [['t2', 't3'], 3, 1]]);
    assert.deepEqual(said, [
      '2 of the 2 targets of the stage may still be touched; left out by now: nobody is left out',
    ]);
    const [input, ...more] = asked.filter(({ experiment }) => experiment.blastRadius.seed === 'none');
    assert.deepEqual([input?.stage, input?.reached, more], [['t2', 't3'].map(targetKey), [], []]);
  });

  it('one may not: the stage goes on with the other, and the run has reached two of three', async () => {
    const { result, opened, said, skipped } = await live('one');
    assert.match(result.reason, UNWATCHED);
    assert.deepEqual(opened, [FIRST, [['t2'], 2, 2 / 3]]);
    assert.deepEqual(said, [
      '1 of the 2 targets of the stage may still be touched; left out by now: 1 critical=true (t3)',
    ]);
    assert.deepEqual(skipped, []);
  });

  it('none may: the stage is skipped', async () => {
    const { result, opened, skipped } = await live('all');
    assert.match(result.reason, UNWATCHED);
    assert.deepEqual(opened, [FIRST]);
    assert.deepEqual(skipped, ['none of its targets may be touched any more']);
  });

  it('nobody can say: the run ends', async () => {
    const { result, opened } = await live('silent');
    assert.equal(result.status, 'aborted');
    assert.match(result.reason, /^targets: cannot be read: .*the cluster does not answer/);
    assert.deepEqual(opened, [FIRST]);
  });
});
