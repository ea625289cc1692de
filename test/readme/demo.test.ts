/** `npm run demo`, in a pipe: both experiments end as designed, and nothing is left. */
import assert from 'node:assert/strict';
import { readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from './blocks.ts';
import { open } from './terminal.ts';

test('npm run demo', async () => {
  const demo = open('npm run demo', ROOT);
  const code = await demo.code;
  const says = demo.output();
  assert.equal(code, 0, says);
  assert.match(says, /completed.*held/);
  assert.match(says, /aborted.*deviated/);
  assert.match(says, /Temporal UI: http:\/\/127\.0\.0\.1:\d+/);
  assert.match(says, /Both ended as they were designed to; no fault is left\./);
  const [, journal = ''] = /reports and journals: (\S+)/.exec(says) ?? assert.fail(says);
  const reports = (await readdir(journal)).filter((name) => name.endsWith('.html'));
  assert.equal(reports.length, 2);
  for (const report of reports) assert.ok(says.includes(join(journal, report)), 'the path of each report is shown');
  await rm(dirname(journal), { recursive: true });
  assert.deepEqual(demo.left(), [], 'processes left behind');
});
