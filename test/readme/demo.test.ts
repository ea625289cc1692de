/** `npm run demo`, in a pipe: both experiments end as designed, or early when somebody wants it, and nothing is left. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { freePort } from '../../workers/temporal-server.ts';
import { until } from '../until.ts';
import { ROOT } from './blocks.ts';
import { open } from './terminal.ts';
import type { Terminal } from './terminal.ts';

let state: string;
before(async () => (state = await mkdtemp(join(tmpdir(), 'squall-demo-state-'))));
after(() => rm(state, { recursive: true, force: true }));

/** The demo, with its undo records and all that it leaves to be looked at where this test removes them. */
const start = (command: string): Terminal => open(command, ROOT, { XDG_STATE_HOME: state, TMPDIR: state });

test('npm run demo', async () => {
  const demo = start('npm run demo');
  const code = await demo.code;
  const says = demo.output();
  assert.equal(code, 0, says);
  assert.match(says, /completed.*held/);
  assert.match(says, /aborted.*deviated/);
  assert.match(says, /Temporal UI: http:\/\/127\.0\.0\.1:\d+/);
  assert.match(says, /Temporal UI: http:\/\/127\.0\.0\.1:\d+ ends now; npm run demo -- --keep leaves it up/);
  assert.match(says, /Both ended as they were designed to, in \d+ s; no fault is left\./);
  const [, journal = ''] = /reports and journals: (\S+)/.exec(says) ?? assert.fail(says);
  const reports = (await readdir(journal)).filter((name) => name.endsWith('.html'));
  assert.equal(reports.length, 2);
  for (const report of reports) assert.ok(says.includes(join(journal, report)), 'the path of each report is shown');
  assert.deepEqual(demo.left(), [], 'processes left behind');
});

test('npm run demo -- --keep leaves Temporal up until Ctrl-C', async () => {
  const demo = start('npm run demo -- --keep');
  await demo.until(/Temporal stays up: (\S+)/);
  const [, ui = ''] = /Temporal stays up: (\S+)/.exec(demo.output()) ?? [];
  assert.equal((await fetch(ui)).status, 200);
  demo.interrupt();
  await demo.code;
  assert.doesNotMatch(demo.output(), /^ +at /m, 'a stack');
  assert.deepEqual(demo.left(), [], 'processes left behind');
});

test('Ctrl-C in the middle of the demo rolls back, says so, and leaves nothing', async () => {
  const demo = start('npm run demo');
  await demo.until(/the fault is on/);
  demo.interrupt();
  await demo.code;
  assert.match(demo.output(), /waiting for the rollback[^]*reverted[^]*no verdict/);
  assert.doesNotMatch(demo.output(), /^ +at /m, 'a stack');
  assert.deepEqual(demo.left(), [], 'processes left behind');
});

test('Ctrl-C ends a demo that waits for a Temporal which is not there', { timeout: 60_000 }, async () => {
  const demo = open('npm run demo', ROOT, {
    XDG_STATE_HOME: state,
    TMPDIR: state,
    TEMPORAL_ADDRESS: `127.0.0.1:${await freePort()}`,
  });
  await demo.until(/Trying again/);
  demo.interrupt();
  // It would wait for ever.
  await demo.code;
  assert.deepEqual(demo.left(), [], 'processes left behind');
});

test('a demo that is killed leaves nothing', async () => {
  const demo = start('npm run demo');
  await demo.until(/Temporal UI/);
  for (const pid of demo.left()) if (commandOf(pid).includes('demo.ts')) process.kill(pid, 'SIGKILL');
  await until(() => demo.left().length === 0);
  assert.deepEqual(
    (await readdir(state)).filter((name) => name.startsWith('squall-dev-')),
    [],
  );
});

test('Ctrl-C while an experiment of the demo is being started aborts it', async () => {
  const demo = start('npm run demo');
  await demo.until(/^payments-replicas-freeze-\S+: /m);
  demo.interrupt();
  await demo.code;
  assert.match(demo.output(), /waiting for the rollback[^]*no verdict[^]*ended early/);
  assert.deepEqual(demo.left(), [], 'processes left behind');
});

test('what is left of a demo that was killed with its holders ends with the next squall', async () => {
  const demo = start('npm run demo');
  const still = (): number[] => demo.left().filter((pid) => commandOf(pid).includes('replica.mjs'));
  await demo.until(/the fault is on/);
  for (const pid of demo.left()) if (!commandOf(pid).includes('replica.mjs')) process.kill(pid, 'SIGKILL');
  // The rest of the shop ends by itself; a replica that stands still cannot.
  await until(() => still().length < 2);
  assert.equal(still().length, 1, 'a replica stands still, and nobody holds it');
  await until(async () => {
    assert.equal(await start('bin/squall sweep').code, 0);
    return still().length === 0;
  });
});

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
