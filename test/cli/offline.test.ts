/** The command line without a server: help, mistakes, and what needs no Temporal. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Command } from 'commander';
import { openFileStore } from '../../activities/journal/file.ts';
import { verbs } from '../../starters/verbs.ts';
import { freePort } from '../../workers/temporal-server.ts';
import { abortedRun, heldRun, stuckRun } from '../report/journals.ts';
import { ROOT } from '../readme/blocks.ts';
import { until } from '../until.ts';
import { eventsOf, open, squall, start } from './squall.ts';
import type { Ended } from './squall.ts';

const program = new Command();
for (const verb of verbs) verb(program);
/** Every verb there is. */
const VERBS = program.commands.map((command) => command.name());
const VALID = 'experiments/infrastructure/replicas-freeze.yaml';

describe('squall without a server', { concurrency: 2 }, () => {
  let folder: string;
  let nowhere: Record<string, string>;
  const file = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder, name), text);
    return join(folder, name);
  };
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'squall-cli-'));
    nowhere = { TEMPORAL_ADDRESS: `127.0.0.1:${await freePort()}` };
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('--help lists every verb, with examples and exit codes', async () => {
    const { code, out } = await squall(['--help']);
    assert.equal(code, 0);
    for (const verb of VERBS) assert.match(out, new RegExp(`^ +${verb}\\b`, 'm'));
    assert.match(out, /Examples:/);
    assert.match(out, /130 Ctrl-C/);
  });

  for (const verb of VERBS) {
    it(`${verb} --help, with examples`, async () => {
      const { code, out } = await squall([verb, '--help']);
      assert.equal(code, 0);
      assert.match(out, new RegExp(`^Usage: squall ${verb}\\b`));
      assert.match(out, new RegExp(`^Examples:\\n[^]*\\bsquall ${verb}\\b`, 'm'));
    });
  }

  it('no verb, an unknown verb and an unknown option are usage errors', async () => {
    for (const args of [
      [],
      ['vaildate'],
      ['list', '--frob'],
      ['worker'],
      ['worker', '--control', '--metrics-port', 'x'],
    ]) {
      const { code, out, err } = await squall(args, nowhere);
      assert.equal(code, 2, args.join(' '));
      assert.match(out + err, /Usage|error|squall: /);
    }
    assert.match((await squall(['vaildate'])).err, /Did you mean validate\?/);
  });

  it('what needs Temporal says where it looked and what to do', async () => {
    const verbs = [['list'], ['status', 'x'], ['watch', 'x'], ['abort', 'x'], ['plan', VALID], ['run', VALID]];
    const ends = await Promise.all(verbs.map((args) => squall(args, nowhere)));
    for (const { code, out, err } of ends) {
      assert.equal(code, 5);
      assert.equal(out, '');
      assert.match(err, new RegExp(`${nowhere['TEMPORAL_ADDRESS']}.*squall dev`));
      assert.equal(err.trim().split('\n').length, 1, 'one line, no stack');
    }
  });

  it('Ctrl-C ends a dev that waits for a Temporal which is not there', async () => {
    const dev = start(['dev'], { ...nowhere, XDG_STATE_HOME: folder });
    let said = '';
    dev.child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await until(() => said.includes('Trying again'));
    dev.child.kill('SIGINT');
    assert.equal((await dev.ended).code, 130);
  });

  it('a file that is not there, is empty, or is wrong is named with its place', async () => {
    const empty = await file('empty.yaml', '');
    const wrong = await file('wrong.yaml', 'experiment: a\nfualt: host/pause\n');
    const binary = await file('binary.yaml', '\u0000\u0001');
    for (const verb of ['validate', 'plan', 'run']) {
      for (const path of [join(folder, 'none.yaml'), empty, wrong, binary, folder]) {
        const { code, out, err } = await squall([verb, path], nowhere);
        assert.equal(code, 2, `${verb} ${path}: ${err}`);
        assert.ok((out + err).includes(path), `${verb} ${path}: ${out}${err}`);
        assert.doesNotMatch(out + err, /^ +at /m, 'no stack');
      }
      const { out, err } = await squall([verb, wrong], nowhere);
      assert.match(out + err, /wrong\.yaml:2:1.*fualt.*fault/s);
    }
  });

  it('validate takes many files and globs, names each, and fails when one does', async () => {
    const { code, out } = await squall(['validate', 'experiments/**/*.yaml', 'demo/*.yaml']);
    assert.equal(code, 0, out);
    assert.equal(
      out
        .trim()
        .split('\n')
        .filter((line) => line.startsWith('valid')).length,
      globSync(['experiments/*/*.yaml', 'demo/*.yaml'], { cwd: ROOT }).length,
      out,
    );
    const wrong = await file('also-wrong.yaml', 'experiment: a\n');
    assert.equal((await squall(['validate', VALID, wrong])).code, 2);
    assert.equal((await squall(['validate', join(folder, 'no-*.yaml')])).code, 2);
  });

  it('plan --offline says of every experiment what it asks for, what undoes it, and what the policy refuses', async () => {
    const files = globSync('experiments/{application,infrastructure,network}/*.yaml', { cwd: ROOT });
    assert.ok(files.length > 10);
    const found = new Map<string, number | null>();
    for (const path of files) {
      const { code, out, err } = await squall(['plan', path, '--offline'], nowhere);
      assert.match(out, /^undo: +\S.*^reversal: +\S.*^expiry: +\S.*^permissions: +\S/ms, `${path}: ${err}`);
      found.set(path, code);
    }
    const refused = [...found].filter(([, code]) => code !== 0);
    assert.deepEqual(refused, [['experiments/infrastructure/ec2-instance-termination.yaml', 3]]);
    const { code, out } = await squall(['--json', 'plan', refused[0]?.[0] ?? '', '--offline'], nowhere);
    const [plan] = eventsOf(out);
    assert.deepEqual([code, plan?.['offline'], plan?.['reversal']], [3, true, 'irreversible']);
  });

  it('validate says what is wrong with every file, whatever is wrong with the others', async () => {
    const wrong = [await file('one.yaml', 'experiment: a\n'), await file('two.yaml', 'experiment: b\n')] as const;
    const none = [join(folder, 'none.yaml'), join(folder, 'none-*.yaml')] as const;
    const args = ['validate', none[0], wrong[0], folder, VALID, none[1], wrong[1]];
    const { code, out, err } = await squall(args);
    assert.equal(code, 2);
    for (const path of wrong) assert.ok(out.includes(`${path}:1:1: found no hypothesis`), out);
    assert.match(out, new RegExp(`^valid +${VALID}:`, 'm'));
    const unread = [
      `cannot read ${folder}: it is a folder, not a file`,
      ...none.map((path) => `${path} matches no file`),
    ];
    assert.deepEqual(
      err.trim().split('\n'),
      unread.map((message) => `squall: ${message}`),
    );
    const told = await squall(['--json', ...args]);
    assert.deepEqual([told.code, told.err], [2, '']);
    const events = eventsOf(told.out);
    assert.deepEqual(events.map(({ event }) => event).toSorted(), [
      'error',
      'error',
      'error',
      'invalid',
      'invalid',
      'valid',
    ]);
    assert.deepEqual(
      events.filter(({ event }) => event === 'error').map(({ message }) => message),
      unread,
    );
  });

  it('validate looks past the folders that a glob matches; one that is named is refused', async () => {
    const { code, out, err } = await squall(['validate', 'experiments/*/**']);
    assert.equal(code, 0, out + err);
    assert.equal(out.trim().split('\n').length, globSync('experiments/*/*.yaml', { cwd: ROOT }).length, out);
    const named = await squall(['validate', 'experiments']);
    assert.equal(named.code, 2);
    assert.match(named.err, /cannot read experiments: it is a folder, not a file/);
    assert.match((await squall(['validate', 'demo/sho*'])).err, /matches no file/);
  });

  it('a device or a pipe in the place of a file neither hangs nor fills the memory', { timeout: 60_000 }, async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    for (const args of [
      ['validate', '/dev/zero'],
      ['sweep', '--site', 'a', '--config', '/dev/zero'],
    ]) {
      const { code, err } = await squall(args);
      assert.equal(code, 2, err);
      assert.match(err, /cannot read \/dev\/zero: it is a device, not a file/);
    }
    const nobody = await squall(['validate', pipe]);
    assert.equal(nobody.code, 2);
    assert.match(nobody.out, /pipe:1:1: found nothing, expected a YAML document/);
  });

  it('a document may come through a pipe, within the bound of a file', { timeout: 60_000 }, async () => {
    const validate = (writer: string): Promise<Ended> =>
      open('bash', ['-c', `exec bin/squall validate <(${writer})`]).ended;
    const written = await validate(`sleep 1; cat ${VALID}`);
    assert.equal(written.code, 0, written.out + written.err);
    const endless = await validate('yes');
    assert.equal(endless.code, 2, endless.err);
    assert.match(endless.out, /found more than 1048576 bytes/);
  });

  it('--json is one object a line, errors too, and a pipe gets no colours', async () => {
    const wrong = await file('json-wrong.yaml', 'experiment: a\n');
    for (const args of [['validate', VALID], ['validate', wrong], ['list'], ['faults']]) {
      const { out } = await squall(['--json', ...args], nowhere);
      assert.ok(eventsOf(out).length > 0, args.join(' '));
    }
    const { out, err } = await squall(['validate', VALID, wrong]);
    assert.ok(!(out + err).includes('\u001b'), 'escape codes in a pipe');
  });

  it('a configuration that is wrong is named with its place', async () => {
    const config = await file('squall.yaml', 'sweepEvery: often\nprobse: {}\n');
    const { code, err } = await squall(['worker', '--site', 'a', '--config', config], nowhere);
    assert.equal(code, 2);
    assert.match(err, /squall\.yaml:1:13/);
    assert.match(err, /squall\.yaml:2:1.*probes/s);
    const missing = await squall(['sweep', '--site', 'a', '--config', join(folder, 'none.yaml')]);
    assert.equal(missing.code, 2);
    assert.match(missing.err, /none\.yaml/);
  });

  it('history and reports of runs that are not there', async () => {
    const config = await file('other.yaml', 'journal: nothing\n');
    const { code, out } = await squall(['history', '--config', config]);
    assert.equal(code, 0);
    assert.match(out, /no runs in .*nothing/);
    const report = await squall(['report', 'x', '--config', config]);
    assert.equal(report.code, 2);
    assert.match(report.err, /no journal of x/);
  });

  it('history says how far each run came, and which journal is damaged', async () => {
    const journal = join(folder, 'journals');
    const config = await file('history.yaml', `journal: ${journal}\n`);
    const store = openFileStore(journal);
    for (const { run, events } of [abortedRun(), stuckRun()]) await store.append(run, events);
    const aborted = await readFile(join(journal, `${abortedRun().run}.json`), 'utf8');
    await writeFile(join(journal, 'half.json'), aborted.slice(0, -100));
    const { code, out } = await squall(['history', '--config', config]);
    assert.equal(code, 0);
    const said = new Map(
      out.split('\n').map((line) => line.split(/\s+/).slice(1).join(' ').split(/ (.*)/, 2) as [string, string]),
    );
    assert.equal(said.get(abortedRun().run), 'aborted deviated');
    assert.equal(said.get(stuckRun().run), 'open stuck');
    const problem = `${join(journal, 'half.json')} is not a journal, or it is damaged`;
    assert.equal(said.get('half'), `damaged ${problem}`);
    const events = eventsOf((await squall(['--json', 'history', '--config', config])).out);
    const told = new Map(
      events.map(({ event: _event, at: _at, startedAt: _startedAt, run, ...what }) => [run, what] as const),
    );
    assert.deepEqual(told.get('half'), { problem });
    assert.deepEqual(told.get(stuckRun().run), {
      experiment: 'slow-payments',
      phase: 'stuck',
      status: null,
      deviated: null,
    });
  });

  it('what can be mended is said in one line, without a stack', async () => {
    const journal = join(folder, 'mend');
    const config = await file('mend.yaml', `journal: ${journal}\n`);
    const probes = await file('probes.yaml', 'state: state\nprobes: { orders: { type: htp, unit: count } }\n');
    const run = heldRun();
    await openFileStore(journal).append(run.run, run.events);
    await writeFile(join(journal, 'half.json'), (await readFile(join(journal, `${run.run}.json`))).subarray(0, 900));
    const cases: readonly [args: readonly string[], says: RegExp][] = [
      [['validate', VALID, '--config', probes], /probe orders: unknown type htp; there are prometheus, /],
      [['worker', '--site', 'a', '--config', probes], /probe orders: unknown type htp/],
      [['report', 'half', '--config', config], /half\.json cannot be read as a journal/],
      [['report', '', '--config', config], /a run's name takes 1 to 200 characters/],
      [
        ['report', run.run, '--config', config, '--output', '/nonexistent/x.html'],
        /cannot write \/nonexistent\/x\.html/,
      ],
      [['report', run.run, '--config', config, '--format', 'json', '--output', folder], /cannot write .*directory/],
      [['abort', ''], /found no run, expected the name of one/],
    ];
    for (const [args, says] of cases) {
      const { code, out, err } = await squall(args, nowhere);
      assert.equal(code, 2, `${args.join(' ')}: ${err}`);
      assert.equal(out, '');
      assert.match(err, says);
      assert.equal(err.trim().split('\n').length, 1, err);
    }
  });
});
