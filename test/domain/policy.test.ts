/** What a policy allows: the rules, what stands where nothing is written, and who a signature proves. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, test } from 'node:test';
import { authority } from '../../activities/admission/proof.ts';
import { pausing } from '../../bench/torture/experiment.ts';
import type { BlastRadius, Experiment } from '../../domain/experiment.ts';
import { describeIdentity, signedText } from '../../domain/identity.ts';
import type { Signed } from '../../domain/identity.ts';
import { planStages } from '../../domain/ladder.ts';
import { approvalsNeeded, planViolationsOf, protectionAt, protectionOf, violationsOf } from '../../domain/policy.ts';
import type { PlanForPolicy, Policy } from '../../domain/policy.ts';
import { policyOf, policySchema } from '../../workers/policy-settings.ts';

const written = (section: Record<string, unknown>): Policy =>
  policyOf(policySchema.parse({ version: '1', ...section }));
const share = (of: number) => ({ kind: 'share', share: of, text: `${of * 100}%` }) as const;
const count = (of: number) => ({ kind: 'count', count: of, text: `${of}` }) as const;

function experiment(stages: BlastRadius['stages'], fault = 'host/pause', max?: number): Experiment {
  const paused = pausing({ fault, group: 'any', seed: 'any', ttlMs: 5_000, stages: [1], holdMs: 5_000 });
  return { ...paused, blastRadius: { stages, holdMs: 5_000, ...(max === undefined ? {} : { max }) } };
}

const planOf = ({ blastRadius }: Experiment, candidates: number, reversal = 'reverted'): PlanForPolicy => ({
  reversal,
  candidates,
  stages: planStages(blastRadius, candidates),
});

test('where nothing is written, production and what cannot be undone stay closed', () => {
  const policy = policyOf();
  const any = experiment([share(0.5)]);
  assert.deepEqual(violationsOf(policy, any), []);
  assert.deepEqual(planViolationsOf(policy, any, planOf(any, 10)), []);
  assert.deepEqual(planViolationsOf(policy, any, planOf(any, 10, 'irreversible')), [
    'host/pause is irreversible, and only reverted, heals is allowed',
  ]);
  assert.equal(approvalsNeeded(policy, any, planOf(any, 10)), 0);
  const protectedBy = (labels: Record<string, string>): string | undefined => protectionOf(policy.protect, { labels });
  assert.equal(protectedBy({ environment: 'production' }), 'protected by the label environment=production');
  assert.equal(protectedBy({ critical: 'true' }), 'protected by the label critical=true');
  assert.equal(protectedBy({ 'chaos-monkey': 'disabled' }), 'protected by the label chaos-monkey=disabled');
  assert.equal(protectedBy({ environment: 'staging', critical: 'false' }), undefined);
  assert.match(protectionOf(policy.protect, undefined) ?? '', /nobody can say/);
  assert.match(protectionOf(policy.protect, { labels: {}, namespace: 'kube-system' }) ?? '', /namespace kube-system/);
});

describe('a policy', () => {
  const policy = written({
    sites: ['torture', 'eu'],
    faults: ['host/*', 'noop/noop'],
    protect: { labels: { team: 'bank' }, accounts: ['1111'], hosts: ['db-1'] },
    environments: { production: { sites: ['torture'], open: true, maxRadius: '10%', maxTargets: 3 } },
    approvals: [
      { people: 1, environments: ['production'], radiusAbove: '5%' },
      { people: 2, faults: ['host/kill'] },
      { people: 3, reversals: ['irreversible'] },
      { people: 9, environments: ['production'], faults: ['host/stutter'], radiusAbove: '9%' },
    ],
  });

  test('names all of what a document asks for too much', () => {
    const asks = experiment([share(0.1), share(0.5), count(4)], 'file/missing');
    assert.deepEqual(violationsOf(policy, { ...asks, targets: { ...asks.targets, site: 'us' } }), [
      'site us is not one of those allowed: torture, eu',
      'fault file/missing is not one of those allowed: host/*, noop/noop',
    ]);
    assert.deepEqual(violationsOf(policy, experiment([share(0.1), share(0.5), count(4)])), [
      'stage 50% is more than 10%, the most in environment production',
      'stage 4 is more than 3, the most in environment production',
    ]);
    assert.deepEqual(violationsOf(policy, experiment([share(0.1), count(3)])), []);
  });

  test('judges the plan by what it reaches', () => {
    const found = (stages: BlastRadius['stages'], candidates: number): string[] => {
      const asks = experiment(stages);
      return planViolationsOf(policy, asks, planOf(asks, candidates));
    };
    assert.deepEqual(found([count(3)], 30), []);
    assert.deepEqual(found([count(3)], 29), [
      '3 of 29 candidates is more than 10%, the most in environment production',
    ]);
    assert.deepEqual(found([share(0.1)], 50), ['5 targets are more than 3, the most in environment production']);
  });

  test('asks as many people as the strictest rule that applies', () => {
    const needed = (asks: Experiment, candidates = 100, reversal = 'reverted'): number =>
      approvalsNeeded(policy, asks, planOf(asks, candidates, reversal));
    assert.equal(needed(experiment([share(0.05)])), 0);
    assert.equal(needed(experiment([share(0.06)])), 1);
    assert.equal(needed(experiment([share(0.01)], 'host/kill')), 2);
    assert.equal(needed(experiment([share(0.1)], 'host/kill'), 100, 'irreversible'), 3);
    assert.equal(needed(experiment([share(0.1)], 'host/stutter')), 9);
  });

  test('opens an environment by name, and protects what it names besides the defaults', () => {
    const why = (facts: Parameters<typeof protectionOf>[1], site = 'torture'): string | undefined =>
      protectionOf(protectionAt(policy, site), facts);
    assert.match(why({ labels: { environment: 'production' } }, 'eu') ?? '', /environment=production/, 'not elsewhere');
    assert.equal(why({ labels: { environment: 'production' } }), undefined);
    assert.match(why({ labels: { critical: 'true' } }) ?? '', /critical/);
    assert.match(why({ labels: { team: 'bank' } }) ?? '', /team=bank/);
    assert.match(why({ labels: {}, account: '1111' }) ?? '', /account 1111/);
    assert.match(why({ labels: {}, host: 'db-1' }) ?? '', /host db-1/);
    const { protect } = written({ optIn: { label: 'chaos', value: 'yes' } });
    assert.equal(protectionOf(protect, { labels: { chaos: 'yes' } }), undefined);
    assert.match(protectionOf(protect, { labels: { chaos: 'no' } }) ?? '', /without the label chaos=yes/);
  });

  test('has a hash that changes with what it allows, and not with how often it is read', () => {
    assert.equal(policyOf().hash, policyOf().hash);
    assert.notEqual(policyOf().hash, policy.hash);
    assert.notEqual(written({}).hash, written({ irreversible: true }).hash);
  });

  test('that names an environment which it does not have is wrong', () => {
    const { error } = policySchema.safeParse({ version: '1', approvals: [{ people: 1, environments: ['prod'] }] });
    assert.match(error?.issues[0]?.message ?? '', /expected one of the policy's environments: none/);
  });
});

describe('who somebody is', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const policy = written({
    people: { alice: { key: pem, may: ['approve'] }, __proto__: { key: pem, may: ['start'] } },
  });
  const signed: Signed = { act: 'approve', of: 'a-run', what: 'a plan' };
  const proof = (of: Signed, by: string): string =>
    sign(null, Buffer.from(signedText(of, by)), privateKey).toString('base64');

  test('is one person: two of one key, however it is written, would be one who counts twice', () => {
    const may = ['approve'] as const;
    const people = { alice: { key: pem, may }, bob: { key: `# bob's\n${pem}`, may } };
    const { error } = policySchema.safeParse({ version: '1', people });
    assert.deepEqual(
      error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`),
      ["people.bob.key: expected a key of bob's own; it is alice's too, and whoever has it would count as two"],
    );
    const broken = { alice: { key: 'none', may }, bob: { key: 'none', may } };
    const { error: both } = policySchema.safeParse({ version: '1', people: broken });
    assert.deepEqual(
      both?.issues.map(({ path, message }) => `${path.join('.')}: ${message.slice(0, 30)}`),
      ['alice', 'bob'].map((name) => `people.${name}.key: expected an Ed25519 public key`),
    );
  });

  test('is proven by a signature over exactly this', () => {
    const ask = { signed, right: 'approve' } as const;
    const good = authority(policy, { ...ask, claim: { by: 'alice', signature: proof(signed, 'alice') } });
    assert.deepEqual(good, { who: { name: 'alice', proven: true } });
    const wrong = [
      { by: 'alice' },
      { by: 'alice', signature: '' },
      { by: 'alice', signature: 'not base64 !' },
      { by: 'alice', signature: proof({ ...signed, act: 'reject' }, 'alice') },
      { by: 'alice', signature: proof({ ...signed, of: 'another-run' }, 'alice') },
      { by: 'alice', signature: proof({ ...signed, what: 'another plan' }, 'alice') },
      { by: 'mallory', signature: proof(signed, 'mallory') },
      { by: 'constructor', signature: proof(signed, 'constructor') },
    ];
    for (const claim of wrong) {
      const { who, forbidden } = authority(policy, { ...ask, claim });
      assert.equal(who.proven, false, JSON.stringify(claim));
      assert.match(forbidden ?? '', /\(not authenticated\) may not approve; those who may, with their key: alice/);
    }
  });

  test('does not give a right that the policy does not', () => {
    const start = { ...signed, act: 'start' } as const;
    const claim = { by: 'alice', signature: proof(start, 'alice') };
    assert.match(authority(policy, { claim, signed: start, right: 'start' }).forbidden ?? '', /alice may not start/);
  });

  test('cannot be told where the policy knows nobody, and is said so', () => {
    const { who, forbidden } = authority(policyOf(), { claim: { by: 'alice' }, signed, right: 'approve' });
    assert.equal(forbidden, undefined);
    assert.equal(describeIdentity(who), 'alice (not authenticated)');
  });
});
