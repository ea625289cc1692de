/** What the control worker audits of a run, although it died in the middle of it. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import { experimentHash } from '../../activities/admission/proof.ts';
import { controlActivities } from '../../activities/control.ts';
import { openFileStore } from '../../activities/journal/file.ts';
import type { JournalStore } from '../../activities/journal/store.ts';
import type { AuditEntry } from '../../domain/audit.ts';
import type { JournalEvent } from '../../domain/journal.ts';
import { signedText, startText } from '../../domain/identity.ts';
import type { Claim } from '../../domain/identity.ts';
import type { Policy } from '../../domain/policy.ts';
import { policyOf, policySchema } from '../../workers/policy-settings.ts';
import { EXPERIMENT } from '../report/story.ts';

let root: string;
let folder: string;
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'squall-audited-'));
});
beforeEach(async () => {
  folder = await mkdtemp(join(root, 'case-'));
});
after(() => rm(root, { recursive: true, force: true }));

const STARTED: JournalEvent = {
  seq: 0,
  atMs: 1_000,
  type: 'started',
  experiment: EXPERIMENT,
  documentHash: 'the document',
  seed: 's',
  startedBy: 'ada@laptop',
  installation: '',
  versions: {},
};
const ABORT: JournalEvent = {
  seq: 1,
  atMs: 2_000,
  type: 'abort',
  cause: 'person',
  mode: 'immediate',
  evidence: 'enough',
  by: 'bob@desk',
};

const PRE_FLIGHT = { type: 'pre-flight', checks: [], candidates: 1, excluded: [], baseline: {} } as const;
const HASH = experimentHash(EXPERIMENT);
const note = (seq: number, text: string): JournalEvent => ({
  seq,
  atMs: 1_000 * seq,
  type: 'note',
  by: 'ada@laptop',
  text,
});

/** The activities of a control worker; what they add to the journal is counted. */
function control(
  store: JournalStore,
  seen: JournalEvent[] = [],
  policy: Policy = policyOf(),
): ReturnType<typeof controlActivities> {
  return controlActivities({
    store,
    installation: 'here',
    versions: {},
    searchAttributes: false,
    guards: [],
    policy,
    levers: [],
    alerts: [],
    destinations: new Map(),
    client: new Client({ connection: Connection.lazy() }),
    onEvents: async (_run, added) => void seen.push(...added),
  });
}

const shown = ({ what, who, hash, run, why }: AuditEntry): readonly unknown[] => [what, who, hash, run, why];

test('a retry audits what the attempt before it had only journalled, and nothing twice', async () => {
  const store = openFileStore(folder);
  // As far as an attempt came whose worker was killed then.
  await store.append('r', [STARTED, ABORT]);
  for (let attempt = 0; attempt < 3; attempt++) await control(openFileStore(folder)).record('r', [STARTED, ABORT]);
  assert.deepEqual((await Array.fromAsync(store.audit.entries())).map(shown), [
    ['start', 'ada@laptop (not authenticated)', HASH, 'r', EXPERIMENT.hypothesis],
    ['abort', 'bob@desk (not authenticated)', HASH, 'r', 'enough'],
  ]);
});

test('what is recorded later carries the hash of what its run was then: its experiment, and then its plan', async () => {
  const store = openFileStore(folder);
  const plan: JournalEvent = { ...PRE_FLIGHT, seq: 2, atMs: 2_000, plan: 'the plan' };
  const changed: JournalEvent = { ...PRE_FLIGHT, seq: 4, atMs: 4_000, plan: 'another plan' };
  await control(store).record('r', [STARTED]);
  await control(store).record('r', [note(1, 'early')]);
  await control(store).record('r', [plan, note(3, 'planned')]);
  await control(store).record('r', [changed, note(5, 'planned anew'), { ...ABORT, seq: 6, atMs: 6_000 }]);
  // A run that was reset has no plan until it has made one.
  await control(store).record('r', [
    { ...STARTED, atMs: 7_000 },
    { ...note(1, 'reset'), atMs: 8_000 },
  ]);
  const audited = (await Array.fromAsync(store.audit.entries())).map(({ what, hash, why }) => [what, hash, why]);
  assert.deepEqual(audited.slice(1), [
    ['note', HASH, 'early'],
    ['note', 'the plan', 'planned'],
    ['note', 'another plan', 'planned anew'],
    ['abort', 'another plan', 'enough'],
    ['start', HASH, EXPERIMENT.hypothesis],
    ['note', HASH, 'reset'],
  ]);
});

test('the hash is of the experiment itself, whatever its starter says of the document', async () => {
  const store = openFileStore(folder);
  await control(store).record('r', [{ ...STARTED, experiment: { ...EXPERIMENT, hypothesis: 'another' } }]);
  const [{ hash } = {}] = await Array.fromAsync(store.audit.entries());
  assert.match(hash ?? '', /^[0-9a-f]{64}$/);
  assert.notEqual(hash, HASH);
});

describe('who started it', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const key = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const policy = policyOf(policySchema.parse({ version: '1', people: { alice: { key, may: ['start'] } } }));
  const start: JournalEvent = { ...STARTED, startedBy: 'alice (not authenticated)', from: 'laptop' };
  const claim = (): Claim => {
    const signedAtMs = Date.now();
    const what = startText(experimentHash(EXPERIMENT), STARTED.documentHash, signedAtMs);
    const text = Buffer.from(signedText({ act: 'start', of: 'r', what }, 'alice'));
    return { by: 'alice', signature: sign(null, text, privateKey).toString('base64'), signedAtMs };
  };
  const cases: readonly (readonly [what: string, of: () => Claim | undefined, who: string])[] = [
    ['with a signature: by name', claim, 'alice'],
    ['with none, although the policy knows the name', () => ({ by: 'alice' }), 'alice (not authenticated)'],
    ['with a bad one', () => ({ ...claim(), signature: 'bad' }), 'alice (not authenticated)'],
    ['as older workflows tell it', () => undefined, 'alice (not authenticated)'],
  ];
  for (const [what, of, who] of cases)
    test(what, async () => {
      const store = openFileStore(folder);
      await control(store, [], policy).record('r', [start], of());
      const [entry] = await Array.fromAsync(store.audit.entries());
      assert.deepEqual([entry?.what, entry?.who, entry?.from], ['start', who, 'laptop']);
      const [event] = (await store.read('r'))?.events ?? [];
      assert.equal(event?.type === 'started' && event.startedBy, who, 'and so in the journal');
      assert.ok(!JSON.stringify(event).includes('signature'));
    });
});

test('an audit that cannot be written refuses the record, and what is metered counts once', async () => {
  const store = openFileStore(folder);
  await control(store).record('first', [STARTED]);
  const file = join(folder, 'audit', '000000.jsonl');
  await writeFile(file, 'torn');
  const seen: JournalEvent[] = [];
  const says = /000000\.jsonl, line 1, cannot be read as an entry/;
  for (let attempt = 0; attempt < 2; attempt++) await assert.rejects(control(store, seen).record('r', [STARTED]), says);
  assert.equal(seen.length, 1);
  await assert.rejects(control(store).audit([{ key: 'k', atMs: 0, what: 'stop', who: 'ada' }]), says);
});
