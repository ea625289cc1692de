/** A signed start is good for one start: of this name, experiment and document, now, and never again. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { climb } from '../../activities/admission/guard.ts';
import type { Asked } from '../../activities/admission/guard.ts';
import { approvalGuard, policyGuard, starterOf } from '../../activities/admission/policy.ts';
import { experimentHash } from '../../activities/admission/proof.ts';
import { openFileStore } from '../../activities/journal/file.ts';
import type { JournalStore } from '../../activities/journal/store.ts';
import { pausing } from '../../bench/torture/experiment.ts';
import { signedText, SIGNED_MS, startText } from '../../domain/identity.ts';
import type { Claim } from '../../domain/identity.ts';
import { policyOf, policySchema } from '../../workers/policy-settings.ts';
import { asked } from './asked.ts';

const AT_MS = Date.parse('2026-11-02T10:00:00Z');
const experiment = pausing({ fault: 'host/pause', group: 'a', seed: 'a', ttlMs: 5_000, stages: [1], holdMs: 5_000 });
const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const key = publicKey.export({ type: 'spki', format: 'pem' }).toString();
const policy = policyOf(policySchema.parse({ version: '1', people: { alice: { key, may: ['start'] } } }));

const signed = (what: string): Claim => {
  const text = Buffer.from(signedText({ act: 'start', of: 'any', what }, 'alice'));
  return { by: 'alice', signature: sign(null, text, privateKey).toString('base64') };
};
const ALICE = { ...signed(startText(experimentHash(experiment), 'a document', AT_MS)), signedAtMs: AT_MS };
const START: Asked = { ...asked(experiment), documentHash: 'a document', startedBy: ALICE, first: 'any' };

describe('what somebody signed', () => {
  test('starts exactly this, now', () => {
    const alice = { who: { name: 'alice', proven: true } };
    for (const nowMs of [AT_MS, AT_MS + SIGNED_MS, AT_MS - SIGNED_MS])
      assert.deepEqual(starterOf(policy, START, nowMs), alice);
    // Long runs are asked again before each stage.
    assert.deepEqual(starterOf(policy, { ...START, stage: 3 }, AT_MS + 100 * SIGNED_MS), alice);
  });

  test('starts nothing else', () => {
    const nothing: readonly Partial<Asked>[] = [
      { run: 'another' },
      { documentHash: 'another' },
      { experiment: { ...experiment, hypothesis: 'another' } },
      { plans: true },
      { startedBy: { ...ALICE, signedAtMs: AT_MS + 1 } },
      { startedBy: { by: 'alice', signature: ALICE.signature ?? '' } },
      // As 0.2 signed, and with no time that anybody can tell.
      { startedBy: signed(experimentHash(experiment)) },
      { startedBy: signed(startText(experimentHash(experiment), 'a document', NaN)), stage: 1 },
    ];
    for (const change of nothing) {
      const { who, forbidden } = starterOf(policy, { ...START, ...change }, AT_MS);
      assert.equal(who.proven, false, JSON.stringify(change));
      assert.match(forbidden ?? '', /^alice \(not authenticated\) may not start/);
    }
  });

  test('starts nothing later, nor what was reset later', async () => {
    const late = AT_MS + SIGNED_MS + 1;
    const says = /^alice \(not authenticated\) may not start: the signature is good for 10m .*; start it anew/;
    for (const change of [{}, { stage: 2, execution: 'the reset one' }]) {
      const { signal } = new AbortController();
      const [answer] = await climb([policyGuard(policy, () => late)], { ...START, ...change }, signal);
      assert.equal(answer?.passed, false);
      assert.match(answer?.found ?? '', says);
    }
    const early = starterOf(policy, { ...START, stage: 2, execution: 'the reset one' }, AT_MS + SIGNED_MS);
    assert.deepEqual(early, { who: { name: 'alice', proven: true } });
  });
});

describe('a run of this name', () => {
  let folder: string;
  let store: JournalStore;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'squall-started-'));
    store = openFileStore(folder);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const found = async (run: string, change: Partial<Asked> = {}): Promise<string> => {
    const guards = [approvalGuard(store)];
    const [answer] = await climb(guards, { ...START, run, ...change }, new AbortController().signal);
    return `${answer?.passed === true ? 'passed' : 'refused'}: ${answer?.found ?? ''}`;
  };
  const started = (run: string, execution?: string): Promise<unknown> =>
    store.append(run, [
      {
        seq: 0,
        atMs: AT_MS,
        type: 'started',
        experiment,
        documentHash: '',
        seed: '',
        startedBy: 'alice',
        ...(execution === undefined ? {} : { execution }),
        installation: '',
        versions: {},
      },
    ]);

  test('was never started before, or by this very start, and then reset', async () => {
    const passed = 'passed: none was needed, or none is yet';
    assert.equal(await found('never'), passed);
    await started('open', 'any');
    assert.equal(await found('open'), passed);
    assert.equal(await found('open', { execution: 'the reset one' }), passed);
    await started('old');
    assert.equal(await found('old'), passed, 'an older version did not say');
  });

  test('was started before, and starts no more', async () => {
    await started('taken', 'the one before');
    const says = 'a run of this name was started before, at 2026-11-02T10:00:00.000Z; start it under another name';
    assert.equal(await found('taken'), `refused: ${says}`);
  });

  test('was over when it was reset, and is over', async () => {
    await started('over', 'any');
    const closed = { type: 'closed', status: 'completed', deviated: false, reason: 'it held' } as const;
    await store.append('over', [{ seq: 1, atMs: AT_MS + 1, ...closed }]);
    for (const change of [{}, { execution: 'the reset one', stage: 1 }])
      assert.match(await found('over', change), /^refused: a run of this name was over before, at /);
    // The execution that goes on has been admitted, and does not read a long journal for each stage.
    assert.match(await found('over', { stage: 1 }), /^passed/);
  });

  test('has a journal that cannot be read: refused', async () => {
    await started('torn', 'any');
    assert.match(await found('torn'), /^passed/);
    await writeFile(join(folder, 'torn.json'), 'torn');
    assert.match(await found('torn'), /^refused: cannot be read/);
  });
});
