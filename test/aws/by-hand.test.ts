/** What people read an undo record with, when nothing of ours is left that could: the line of docs/aws.md, as it stands there. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { readTagSlot, takeSlot } from '../../activities/faults/aws/tag-slot.ts';

const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'aws.md'), 'utf8');
const [line = assert.fail('docs/aws.md has no line that reads a record')] = /^record\(\) \{.*\}$/m.exec(page) ?? [];

function whyNoPython(): string | false {
  try {
    execFileSync('python3', ['--version']);
    return false;
  } catch {
    return 'no python3: apt-get install python3';
  }
}

const SKIP = whyNoPython();
const FAULT = {
  installation: 'squall',
  id: 'run/stage-1/i',
  run: 'run',
  target: 'eu-west-1/subnet/subnet-0123',
  params: { outside: '50%' },
  ttlMs: 60_000,
  notAfterMs: 600_000,
};

for (const [what, undo, prefix] of [
  ['one tag or two', { acl: 'acl-0123', association: 'aclassoc-0123' }, 'squall:'],
  // Squeezed by nothing, so that it takes more than ten tags: their numbers are no text to sort by.
  ['more than ten tags', { groups: randomBytes(1_500).toString('hex') }, 'squall:'],
  ['the tags of a group', { desired: 3, healthy: {} }, 'squall:terminated-i-0123-'],
] as const)
  it(`a record in ${what} is read by the line that the page has`, { skip: SKIP }, () => {
    const patch = takeSlot(readTagSlot({}, 'it'), 'aws/az-outage', FAULT, undo, 1_000);
    const rows = Object.entries(patch).map(([key, value]) => `${key.replace('squall:', prefix)}\t${value ?? ''}\n`);
    const printed = execFileSync('bash', ['-c', `${line}\nrecord`], {
      input: `Name\tweb\nsquall:ended-0123\t1970-01-01T00:00:00.000Z\n${rows.toSorted().join('')}`,
      encoding: 'utf8',
    });
    const { params, installation, undo: read, endsMs } = JSON.parse(printed) as Record<string, unknown>;
    assert.deepEqual([params, installation, read, endsMs], [FAULT.params, 'squall', undo, 601_000]);
  });
