/** Every mistake in `squall.yaml` is named with its place; what a sweep needs is read all the same. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { formatProblem, InvalidDocument } from '../../documents/problem.ts';
import { readConfig, readSweepConfig } from '../../workers/config.ts';

let file: string;
before(async () => {
  file = join(await mkdtemp(join(tmpdir(), 'squall-config-')), 'squall.yaml');
});
after(() => rm(join(file, '..'), { recursive: true, force: true }));

/** What is said of a configuration, without its file and its lines. */
async function complaints(text: string): Promise<string[]> {
  await writeFile(file, text);
  return readConfig(file).then(
    () => [],
    (error: unknown) => {
      assert.ok(error instanceof InvalidDocument, String(error));
      return error.problems.map(({ source: _source, ...problem }) =>
        formatProblem(problem).slice(problem.file.length + 1),
      );
    },
  );
}

const at = (section: string): string => `sites:\n  local:\n    ${section}\n`;

const WRONG: readonly [what: string, section: string, says: readonly string[]][] = [
  [
    'a misspelt provider',
    'hots: { groups: {} }',
    [
      '3:5: sites.local.hots: found unknown key "hots", expected one of aws, host, kubernetes, noop. Did you mean host?',
    ],
  ],
  [
    'a region that is none',
    'aws: { regions: [eu-west-1, europe] }',
    ['3:33: sites.local.aws.regions[1]: found "europe", expected the name of a region, such as eu-west-1'],
  ],
  [
    'a misspelt way to find a group',
    'host: { groups: { a: { pidFile: x } } }',
    [
      '3:26: sites.local.host.groups.a: found a mapping of pidFile, expected one of: pidFiles, command',
      '3:28: sites.local.host.groups.a.pidFile: found unknown key "pidFile", expected one of pidFiles, command, labels. Did you mean pidFiles?',
    ],
  ],
  [
    'two ways to find a group',
    'host: { groups: { a: { pidFiles: x, command: sleep } } }',
    ['3:26: sites.local.host.groups.a: found a mapping of pidFiles, command, expected one of: pidFiles, command'],
  ],
  [
    'an expression that is none',
    "host: { groups: { a: { command: '(((' } } }",
    ['3:37: sites.local.host.groups.a.command: found "(((", expected a regular expression'],
  ],
  [
    'a group with capitals',
    'host: { groups: { A: { pidFiles: x } } }',
    ['3:23: sites.local.host.groups.A: found "A", expected a name of lower-case letters, digits and dashes'],
  ],
  [
    'a key beside the groups',
    'host: { allowOtherUser: true }',
    [
      '3:13: sites.local.host.allowOtherUser: found unknown key "allowOtherUser", expected one of groups, allowOtherUsers. Did you mean allowOtherUsers?',
    ],
  ],
  ['a section that is a text', 'host: all', ['3:11: sites.local.host: found "all", expected a mapping']],
  [
    'a setting of the no-op',
    'noop: { count: 1 }',
    ['3:13: sites.local.noop.count: found unknown key "count", expected no such key'],
  ],
];
for (const [what, section, says] of WRONG)
  test(`refused: ${what}`, async () => assert.deepEqual(await complaints(at(section)), says));

test('all mistakes are told at once', async () => {
  const found = await complaints(`sweepEvery: often\n${at('hots: {}')}  Shop: {}\n`);
  assert.deepEqual(
    found.map((words) => words.slice(0, words.indexOf(' found'))),
    ['1:13: sweepEvery:', '4:5: sites.local.hots:', '5:3: sites.Shop:'],
  );
});

test('a section of another provider may be a plugin’s where there are plugins; the built-in ones are judged', async () => {
  const plugins = 'plugins: [./any.mjs]\n';
  assert.deepEqual(await complaints(plugins + at('file: { pattern: x }')), []);
  assert.deepEqual((await readConfig(file)).sites, { local: { file: { pattern: 'x' } } });
  assert.equal((await complaints(plugins + at('host: { groups: { a: { pidFile: x } } }'))).length, 2);
  assert.equal((await complaints(`plugins: []\n${at('file: { pattern: x }')}`)).length, 1);
});

test('a misspelt setting of a probe is told with the nearest right word', async () => {
  assert.deepEqual(
    await complaints(
      'probes:\n  errors: { type: http, unit: percent, url: "http://127.0.0.1/", measure: latency, expectStatsu: 200 }\n',
    ),
    [
      '2:84: probes.errors.expectStatsu: found unknown key "expectStatsu", expected one of url, tokenFrom, headersFrom, measure, jsonPointer, expectStatus. Did you mean expectStatus?',
    ],
  );
});

test('what is required of every run is said, or done without by name', async () => {
  const admission = (section: string): Promise<string[]> => complaints(`admission: ${section}\n`);
  assert.deepEqual(await admission('{ healthy: none, incidents: none, capacity: none }'), []);
  assert.deepEqual(await admission('{}'), [
    '1:12: admission: found no incidents, expected a list of sources, or none to do without',
    '1:12: admission: found no capacity, expected a mapping of probe and min, or none to do without',
  ]);
  assert.deepEqual(await admission('{ incidents: nope, capacity: [] }'), [
    '1:25: admission.incidents: found "nope", expected a list of sources, or none to do without',
    '1:41: admission.capacity: found a list of 0, expected a mapping of probe and min, or none to do without',
  ]);
  assert.deepEqual(await admission('{ incidents: none, capacity: { prob: x } }'), [
    '1:41: admission.capacity: found no probe, expected a probe: lower-case letters, digits and dashes',
    '1:43: admission.capacity.prob: found unknown key "prob", expected one of probe, min. Did you mean probe?',
  ]);
});

test('a section may be there with nothing in it', async () => {
  assert.deepEqual(await complaints(at('host:')), []);
});

test('a journal is a folder, relative to the file, or a database by reference', async () => {
  await writeFile(file, 'journal: kept\n');
  assert.equal((await readConfig(file)).journal, join(file, '..', 'kept'));
  await writeFile(file, 'journal: { postgres: { urlFrom: { env: JOURNAL_URL } } }\n');
  assert.deepEqual((await readConfig(file)).journal, { postgres: { urlFrom: { env: 'JOURNAL_URL' } } });
  const wrong = ['5', '{ postgres: {} }', '{ postgres: { url: x } }', "''"];
  for (const journal of wrong)
    assert.match((await complaints(`journal: ${journal}\n`)).join('\n'), /^1:\d+: journal.*found/, journal);
});

test('a sweep reads what it can, and refuses only where nobody knows whose faults they are', async () => {
  await writeFile(file, `state: here\nplugins: [./a.mjs, 5]\n${at('host: all')}  none:\nprobes: 5\n`);
  const { config, problems } = await readSweepConfig(file);
  assert.deepEqual(config, {
    installation: 'squall',
    state: join(file, '..', 'here'),
    sites: { local: { host: 'all' }, none: {} },
    plugins: [join(file, '..', 'a.mjs')],
  });
  assert.equal(problems.length, 4);
  await writeFile(file, 'installation: Nobody\n');
  await assert.rejects(readSweepConfig(file), /installation: found "Nobody", expected a name/);
});
