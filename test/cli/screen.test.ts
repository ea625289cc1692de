/** What is shown of a run: on a terminal, colours and a block that moves; in a pipe, plain lines. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import type { RunResult } from '../../workflows/messages.ts';
import { until } from '../until.ts';
import { documentOf, Installation, underway } from './installation.ts';
import { open } from './squall.ts';

/** Every Debian has it; what is called so elsewhere takes other options. */
const isThere = /util-linux/.test(spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout ?? '');
const noScript = isThere ? false : 'needs the script of util-linux, for a terminal: install bsdutils, or run .ci/run';

/** What tells a program to have colours, or none, is not taken from whoever runs this test. */
const PLAIN = ['-u', 'CI', '-u', 'NO_COLOR', '-u', 'FORCE_COLOR', 'TERM=xterm-256color'];

describe('what is shown of a run', { concurrency: true }, () => {
  let installation: Installation<'terminal' | 'pipe'>;
  before(async () => {
    installation = await Installation.open(['terminal', 'pipe']);
  });
  after(() => installation.close());

  it('on a terminal: colours, sparklines and countdowns; closing it aborts', { skip: noScript }, () =>
    installation.about('terminal', '60s', async (file, victims) => {
      const { lane, env } = installation;
      await writeFile(file, documentOf('terminal', '60s').replace('for: 1s', 'for: 50s'));
      const command = `stty cols 100 rows 30; exec env ${PLAIN.join(' ')} bin/squall run ${file}`;
      const terminal = open('script', ['-qec', command, '/dev/null'], env);
      await underway(victims);
      try {
        lane.level = 9;
        const shown = (words: string): number[] => countdown(terminal.out(), words);
        const sparkline = / level 9 +[▁▂▃▄▅▆▇█]{2,}/;
        await until(() => shown('stage 1 holds for').length >= 2 && shown('aborts in').length >= 2);
        await until(() => sparkline.test(terminal.out()));
        const out = terminal.out();
        assert.match(out, /^\u001B\[1mterminal-\S+\u001B\[22m: /, 'its name in bold');
        assert.match(out, /\u001B\[33m +aborts in \d+s: level 9 is above 5\u001B\[39m/, 'in yellow');
        for (const words of ['stage 1 holds for', 'aborts in'])
          assert.deepEqual(
            shown(words),
            shown(words).toSorted((a, b) => b - a),
            words,
          );
      } finally {
        lane.level = 0;
        terminal.child.kill('SIGKILL');
      }
      await until(() => !isAnArgument(file));
      assert.deepEqual(victims.stopped(), [], 'reverted when it ends');
      const [run = ''] = /terminal-[\w-]+/.exec(terminal.out()) ?? [];
      const { status, reason } = (await lane.client.workflow.getHandle(run).result()) as RunResult;
      assert.deepEqual([status, reason], ['aborted', 'SIGHUP']);
    }),
  );

  it('in a pipe: lines, and no escape codes', () =>
    installation.about('pipe', '60s', async (file) => {
      // Whatever the level of the run beside it.
      await writeFile(file, documentOf('pipe', '60s', 10).replace('above: 5', 'above: 50'));
      const run = open('env', [...PLAIN, 'bin/squall', 'run', file], installation.env);
      const shown = until(() => /^level \d+ +stage 1 holds for \d+s$/m.test(run.out()));
      await Promise.race([shown, run.ended.then(({ out }) => assert.fail(out))]);
      run.child.kill('SIGINT');
      const { code, out } = await run.ended;
      assert.equal(code, 130, out);
      assert.ok(!out.includes('\u001B'), JSON.stringify(out));
    }));
});

/** The seconds that were shown after `words`, each once, in their order. */
function countdown(out: string, words: string): number[] {
  return [...new Set([...out.matchAll(new RegExp(`${words} (\\d+)s`, 'g'))].map(([, seconds]) => Number(seconds)))];
}

/** Whether a process that runs was started with this argument. */
function isAnArgument(argument: string): boolean {
  return readdirSync('/proc').some((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(argument);
    } catch {
      return false;
    }
  });
}
