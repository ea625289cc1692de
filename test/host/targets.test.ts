/** Who may be a target on a host, and above all who may not. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { processTable } from '../../activities/faults/host/process-table.ts';
import { parseTarget } from '../../activities/faults/host/target.ts';
import { targets } from '../../activities/targets/host.ts';
import type { Candidates } from '../../activities/targets/provider.ts';

/** Long enough to outlive the tests, and told apart from every other sleep by its length. */
const SLEEP_S = '86311';

describe('targets of a host', () => {
  let folder: string;
  const children: ChildProcess[] = [];
  const file = (name: string, text: string): Promise<void> => writeFile(join(folder, `${name}.pid`), text);
  const run = async (options: SpawnOptions = {}): Promise<number> => {
    const child = spawn('sleep', [SLEEP_S], { stdio: 'ignore', ...options });
    children.push(child);
    await once(child, 'spawn');
    return child.pid ?? assert.fail('no pid');
  };
  const resolve = async (
    selector: { group: string; names?: string[] },
    allowOtherUsers = false,
  ): Promise<Candidates> => {
    const groups = { files: { pidFiles: join(folder, '*.pid') }, sleeps: { command: `^sleep ${SLEEP_S}$` } };
    const provider = targets({
      name: 'here',
      installation: 'test',
      stateDir: folder,
      settings: { host: { groups, allowOtherUsers } },
    });
    return provider.resolve(selector, AbortSignal.timeout(10_000));
  };
  /** Why `name` is not a candidate of the group of pid files; undefined when it is one. */
  const why = async (name: string, allowOtherUsers = false): Promise<string | undefined> => {
    const { targets: found, excluded } = await resolve({ group: 'files' }, allowOtherUsers);
    if (found.some((target) => parseTarget(target).member === name)) return undefined;
    return excluded.find(({ examples }) => examples.includes(name))?.reason ?? assert.fail(`${name} is not mentioned`);
  };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'squall-targets-'));
  });
  after(async () => {
    for (const child of children) {
      const gone = once(child, 'exit');
      if (child.kill('SIGKILL')) await gone;
    }
    await rm(folder, { recursive: true, force: true });
  });

  it('a process is named by group, member, pid and start', async () => {
    const pid = await run();
    await file('plain', `${pid}\n`);
    assert.equal(await why('plain'), undefined);
    const { targets: found } = await resolve({ group: 'files', names: ['plain'] });
    assert.deepEqual(found.map(parseTarget), [
      { group: 'files', member: 'plain', pid, start: (await processTable().get(pid))?.start },
    ]);
  });

  it('never pid 1, Squall itself, or what is above it', async () => {
    await file('init', '1');
    await file('self', `${process.pid}`);
    await file('parent', `${process.ppid}`);
    assert.equal(await why('init', true), 'pid 1');
    for (const name of ['self', 'parent']) assert.match((await why(name, true)) ?? '', /of Squall or one above it/);
  });

  it('never the workers and holders of any installation', async () => {
    const holder = spawn('bash', ['-c', 'exec -a faults/host/holder.ts sleep 86311'], { stdio: 'ignore' });
    children.push(holder);
    await once(holder, 'spawn');
    await file('holder', `${holder.pid}`);
    while (!(await processTable().get(holder.pid ?? 0))?.command.startsWith('faults/')) await new Promise(setImmediate);
    assert.match((await why('holder')) ?? '', /of Squall/);
  });

  it(
    'nobody else’s process without leave',
    { skip: process.getuid?.() !== 0 && 'needs root to be somebody else: run .ci/run' },
    async () => {
      await file('theirs', `${await run({ uid: 65_534 })}`);
      assert.match((await why('theirs')) ?? '', /another user/);
      assert.equal(await why('theirs', true), undefined);
    },
  );

  it('no process that a pid file does not mean', async () => {
    const pid = await run();
    await file('older', `${pid}`);
    const hourAgo = new Date(Date.now() - 3_600_000);
    await utimes(join(folder, 'older.pid'), hourAgo, hourAgo);
    for (const [name, text] of [
      ['words', 'forty'],
      ['none', ''],
      ['negative', '-1'],
      ['zero', '0'],
      ['huge', `${pid}`.padEnd(10_000)],
      ['gone', '4194303'],
    ] as const) {
      await file(name, text);
    }
    execFileSync('mkfifo', [join(folder, 'pipe.pid')]);
    await symlink('/dev/zero', join(folder, 'device.pid'));
    await mkdir(join(folder, 'folder.pid'));
    const { targets: found, excluded } = await resolve({ group: 'files' });
    const members = new Set(found.map((target) => parseTarget(target).member));
    const none = ['older', 'words', 'none', 'negative', 'zero', 'huge', 'gone', 'pipe', 'device', 'folder'];
    for (const name of none) assert.ok(!members.has(name), name);
    assert.equal(excluded.find(({ reason }) => reason === 'pid files without their process')?.count, none.length);
  });

  it('no process that is stopped already: continuing it would be no undo', async () => {
    const pid = await run();
    await file('stopped', `${pid}`);
    process.kill(pid, 'SIGSTOP');
    while ((await processTable().get(pid))?.state !== 'stopped') await new Promise(setImmediate);
    assert.equal(await why('stopped'), 'stopped already');
    process.kill(pid, 'SIGCONT');
  });

  it('a group may be matched by command line', async () => {
    const pid = await run();
    const { targets: found } = await resolve({ group: 'sleeps' });
    assert.ok(found.some((target) => parseTarget(target).pid === pid));
  });

  it('a group that is not there has no candidates, and says which there are', async () => {
    const { targets: found, excluded } = await resolve({ group: 'nobody' });
    assert.deepEqual(found, []);
    assert.match(excluded[0]?.reason ?? '', /no such group.*files, sleeps/);
  });
});
