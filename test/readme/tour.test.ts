/** The README's tour, typed as it stands there, and a rule for every other command in it. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it, test } from 'node:test';
import { freePort } from '../../workers/temporal-server.ts';
import { readmeBlocks, ROOT } from './blocks.ts';
import { open } from './terminal.ts';
import type { Terminal } from './terminal.ts';

test('every command in the README is run by a test', async () => {
  for (const { commands, terminal, by } of readmeBlocks()) {
    if (terminal !== undefined) continue;
    assert.ok(by, `nobody runs ${commands}`);
    // Nothing runs all tests but what runs them.
    if (commands === 'npm test\n') continue;
    const script = /npm run \S+/.exec(commands)?.[0];
    const text = await readFile(join(ROOT, by), 'utf8');
    assert.ok(script !== undefined && text.includes(script), `${by} does not run ${commands}`);
  }
});

describe('the tour', () => {
  let home: string;
  let env: Record<string, string>;
  const terminals: Terminal[] = [];
  const typed = (number: number, page?: string): string =>
    readmeBlocks(page)
      .filter(({ terminal }) => terminal === number)
      .map(({ commands }) => commands)
      .join('');

  before(async () => {
    home = await mkdtemp(join(tmpdir(), 'squall-tour-'));
    // The checkout as it is, but for the files that the tour writes.
    for (const name of await readdir(ROOT)) if (name !== '.cache') await symlink(join(ROOT, name), join(home, name));
    await mkdir(join(home, '.cache'));
    env = {
      TEMPORAL_ADDRESS: `127.0.0.1:${await freePort()}`,
      XDG_STATE_HOME: join(home, 'state'),
    };
  });
  after(async () => {
    for (const terminal of terminals.toReversed()) {
      terminal.interrupt();
      await terminal.code;
    }
    const left = terminals.flatMap((terminal) => terminal.left());
    await rm(home, { recursive: true, force: true });
    assert.deepEqual(left, [], 'processes left behind');
  });

  it('opens the shop, and Squall with a Temporal of its own', async () => {
    const shop = open(typed(1), home, env);
    terminals.push(shop);
    await shop.until(/Ctrl-C closes it/);
    // On ports that are free here: the reader has the usual ones.
    const port = env['TEMPORAL_ADDRESS']?.split(':')[1] ?? '';
    const command = typed(2).replace('bin/squall dev', `bin/squall dev --port ${port} --ui-port ${await freePort()}`);
    const { XDG_STATE_HOME = '' } = env;
    const dev = open(command, home, { XDG_STATE_HOME });
    terminals.push(dev);
    await dev.until(/Ctrl-C ends it all/);
  });

  it('does as the README says, command by command', async () => {
    const tour = open(typed(3), home, env);
    assert.equal(await tour.code, 0, tour.output());
    const says = tour.output();
    for (const words of [
      /valid +first\.yaml: first/,
      /stage 1 +10% +\+1 = 1: payments\//,
      /undo: +a holder process continues the target/,
      /completed.*held/,
      /aborting first-/,
      /aborted/,
      /STOPPED: everything is stopped: checkout is down/,
      /resumed: everything/,
      /host\/stutter/,
      /shop: 0 faults found/,
    ])
      assert.match(says, words);
    const runs = (await readdir(join(home, '.cache/shop/journal'))).filter((name) => name.endsWith('.html'));
    assert.equal(runs.length, 2, 'two reports');
    const exported = JSON.parse(await readFile(join(home, 'first.json'), 'utf8')) as { journal: { status: string } };
    assert.ok(exported.journal);
    const schema = JSON.parse(await readFile(join(home, 'squall.schema.json'), 'utf8')) as { title: string };
    assert.equal(schema.title, 'Squall document');
  });

  it('pulls every lever as docs/safety.md says', async () => {
    assert.ok(readmeBlocks('docs/safety.md').every(({ terminal }) => terminal === 6));
    const levers = open(typed(6, 'docs/safety.md'), home, env);
    assert.equal(await levers.code, 0, levers.output());
    for (const words of [
      /noted: first-/,
      /aborted/,
      /emergency-stop: everything is stopped: trying the big lever/,
      /STOPPED: everything is stopped/,
      /STOPPED: site shop is stopped: only here/,
      /resumed: .*: only here/,
      /STOPPED: everything is stopped: the file \/\S+\/\.cache\/shop\/stop says so/,
      /no-incidents: .*checkout is slow/,
      /0 of 1 approved plan [0-9a-f]{64}[^]*rejected: asked-/,
      /approved: asked-\S+, plan [0-9a-f]{12}: 1 of 1/,
      /policy +first\.yaml: first: stage 20% is more than 10%, the most in environment shop/,
      /environment: +shop \(shop\): at most 10% of the candidates/,
      /intact: \d+ entries/,
    ])
      assert.match(levers.output(), words);
  });

  it('serves control and the site from workers of their own', async () => {
    for (const number of [4, 5]) {
      // On a port that is free here, as above.
      const commands = typed(number).replace(/--metrics-port \d+/, `--metrics-port ${await freePort()}`);
      const worker = open(commands, home, env);
      terminals.push(worker);
      await worker.until(/metrics on http/);
    }
  });
});
