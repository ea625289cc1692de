/** The fault image: what is in it, that this is enough, and that what it is made of may be shipped. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { DockerfileParser } from 'dockerfile-ast';
import { FIRST, pairHere, PORT } from './pair.ts';
import { BUILD, go, SOURCE, WITHOUT_GO, WITHOUT_NAMESPACES } from './program.ts';

const INSTRUCTIONS = DockerfileParser.parse(readFileSync(join(SOURCE, 'Dockerfile'), 'utf8'))
  .getInstructions()
  .map((instruction) => instruction.toString());

/** Of the licences that say what they are, and of the one that says only what it allows. */
const PERMISSIVE = /Apache License|MIT License|Redistribution and use in source and binary forms/;

const WITHOUT_SANDBOX =
  WITHOUT_NAMESPACES === false && spawnSync('bwrap', ['--version']).error === undefined
    ? false
    : 'needs root on Linux, Go, iproute2, nftables and bubblewrap: run .ci/run';

describe('the fault image', () => {
  it('holds the program, built as the tests build it, and nothing else', () => {
    const last = INSTRUCTIONS.slice(INSTRUCTIONS.findLastIndex((text) => text.startsWith('FROM ')));
    assert.deepEqual(last, ['FROM scratch', 'COPY --from=build /fault /fault', 'USER 0:0', 'ENTRYPOINT ["/fault"]']);
    const flags = BUILD.map((flag) => flag.replace('-s -w', "'-s -w'")).join(' ');
    assert.deepEqual(
      INSTRUCTIONS.filter((text) => text.startsWith('RUN ')),
      [`RUN CGO_ENABLED=0 go ${flags} -o /fault .`],
    );
  });

  it('is made of modules that may be shipped, as they were pinned', { skip: WITHOUT_GO }, () => {
    go(['mod', 'verify']);
    const template = '{{with .Module}}{{if not .Main}}{{.Path}}\t{{.Dir}}{{end}}{{end}}';
    const modules = new Set(go(['list', '-deps', '-f', template, '.']).split('\n').filter(Boolean));
    assert.ok(modules.size > 3);
    for (const module of modules) {
      const [path, folder = ''] = module.split('\t');
      const licence = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
      assert.match(readFileSync(join(folder, licence ?? 'none'), 'utf8'), PERMISSIVE, path);
    }
  });

  it('keeps its own rules', { skip: WITHOUT_GO }, () => {
    go(['vet', './...']);
    go(['test', './...']);
  });
});

describe('the program in a root file system of its own', { skip: WITHOUT_SANDBOX }, () => {
  const pair = pairHere();

  /** As a container has it: its own processes, of which it is the first, one capability, and no file but the program. */
  const sandboxed = (...args: string[]): [string, string[]] => [
    'nsenter',
    [`--net=/run/netns/${pair.a}`, 'bwrap', '--unshare-pid', '--as-pid-1', '--die-with-parent']
      .concat([
        '--ro-bind',
        pair.program,
        '/fault',
        '--proc',
        '/proc',
        '--cap-drop',
        'ALL',
        '--cap-add',
        'CAP_NET_ADMIN',
      ])
      .concat(['/fault', ...args]),
  ];

  it('puts on every kind of fault, renews it and takes it off from a second container', async () => {
    const untouched = pair.traces();
    for (const args of [
      ['latency', '--delay', '10ms', '--direction', 'both'],
      ['loss', '--percent', '10', '--correlation', '25'],
      ['corrupt', '--percent', '10'],
      ['bandwidth', '--rate', '10mbit', '--direction', 'both'],
      ['partition'],
    ]) {
      const first = spawn(...sandboxed(...args, '--id', 'boxed', '--time-to-live', '60s'));
      const ended = once(first, 'exit');
      const [line] = (await once(createInterface({ input: first.stdout }), 'line')) as [string];
      assert.match(line, /"event":"applied"/);
      assert.notEqual(pair.traces(), untouched);
      const run = (verb: string): number | null => spawnSync(...sandboxed(verb, '--id', 'boxed')).status;
      assert.deepEqual([run('renew'), run('revert')], [0, 0]);
      assert.deepEqual(await ended, [0, null]);
      assert.equal(pair.traces(), untouched);
      assert.equal(await pair.pod.reaches(FIRST, PORT), true);
    }
  });

  it('says so where it may not', () => {
    const [command, args] = sandboxed('partition', '--id', 'powerless');
    const without = args.filter((word) => word !== '--cap-add' && word !== 'CAP_NET_ADMIN');
    const { status, stdout } = spawnSync(command, without, { encoding: 'utf8' });
    assert.equal(status, 3);
    assert.match(stdout, /"reason":"not-permitted"/);
  });
});
