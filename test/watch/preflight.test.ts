/** Pre-flight, with the real no-op driver and probes that read what a test says: what refuses, and in which words. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Site } from '../../activities/faults/driver.ts';
import { openDrivers, openTargets } from '../../activities/faults/registry.ts';
import type { PreflightResult } from '../../activities/interface.ts';
import type { Candidates, TargetProvider } from '../../activities/targets/provider.ts';
import type { Protection } from '../../domain/policy.ts';
import { policyOf } from '../../workers/policy-settings.ts';
import { bytesOf } from '../../activities/packing.ts';
import { FROZEN_MAX_BYTES, preflight, WRITTEN_MAX_BYTES } from '../../activities/preflight.ts';
import type { OpenProbe } from '../../activities/probes/registry.ts';
import type { Breach, Experiment, StageSize } from '../../domain/experiment.ts';
import type { Dimension } from '../../domain/quantity.ts';
import { parseQuantity } from '../../domain/units.ts';

const limit = (value: number) => ({ value, dimension: 'count', text: `${value}` }) as const;
let site: Site;
before(async () => {
  const stateDir = await mkdtemp(join(tmpdir(), 'squall-preflight-'));
  site = { name: 'a', installation: 'test', stateDir, settings: {} };
});
after(() => rm(site.stateDir, { recursive: true, force: true }));

/** What a look may differ in. */
interface Differing {
  readonly facts?: Candidates['facts'];
  readonly protect?: Protection;
  readonly minHealthy?: StageSize;
  readonly minHealthyShare?: number;
  /** How long is waited, and who hears what for. */
  readonly waits?: { readonly waitMs: number; readonly say: (found: string) => void };
  /** So many targets with the longest names there are, all of which are reached. */
  readonly many?: number;
  /** The same, but these. */
  readonly these?: readonly string[];
}

/** Looks at an experiment on three no-op targets, of which it reaches one; `onRead` happens while the probe is read. */
async function look(
  value: number,
  breach: Breach,
  dimension: Dimension = 'count',
  onRead: () => Promise<void> = async () => undefined,
  { facts, protect, minHealthy, minHealthyShare, these, many = these?.length, waits }: Differing = {},
): Promise<PreflightResult> {
  const drivers = await openDrivers(site);
  const noop = (await openTargets(site)).get('noop') ?? assert.fail();
  const provider: TargetProvider<unknown> = {
    ...noop,
    resolve: async (selector, signal) => {
      const found = await noop.resolve(selector, signal);
      return { ...found, targets: these ?? found.targets, facts: facts ?? found.facts };
    },
  };
  const probe: OpenProbe = {
    name: 'value',
    type: 'constant',
    unit: 'count',
    dimension,
    timeoutMs: 1_000,
    check: () => [],
    probe: {
      read: async () => {
        await onRead();
        return { ok: true, value };
      },
    },
  };
  const experiment: Experiment = {
    name: 'a',
    hypothesis: 'It stays as it is',
    steadyState: [
      { probe: 'value', group: 'system', tolerance: { kind: 'range', max: { ...limit(1_000), dimension } } },
    ],
    fault: 'noop/noop',
    with: {},
    targets: { site: 'a', selector: { count: many ?? 3, name: 'n'.repeat(many === undefined ? 1 : 40) } },
    blastRadius: { stages: [{ kind: 'count', count: many ?? 1, text: 'all' }], holdMs: 100 },
    stopConditions: [{ probe: 'value', breach, forMs: 0, abort: 'immediate' }],
    recoverWithinMs: 100,
    sampleEveryMs: 10,
    ...(minHealthy ? { preconditions: { minHealthy } } : {}),
  };
  return preflight(
    {
      experiment,
      seed: 'any',
      ...(protect ? { protect } : {}),
      ...(minHealthyShare ? { minHealthyShare } : {}),
      ...(waits ? { waitMs: waits.waitMs } : {}),
    },
    {
      driver: drivers.get('noop/noop'),
      targets: provider,
      probes: new Map([['value', probe]]),
    },
    new AbortController().signal,
    waits?.say,
  );
}

const refusal = ({ checks }: PreflightResult): string => {
  const failed = checks.find(({ passed }) => !passed);
  return failed ? `${failed.check}: ${failed.found}` : 'passed';
};

test('a stop condition that is in breach already refuses', async () => {
  assert.equal(refusal(await look(3, { kind: 'above', limit: limit(5) })), 'passed');
  assert.equal(
    refusal(await look(9, { kind: 'above', limit: limit(5) })),
    'stop-conditions: value 9 is above 5 already',
  );
});

