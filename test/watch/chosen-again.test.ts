/** Whom a lease leaves alone who would not be chosen any more, with the real no-op driver and its targets. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { notChosenAgain } from '../../activities/chosen-again.ts';
import type { FaultDriver, Site } from '../../activities/faults/driver.ts';
import { openDrivers, openTargets } from '../../activities/faults/registry.ts';
import type { TargetProvider } from '../../activities/targets/provider.ts';
import type { TargetId } from '../../domain/fault.ts';
import type { JsonObject } from '../../domain/experiment.ts';
import { leaseTiming } from '../../domain/timing.ts';
import { policyOf } from '../../workers/policy-settings.ts';

let site: Site;
let driver: FaultDriver<unknown>;
let noop: TargetProvider<unknown>;
before(async () => {
  const stateDir = await mkdtemp(join(tmpdir(), 'squall-chosen-again-'));
  site = { name: 'a', installation: 'test', stateDir, settings: {} };
  driver = (await openDrivers(site)).get('noop/noop') ?? assert.fail();
  noop = (await openTargets(site)).get('noop') ?? assert.fail();
});
after(() => rm(site.stateDir, { recursive: true, force: true }));

const TARGETS = ['n2', 'n3', 'n4', 'n5'];
const { protect } = policyOf();
const ofFour = { selector: { count: 4 }, protect };

async function look(
  again: { selector: JsonObject; protect: typeof protect } | undefined,
  provider = noop,
): Promise<ReadonlyMap<TargetId, string>> {
  const batch = {
    run: 'any',
    lease: 'any/stage-2',
    kind: 'noop/noop',
    params: {},
    targets: TARGETS,
    timing: leaseTiming(TARGETS.length, 10_000),
    notAfterMs: 60_000,
    ...(again && { again }),
  };
  return notChosenAgain(batch, driver, provider, AbortSignal.timeout(10_000));
}

test('who is gone, and whom the policy protects by now, with the reason', async () => {
  const marked: TargetProvider<unknown> = {
    ...noop,
    async resolve(selector, signal, chosen) {
      assert.deepEqual(chosen, { targets: new Set(TARGETS), asksBudgets: false });
      const found = await noop.resolve(selector, signal);
      return { ...found, facts: new Map([...found.facts, ['n3', { labels: { critical: 'true' } }]]) };
    },
  };
  assert.deepEqual(
    [...(await look(ofFour, marked))],
    [
      ['n3', 'protected by the label critical=true'],
      ['n5', 'it is gone, or not selected any more'],
    ],
  );
});

test('those who were just chosen are not looked at', async () => {
  const silent: TargetProvider<unknown> = { ...noop, resolve: () => Promise.reject(new Error('no answer')) };
  assert.deepEqual([...(await look(undefined, silent))], []);
  await assert.rejects(look(ofFour, silent), /^Error: no answer$/);
});

test('a selector that is not valid any more is no leave', async () => {
  await assert.rejects(look({ ...ofFour, selector: { count: 0 } }), /^Error: the selector is not valid: /);
});
