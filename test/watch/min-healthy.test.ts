/** Who is left outside of the blast radius before a stage, counted with the real no-op driver. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { FaultDriver, Site } from '../../activities/faults/driver.ts';
import { openDrivers, openTargets } from '../../activities/faults/registry.ts';
import { minHealthy } from '../../activities/min-healthy.ts';
import type { TargetProvider } from '../../activities/targets/provider.ts';
import { pausing } from '../../bench/torture/experiment.ts';
import type { GuardAnswer } from '../../domain/admission.ts';
import type { StageSize } from '../../domain/experiment.ts';
import { targetKey } from '../../domain/target-key.ts';
import { policyOf } from '../../workers/policy-settings.ts';

const attempt = { signal: new AbortController().signal, remainingMs: () => 60_000 };
let site: Site;
let driver: FaultDriver<unknown>;
let noop: TargetProvider<unknown>;
before(async () => {
  const stateDir = await mkdtemp(join(tmpdir(), 'squall-min-healthy-'));
  site = { name: 'a', installation: 'test', stateDir, settings: {} };
  driver = (await openDrivers(site)).get('noop/noop') ?? assert.fail();
  noop = (await openTargets(site)).get('noop') ?? assert.fail();
});
after(() => rm(site.stateDir, { recursive: true, force: true }));

/** Of ten that there were at the start, `there` are there, and the run has reached the first `reached`. */
function count(least: StageSize, there: number, reached: number, targets = noop): Promise<GuardAnswer> {
  const experiment = {
    ...pausing({ fault: 'noop/noop', group: 'any', seed: 'any', ttlMs: 10_000 }),
    targets: { site: 'a', selector: { count: there } },
    preconditions: { minHealthy: least },
  };
  const keys = Array.from({ length: reached }, (_, i) => targetKey(`n${i + 1}`));
  const { protect } = policyOf();
  return minHealthy({ experiment, candidates: 10, reached: keys, protect }, { driver, targets }, attempt.signal);
}
const share = (of: number): StageSize => ({ kind: 'share', share: of, text: `${of * 100}%` });

test('a share is of those that there were at the start, and who is gone is not left', async () => {
  assert.deepEqual(await count(share(0.6), 8, 2), {
    guard: 'min-healthy',
    passed: true,
    found: '6 candidates are left outside of the blast radius, there and under no fault; expected 6 of 10',
  });
  assert.deepEqual(await count(share(0.6), 7, 2), {
    guard: 'min-healthy',
    passed: false,
    found: '5 candidates are left outside of the blast radius, there and under no fault; expected 6 of 10',
  });
  assert.equal((await count(share(0.55), 7, 2)).passed, false, 'it rounds up');
  assert.equal((await count({ kind: 'count', count: 5, text: '5' }, 7, 2)).passed, true);
});

test('a target of the run that is gone takes nothing from those that are left', async () => {
  const without: TargetProvider<unknown> = {
    ...noop,
    async resolve(selector, signal) {
      const found = await noop.resolve(selector, signal);
      return { ...found, targets: found.targets.filter((target) => target !== 'n1') };
    },
  };
  assert.match((await count(share(0.6), 10, 2, without)).found, /^8 candidates are left/);
});

test('who is protected by now, or under somebody else’s fault, is not left', async () => {
  const protectedOne: TargetProvider<unknown> = {
    ...noop,
    async resolve(selector, signal) {
      const found = await noop.resolve(selector, signal);
      return { ...found, facts: new Map([...found.facts, ['n9', { labels: { critical: 'true' } }]]) };
    },
  };
  assert.match((await count(share(0.6), 10, 2, protectedOne)).found, /^7 candidates are left/);
  const fault = { id: 'other/n10', installation: 'test', run: 'other', target: 'n10', params: {} };
  const [outcome] = await driver.inject([{ ...fault, ttlMs: 60_000, notAfterMs: 60_000 }], attempt);
  assert.equal(outcome?.result, 'injected');
  assert.match((await count(share(0.6), 10, 2)).found, /^7 candidates are left/);
});

test('who cannot be counted is not taken for well', async () => {
  const silent: TargetProvider<unknown> = { ...noop, resolve: () => Promise.reject(new Error('no answer')) };
  await assert.rejects(count(share(0.6), 10, 2, silent), /^Error: no answer$/);
  await assert.rejects(count(share(0.6), 0, 2), /^Error: the selector is not valid: /);
});
