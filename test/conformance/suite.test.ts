/** The suite itself: a driver by the rules passes, each cheat fails in its case, and what does not apply is not there. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { conformance } from '../../activities/faults/conformance.ts';
import { timedLab } from './timed.ts';

conformance('timed/timed', () => timedLab());

test('each cheat is found out by the case that is for it', async () => {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const args = ['--disable-warning=ExperimentalWarning', '--test-reporter=tap', join(import.meta.dirname, 'cheats.ts')];
  const { stdout } = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const said = await text(stdout);
  assert.deepEqual(
    [...said.matchAll(/^ {4}not ok \d+ - (.*)$/gm)].map(([, title]) => title),
    [
      'when whoever injected it is killed, the fault ends by itself, and is never put on again',
      'an attempt that was aborted does nothing',
      'an attempt whose time is over does nothing',
    ],
  );
  assert.doesNotMatch(
    said,
    /renewing|target is gone|target that is gone/,
    'it has no renew, and its targets cannot go',
  );
});
