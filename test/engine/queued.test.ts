/** A run that waits for its first targets: another's fault is on meanwhile, and the world goes on. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { AdmitInput, PreflightInput, RecoverInput, WatchInput } from '../../activities/interface.ts';
import type { Experiment } from '../../domain/experiment.ts';
import { policyOf } from '../../workers/policy-settings.ts';
import type { RunResult } from '../../workflows/messages.ts';
import { goesOn, preflighted, Skipping } from './skipping.ts';

describe('a run that waits for its first targets', () => {
  let skipping: Skipping;
  /** What was done, by run. */
  const done = new Map<string, string[]>();
  const does = (run: string, what: string): void => void done.set(run, [...(done.get(run) ?? []), what]);
  before(async () => {
    let asked = 0;
    skipping = await Skipping.open({
      admit({ run, stage }: AdmitInput) {
        does(run, stage === undefined ? 'admit' : `admit to ${stage}`);
        const waits = stage !== undefined && done.get(run)?.filter((what) => what === 'admit to 0').length === 1;
        const guards = waits ? [{ guard: 'budget', passed: false, found: 'waits as number 1', waits: true }] : [];
        return { guards, policy: policyOf(), startedBy: { name: 'a test', proven: false } };
      },
      queue({ run }: AdmitInput) {
        does(run, 'queue');
        return { guard: 'budget', passed: true, found: 'its targets are its own' };
      },
      preflight(input: PreflightInput) {
        asked += 1;
        does(input.seed, input.waitMs === 0 ? 'pre-flight at once' : 'pre-flight');
        const found = preflighted(input);
        return input.seed === 'changed' ? { ...found, planHash: `plan ${asked}` } : found;
      },
      watch({ experiment }: WatchInput & { experiment: Experiment }) {
        does(experiment.blastRadius.seed ?? '', 'watch');
        return goesOn('30 days');
      },
      recover({ experiment }: RecoverInput) {
        does(experiment.blastRadius.seed ?? '', 'recover');
        return { recovered: true, tookMs: 0, readings: [], series: {} };
      },
    });
  });
  after(() => skipping.close());

  const end = async (run: string): Promise<RunResult> =>
    (await (await skipping.start(run, [1], 1_000)).result()) as RunResult;

  it('is not watched before it has them, and asks its site again, where it waits no more: others may wait for it', async () => {
    await end('patient');
    const [did, then] = [done.get('patient')?.slice(0, 6), done.get('patient')?.slice(6)];
    assert.deepEqual(did, ['admit', 'pre-flight', 'admit to 0', 'queue', 'pre-flight at once', 'admit to 0']);
    assert.ok(then?.includes('watch') && then.includes('recover'), then?.join(', '));
  });

  it('is refused where the plan is another one by then, and has nothing to recover from', async () => {
    const { status, deviated, reason } = await end('changed');
    assert.deepEqual([status, deviated], ['refused', null]);
    assert.match(reason, /^budget: the plan is another one by now/);
    assert.deepEqual(done.get('changed'), ['admit', 'pre-flight', 'admit to 0', 'queue', 'pre-flight at once']);
  });
});
