import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Reading } from '../../domain/probe.ts';
import { openProbes, probesSchema } from '../../activities/probes/registry.ts';
import type { OpenProbe } from '../../activities/probes/registry.ts';

const never = new AbortController().signal;

function open(settings: Record<string, unknown>, allowCommands = true): OpenProbe {
  const probes = openProbes(
    probesSchema.parse({ it: { type: 'command', unit: 'count', timeout: '5s', ...settings } }),
    { allowCommands },
  );
  return probes.get('it') ?? assert.fail();
}

async function read(run: string[], settings: Record<string, unknown> = {}, signal = never): Promise<number | string> {
  const reading: Reading = await open({ run, ...settings }).probe.read(signal);
  return reading.ok ? reading.value : reading.why;
}

const sh = (script: string): string[] => ['sh', '-c', script];

/** Whether a process lives; one that ended and was not yet collected by its parent does not. */
async function lives(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat !== '' && !/\) [ZX] /.test(stat);
}

async function gone(pid: number): Promise<boolean> {
  for (let tries = 0; tries < 100 && (await lives(pid)); tries += 1)
    await new Promise((resolve) => setTimeout(resolve, 20));
  return !(await lives(pid));
}

describe('a command', () => {
  test('is refused unless the worker allows it', async () => {
    const probe = open({ run: ['echo', '1'] }, false);
    assert.match(probe.check()[0] ?? '', /allowCommands/);
    assert.equal((await probe.probe.read(never)).ok, false);
  });

  test('reads as the one number it prints', async () => {
    assert.equal(await read(['echo', ' -12.5e1 ']), -125);
    for (const text of ['', 'seven', '1 2', 'NaN', 'Infinity', '0x10', '1,000'])
      assert.match(String(await read(['echo', text])), /printed no number/);
  });

  test('gets its arguments as they are: no shell reads them', async () => {
    assert.match(String(await read(['echo', '$(echo 7)'])), /printed no number: \$\(echo 7\)/);
  });

  test('that fails is no data with what it complained of, or its exit code where that is asked for', async () => {
    assert.equal(await read(sh('echo 5; echo no leave >&2; exit 3')), 'it ended with 3: no leave');
    assert.equal(await read(sh('exit 3'), { parse: 'exit-code' }), 3);
    assert.match(String(await read(sh('kill -TERM $$'), { parse: 'exit-code' })), /ended by a signal/);
  });

  test('that is not there is no data, and check says so before', async () => {
    assert.match(String(await read(['squall-no-such-program'])), /ENOENT/);
    assert.deepEqual(open({ run: ['squall-no-such-program'] }).check(), [
      'there is no program squall-no-such-program on this worker',
    ]);
    assert.deepEqual(open({ run: ['sh'] }).check(), []);
  });

  test('sees of the environment only what it is handed', async () => {
    process.env['SQUALL_TEST_SECRET'] = '42';
    assert.match(String(await read(sh('echo $SQUALL_TEST_SECRET'))), /printed no number/);
    assert.equal(await read(sh('echo $SQUALL_TEST_SECRET'), { env: ['SQUALL_TEST_SECRET'] }), 42);
    delete process.env['SQUALL_TEST_SECRET'];
  });
});

describe(
  'leaves no process',
  { skip: process.platform === 'linux' ? false : 'looks in /proc: run it on Linux' },
  () => {
    test('when it is too slow, with the children it started', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'squall-command-'));
      const file = join(folder, 'pid');
      assert.equal(
        await read(sh(`sleep 1000 & echo $! > ${file}; wait`), { timeout: '3s' }),
        'it did not end within 3000 ms',
      );
      const pid = Number(await readFile(file, 'utf8'));
      await rm(folder, { recursive: true });
      assert.ok(pid > 1);
      assert.ok(await gone(pid));
    });

    test('when it ends and leaves a child behind', async () => {
      const pid = Number(await read(sh('sleep 1000 & echo $!')));
      assert.ok(pid > 1);
      assert.ok(await gone(pid));
    });

    test('when a child ignores every polite request', async () => {
      const pid = Number(await read(sh('(trap "" TERM HUP INT; sleep 1000) & echo $!')));
      assert.ok(await gone(pid));
    });

    test('when it prints without end', async () => {
      assert.match(String(await read(['yes'])), /more than 65536 bytes/);
      assert.match(String(await read(sh('yes >&2'))), /more than 65536 bytes/);
    });

    test('when it is no longer wanted', async () => {
      const wanted = new AbortController();
      const reading = read(['sleep', '1000'], { timeout: '1m' }, wanted.signal);
      setTimeout(() => wanted.abort(), 50);
      assert.equal(await reading, 'it was no longer wanted');
    });

    test('and answers although something that left the group holds its output', async () => {
      const pid = Number(await read(sh('setsid sleep 1000 & echo $!')));
      // `setsid` left the group, which is beyond what a probe can end: the test does.
      if (await lives(pid)) process.kill(pid, 'SIGKILL');
      assert.ok(await gone(pid));
    });
  },
);
