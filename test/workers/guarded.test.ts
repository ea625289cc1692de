/** What is started under a guard ends with whoever started it, and the guard with it. */
import assert from 'node:assert/strict';
import { openSync } from 'node:fs';
import { access, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { freePort } from '../../workers/temporal-server.ts';
import { startGuarded } from '../../workers/guarded.ts';
import { eventsOf, start } from '../cli/squall.ts';
import { until } from '../until.ts';

describe('a guarded child', () => {
  let folder: string;
  let output: number;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'squall-guarded-'));
    output = openSync(join(folder, 'output'), 'a');
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('that is killed ends its guard', async () => {
    const child = await startGuarded('/bin/sleep', ['600'], { output });
    process.kill(child.pid, 'SIGKILL');
    await until(() => child.ended());
    await child.kill();
    await child.stop();
  });

  it('that does not heed SIGTERM is killed, and then its folder is removed', async () => {
    const own = await mkdtemp(join(folder, 'own-'));
    const ready = join(own, 'ready');
    const deaf = `trap '' TERM; : >"$0"; while :; do sleep 0.2; done`;
    const child = await startGuarded('/bin/sh', ['-c', deaf, ready], { output, folder: own });
    await until(() => isThere(ready));
    await child.stop();
    assert.equal(isRunning(child.pid), false);
    assert.equal(await isThere(own), false);
  });

  it('that cannot be run has ended', async () => {
    const child = await startGuarded(join(folder, 'nothing'), [], { output });
    await until(() => child.ended());
  });

  it('squall dev that is killed leaves no server, no port taken and no folder', async () => {
    const temporary = await mkdtemp(join(folder, 'tmp-'));
    const config = join(folder, 'squall.yaml');
    await writeFile(config, 'state: state\njournal: journal\n');
    const ports = { '--port': await freePort(), '--ui-port': await freePort() };
    const args = Object.entries(ports).flatMap(([name, port]) => [name, `${port}`]);
    const dev = start(['--json', 'dev', '--config', config, ...args], { TMPDIR: temporary, TEMPORAL_ADDRESS: '' });
    const serves = (): boolean => dev.out().includes('"serving"');
    await until(() => serves() || dev.child.exitCode !== null);
    assert.equal(eventsOf(dev.out()).at(-1)?.event, 'serving');
    const left = async (): Promise<string[]> =>
      (await readdir(temporary)).filter((name) => name.startsWith('squall-dev-'));
    assert.equal((await left()).length, 1);
    assert.equal(await isTaken(ports['--port']), true);
    dev.child.kill('SIGKILL');
    await until(async () => (await left()).length === 0);
    for (const port of Object.values(ports)) assert.equal(await isTaken(port), false);
  });
});

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function isTaken(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true));
    socket.once('error', () => resolve(false)).once('close', () => socket.destroy());
    socket.unref();
  });
}