test('a drop from a baseline of nothing could never be seen, and refuses', async () => {
  assert.equal(refusal(await look(3, { kind: 'drops', share: 0.5 })), 'passed');
  assert.equal(
    refusal(await look(0, { kind: 'drops', share: 0.5 })),
    'stop-conditions: the baseline of value is 0, from which nothing drops',
  );
});

test('only a running total is counted', async () => {
  const ten: Breach = { kind: 'count', count: 10, withinMs: 60_000 };
  assert.equal(refusal(await look(3, ten)), 'passed');
  assert.equal(
    refusal(await look(3, ten, 'rate')),
    'probes: probe value measures rate, and `count` counts the rise of a running total',
  );
});

test('a plain number above 1 is no limit of a ratio, where it would never be reached', async () => {
  const above = async (text: number | string): Promise<string> =>
    refusal(await look(0.01, { kind: 'above', limit: parseQuantity(text) ?? assert.fail('no quantity') }, 'ratio'));
  assert.equal(await above(5), 'probes: probe value measures ratio, where 5 is 500%: write 5% or 500%');
  assert.equal(await above('2.2'), 'probes: probe value measures ratio, where 2.2 is 220%: write 2.2% or 220%');
  for (const text of [1, 0.05, '5%', '150%']) assert.equal(await above(text), 'passed', `${text}`);
  assert.equal(await above('5s'), 'probes: probe value measures ratio, and is compared with duration');
});

const above: Breach = { kind: 'above', limit: limit(5) };

