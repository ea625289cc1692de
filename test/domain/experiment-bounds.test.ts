/** What a run may be started with past the documents' parser: nothing that the parser would not have made. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { climb } from '../../activities/admission/guard.ts';
import { policyGuard } from '../../activities/admission/policy.ts';
import { pausing } from '../../bench/torture/experiment.ts';
import type { Breach, Experiment, StageSize, StopCondition } from '../../domain/experiment.ts';
import { misformed } from '../../domain/experiment-bounds.ts';
import { policyOf } from '../../workers/policy-settings.ts';
import { asked } from '../admission/asked.ts';
import { EXPERIMENT } from '../report/story.ts';

const MADE = pausing({ fault: 'host/pause', group: 'a', seed: 'a', ttlMs: 5_000, stages: [1, 2], holdMs: 5_000 });
const [CONDITION] = MADE.stopConditions as [StopCondition];
const share = (of: number): StageSize => ({ kind: 'share', share: of, text: `${of}` });
const count = (of: number): StageSize => ({ kind: 'count', count: of, text: `${of}` });
const radius = (change: Partial<Experiment['blastRadius']>): Partial<Experiment> => ({
  blastRadius: { ...MADE.blastRadius, ...change },
});
const condition = (change: Partial<StopCondition>): Partial<Experiment> => ({
  stopConditions: [CONDITION, { ...CONDITION, ...change }],
});
const breach = (made: Breach): Partial<Experiment> => condition({ breach: made });
const value = (of: number) => ({ value: of, dimension: 'count', text: `${of}` }) as const;

const WRONG: readonly (readonly [change: Partial<Experiment>, says: string])[] = [
  [{ name: 'A name' }, 'experiment: found "A name", expected a name'],
  [{ hypothesis: '' }, 'hypothesis: found 0, expected 1 to 500'],
  [{ targets: { site: '../x', selector: {} } }, 'targets.site: found "../x", expected a name'],
  [{ steadyState: [] }, 'steadyState: found no check, expected at least one'],
  [
    { steadyState: [{ probe: 'a', group: 'system', tolerance: { kind: 'range' } }] },
    'steadyState.0: expected min or max',
  ],
  [
    { steadyState: [{ probe: 'a b', group: 'system', tolerance: { kind: 'baseline', share: 1 } }] },
    'steadyState.0.probe: found "a b", expected a name',
  ],
  [{ sampleEveryMs: 0.01 }, 'sampleEvery: found 0.01 ms, expected 100ms to 10m'],
  [{ recoverWithinMs: 1e12 }, 'recoverWithin: found 1000000000000 ms, expected 100ms to 1d'],
  [{ timeToLiveMs: 1e12 }, 'timeToLive: found 1000000000000 ms, expected 3s to 1h'],
  [radius({ stages: [] }), 'blastRadius.stages: found 0, expected 1 to 20'],
  [radius({ stages: [share(2)] }), 'blastRadius.stages.0: found 2, expected a share up to 1'],
  [radius({ stages: [count(0.5)] }), 'blastRadius.stages.0: found 0.5, expected 1 to 1000000'],
  [radius({ stages: [count(2), count(1)] }), 'blastRadius.stages: expected each larger than the one before'],
  [radius({ holdMs: -1 }), 'blastRadius.hold: found -1 ms, expected 1s to 7d'],
  [{ sampleEveryMs: 5_000 }, 'blastRadius.hold: found 5000 ms, expected 10s to 7d'],
  [radius({ waitMs: 1e12 }), 'blastRadius.wait: found 1000000000000 ms, expected 1s to 1d'],
  [radius({ max: 0 }), 'blastRadius.max: found 0, expected 1 to 1000000'],
  [radius({ seed: '' }), 'blastRadius.seed: found 0, expected 1 to 100'],
  [{ stopConditions: [] }, 'stopConditions: found 0, expected 1 to 20'],
  [{ stopConditions: Array.from({ length: 21 }, () => CONDITION) }, 'stopConditions: found 21, expected 1 to 20'],
  [condition({ probe: '' }), 'stopConditions.1.probe: found "", expected a name'],
  [condition({ forMs: 1e12 }), 'stopConditions.1.for: found 1000000000000 ms, expected 0ms to 1d'],
  [condition({ forMs: 400 }), 'stopConditions.1.for: found 400 ms, expected 0 or more than sampleEvery'],
  [breach({ kind: 'drops', share: -1 }), 'stopConditions.1: found the share -1, expected none below 0'],
  [breach({ kind: 'outside', min: value(2), max: value(1) }), 'stopConditions.1: min is not below max'],
  [
    breach({ kind: 'count', count: 1e12, withinMs: 1_000 }),
    'stopConditions.1.count: found 1000000000000, expected 1 to 1000000000',
  ],
  [
    breach({ kind: 'count', count: 1, withinMs: 1e12 }),
    'stopConditions.1.within: found 1000000000000 ms, expected 1s to 1d',
  ],
  [{ preconditions: { window: '' } }, 'preconditions.window: found "", expected a name'],
  [{ preconditions: { coolDownMs: -1 } }, 'preconditions.coolDown: found -1 ms, expected 1s to 30d'],
  [{ preconditions: { capacityMin: -1 } }, 'preconditions.capacity: found the share -1, expected none below 0'],
  [{ preconditions: { minHealthy: share(0) } }, 'preconditions.minHealthy: found 0, expected a share up to 1'],
];

describe('an experiment', () => {
  it('as a document says it is well-formed', () => {
    for (const experiment of [MADE, EXPERIMENT]) assert.equal(misformed(experiment), undefined);
  });

  for (const [change, says] of WRONG)
    it(`is refused by name: ${says}`, () => {
      assert.equal(misformed({ ...MADE, ...change }), says);
    });

  it('that has not the form of one is refused too, by whom a run asks first', async () => {
    const found = async (experiment: unknown): Promise<string | undefined> => {
      const input = asked(experiment as Experiment);
      const [answer] = await climb([policyGuard(policyOf())], input, new AbortController().signal);
      return answer?.passed === false ? answer.found : undefined;
    };
    const made = 'the experiment is not one that Squall has parsed: ';
    assert.equal(await found(MADE), undefined);
    assert.equal(
      await found({ ...MADE, steadyState: [] }),
      `${made}steadyState: found no check, expected at least one`,
    );
    const never = { ...CONDITION, breach: { kind: 'never' } };
    const said = await found({ ...MADE, stopConditions: [never] });
    assert.ok(said?.startsWith(`${made}stopConditions.0.breach.kind: `), said);
    const { sampleEveryMs: _, ...lacking } = MADE;
    assert.ok((await found(lacking))?.startsWith(`${made}sampleEveryMs: `));
  });
});
