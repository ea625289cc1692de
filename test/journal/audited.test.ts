/** What the control worker audits of a run, although it died in the middle of it. */
import { policyOf } from '../../workers/policy-settings.ts';
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import { controlActivities } from '../../activities/control.ts';
import { openFileStore } from '../../activities/journal/file.ts';
import type { JournalStore } from '../../activities/journal/store.ts';
import type { AuditEntry } from '../../domain/audit.ts';
import type { JournalEvent } from '../../domain/journal.ts';
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

/** The activities of a control worker; what they add to the journal is counted. */
function control(store: JournalStore, seen: JournalEvent[] = []): ReturnType<typeof controlActivities> {
  return controlActivities({
    store,
    installation: 'here',
    versions: {},
    searchAttributes: false,
    guards: [],
    policy: policyOf(),
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
    ['start', 'ada@laptop', 'the document', 'r', EXPERIMENT.hypothesis],
    ['abort', 'bob@desk', 'the document', 'r', 'enough'],
  ]);
});

test('an abort that is recorded later carries the hash of its run’s document', async () => {
  const store = openFileStore(folder);
  await control(store).record('r', [STARTED]);
  await control(store).record('r', [ABORT]);
  assert.deepEqual((await Array.fromAsync(store.audit.entries())).map(shown).at(-1), [
    'abort',
    'bob@desk',
    'the document',
    'r',
    'enough',
  ]);
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