/** Does `act` with a fault of `run` on `target`, put on by `on` and taken off by `off`. */
async function underFault(
  run: string,
  target: string,
  act: (on: () => Promise<void>, off: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const driver = (await openDrivers(site)).get('noop/noop') ?? assert.fail('no driver');
  const attempt = { signal: new AbortController().signal, remainingMs: () => 1_000 };
  const fault = {
    id: `${run}/stage-1/${target}`,
    installation: 'test',
    run,
    target,
    params: {},
    ttlMs: 60_000,
    notAfterMs: 60_000,
  };
  const off = async (): Promise<void> => void (await driver.revert([fault], attempt));
  await act(async () => void (await driver.inject([fault], attempt)), off);
  await off();
}

test('a candidate under the fault of another run refuses, chosen or not, and the other is named', async () => {
  for (const target of ['n1', 'n2', 'n3']) {
    await underFault('other', target, async (on) => {
      await on();
      const found = refusal(await look(3, above));
      assert.equal(found, `free: 1 of 3 candidates are under another fault: ${target} by other/stage-1/${target}`);
    });
  }
});

test('a run that may wait waits until the other is over, and then looks at all anew', async () => {
  const said: string[] = [];
  await underFault('busy', 'n1', async (on, off) => {
    await on();
    let reads = 0;
    const onRead = async (): Promise<void> => void (reads += 1);
    const say = (found: string): void => {
      assert.equal(reads, 0, 'nothing is measured under another fault');
      said.push(found);
      if (said.length === 2) void off();
    };
    const result = await look(3, above, 'count', onRead, { waits: { waitMs: 60_000, say } });
    assert.equal(refusal(result), 'passed');
    assert.ok(reads > 0);
  });
  const other = '1 of 3 candidates are under another fault: n1 by busy/stage-1/n1';
  assert.deepEqual(said, [other, other]);
});

test('a run that came while the baseline was taken refuses too', () =>
  underFault('late', 'n1', async (on) => {
    const result = await look(3, above, 'count', on);
    assert.equal(refusal(result), 'free: 1 of 3 candidates are under another fault: n1 by late/stage-1/n1');
    assert.equal(result.checks.find(({ check }) => check === 'free')?.passed, true, 'at first they were free');
  }));

test('whom the policy protects is left out and said, and so is one of whom nothing is known', async () => {
  const { protect } = policyOf();
  const plain = { labels: {} };
  const calm = { kind: 'above', limit: limit(5) } as const;
  const found = (facts: Candidates['facts']): Promise<PreflightResult> =>
    look(0, calm, 'count', undefined, { facts, protect });
  const all = await look(0, calm, 'count', undefined, { protect });
  assert.deepEqual([all.candidates, all.excluded], [3, []]);
  const { candidates, targets, excluded, planHash } = await found(
    new Map([
      ['n1', { labels: { critical: 'true' } }],
      ['n2', plain],
    ]),
  );
  assert.deepEqual([candidates, targets], [1, ['n2']]);
  assert.deepEqual(excluded, [
    { reason: 'protected by the label critical=true', count: 1 },
    { reason: 'of whom nobody can say whether the policy protects them', count: 1 },
  ]);
  assert.notEqual(planHash, all.planHash);
  assert.match(refusal(await found(new Map())), /^targets: 0 candidates, left out: 3 of whom nobody can say/);
});

test('what is left outside of the blast radius must be enough', async () => {
  const calm = { kind: 'above', limit: limit(5) } as const;
  const of = async (minHealthy: StageSize): Promise<string> =>
    refusal(await look(0, calm, 'count', undefined, { minHealthy }));
  assert.equal(await of({ kind: 'count', count: 2, text: '2' }), 'passed');
  assert.equal(
    await of({ kind: 'count', count: 3, text: '3' }),
    'min-healthy: 2 of 3 candidates are left outside of the blast radius, expected 3',
  );
  assert.equal(await of({ kind: 'share', share: 2 / 3, text: '66.7%' }), 'passed');
  assert.match(await of({ kind: 'share', share: 0.67, text: '67%' }), /^min-healthy: .* expected 3$/);
  // The policy's word counts where it is the stricter one.
  const byPolicy = async (minHealthyShare: number, minHealthy?: StageSize): Promise<string> =>
    refusal(await look(0, calm, 'count', undefined, { minHealthyShare, ...(minHealthy ? { minHealthy } : {}) }));
  assert.match(await byPolicy(0.67), /^min-healthy: .* expected 3$/);
  assert.match(await byPolicy(0.67, { kind: 'count', count: 1, text: '1' }), /^min-healthy: .* expected 3$/);
  assert.match(await byPolicy(0.1, { kind: 'count', count: 3, text: '3' }), /^min-healthy: .* expected 3$/);
  assert.equal(await byPolicy(0.5), 'passed');
});

test('targets that take more to write down than one payload may hold refuse, and do not travel', async () => {
  const calm = { kind: 'above', limit: limit(5) } as const;
  const of = (many: number): Promise<PreflightResult> => look(0, calm, 'count', undefined, { many });
  const written = ({ targets, services }: PreflightResult): number => bytesOf([targets, services, {}]).written;
  const some = await of(12_000);
  assert.equal(refusal(some), 'passed');
  // Each further target takes as much as the last one does: five digits, its name, two quotes, two commas and a zero.
  const most = 12_000 + Math.floor((WRITTEN_MAX_BYTES - written(some)) / (40 + 5 + 5));
  const full = await of(most);
  assert.deepEqual([refusal(full), full.targets.length], ['passed', most]);
  const more = await of(most + 1);
  assert.match(
    refusal(more),
    new RegExp(
      `^size: the ladder reaches ${most + 1} targets, which take \\d+ bytes .*, expected at most ${WRITTEN_MAX_BYTES}: `,
    ),
  );
  assert.deepEqual([more.targets, more.services, more.candidates], [[], { names: [], members: [], of: [] }, most + 1]);
  assert.ok(JSON.stringify(more).length < 2_000);
});

test('five thousand pods with names as long as people give them go into one run, and ten thousand do not', async (t) => {
  const calm = { kind: 'above', limit: limit(5) } as const;
  const of = (count: number): Promise<PreflightResult> =>
    look(0, calm, 'count', undefined, { these: Array.from({ length: count }, (_, i) => podOf(i)) });
  const full = await of(5_000);
  assert.deepEqual([refusal(full), full.targets.length], ['passed', 5_000]);
  const { written, travelling } = bytesOf([full.targets, full.services, {}]);
  t.diagnostic(`5,000 pods take ${written} bytes to write down, and travel as ${travelling}`);
  assert.ok(travelling < 0.8 * FROZEN_MAX_BYTES, `${travelling} bytes`);
  const more = await of(10_000);
  assert.match(refusal(more), /^size: the ladder reaches 10000 targets, which travel as \d+ bytes, expected at most/);
  assert.deepEqual(more.targets, []);
});

/** A pod of one of forty services. What Kubernetes draws is a hash here, which packs no better than what is drawn. */
function podOf(i: number): string {
  const drawn = (of: string): string => createHash('sha256').update(of).digest('hex');
  const service = `${i % 40}`;
  const uid = drawn(`pod ${i}`).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5');
  const suffix = [...Buffer.from(drawn(`name ${i}`), 'hex').subarray(0, 5)]
    .map((byte) => 'bcdfghjklmnpqrstvwxz2456789'[byte % 27])
    .join('');
  return `pod/team-${service}-payments-production/checkout-${service}-${drawn(service).slice(0, 10)}-${suffix}@${uid}`;
}
