/** A process is its pid and its start: whatever has only the pid in common with it is never touched. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { find, processTable, psTable, signal } from '../../activities/faults/host/process-table.ts';

const noPs = spawnSync('ps', ['-p', '1']).error && 'needs ps: install procps, or run .ci/run';

describe('the process table', () => {
  const table = processTable();
  let child: ChildProcess;
  let pid: number;
  before(async () => {
    child = spawn('sleep', ['86312'], { stdio: 'ignore' });
    await once(child, 'spawn');
    pid = child.pid ?? assert.fail();
  });
  after(() => void child.kill('SIGKILL'));

  it('knows a process by pid and start', async () => {
    const info = (await table.get(pid)) ?? assert.fail('it runs');
    assert.equal((await find(table, info))?.command, 'sleep 86312');
    assert.equal(info.ppid, process.pid);
    assert.equal(info.uid, process.getuid?.());
    assert.ok(Math.abs(info.startedAtMs - Date.now()) < 60_000);
  });

  it('a pid that is used again is another process: no signal reaches it', async () => {
    const other = { pid, start: '1' };
    assert.equal(await find(table, other), undefined);
    assert.equal(await signal(table, other, 'SIGKILL'), false);
    assert.equal((await table.get(pid))?.state, 'running');
  });

  it('a process that is gone gets no signal, and that is no error', async () => {
    const brief = spawn('true', { stdio: 'ignore' });
    await once(brief, 'spawn');
    const info = await table.get(brief.pid ?? 0);
    if (brief.exitCode === null) await once(brief, 'exit');
    assert.equal(await signal(table, info ?? { pid: brief.pid ?? 0, start: '1' }, 'SIGKILL'), false);
    assert.equal(await table.get(4_194_304), undefined);
  });

  it('reads the same from ps, as systems without /proc do', { skip: noPs }, async () => {
    const [ours, theirs] = [await table.get(pid), await psTable.get(pid)];
    assert.ok(ours && theirs);
    const { pid: id, ppid, uid, state, command } = ours;
    assert.deepEqual(
      [theirs.pid, theirs.ppid, theirs.uid, theirs.state, theirs.command],
      [id, ppid, uid, state, command],
    );
    assert.ok(Math.abs(ours.startedAtMs - theirs.startedAtMs) <= 2_000);
    assert.ok((await psTable.all()).some((info) => info.pid === pid));
    assert.equal(await psTable.get(4_194_303), undefined);
    assert.equal(await signal(psTable, { pid, start: 'long_ago' }, 'SIGKILL'), false);
  });
});
