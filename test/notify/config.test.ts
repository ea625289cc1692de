/** Every mistake in `notify:` is named with its place. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDocument } from '../../documents/document.ts';
import { formatProblem } from '../../documents/problem.ts';
import { z } from 'zod';
import { missingOf } from '../../workers/notify.ts';
import { notifySchema } from '../../workers/notify-settings.ts';

/** What is said of a section, without the file's name and the frame. */
function complaints(section: string): string[] {
  const parsed = parseDocument(`notify:\n${section}`, 'f', z.strictObject({ notify: notifySchema }));
  if (parsed.ok) return [];
  return parsed.problems.map(({ source: _source, ...problem }) => formatProblem(problem).slice(2));
}

const to = (settings: string): string => `  to:\n    ops: ${settings}\n`;

const WRONG: readonly [what: string, section: string, says: RegExp][] = [
  ['no destinations', '  reportUrl: https://a.example/{run}\n', /^2:3: notify: found no to, expected a mapping$/],
  [
    'a type that there is not',
    to('{ type: email }'),
    /^3:18: notify\.to\.ops\.type: found "email", expected type: slack, teams, webhook, alertmanager, grafana/,
  ],
  [
    'an address that is a secret, written out',
    to('{ type: slack, url: https://hooks.slack.com/services/T/B/X }'),
    /^3:10: notify\.to\.ops: found no urlFrom/,
  ],
  [
    'a misspelt event',
    to('{ type: teams, urlFrom: { env: A }, on: [abort] }'),
    /^3:51: notify\.to\.ops\.on\[0\]: found "abort", expected one of started, stage, aborted.*\. Did you mean aborted\?$/,
  ],
  [
    'an event that is no alert',
    to('{ type: alertmanager, url: http://a.example, on: [stage] }'),
    /^3:60: notify\.to\.ops\.on\[0\]: found "stage", expected one of started, aborted, stuck/,
  ],
  [
    'a name that no template knows',
    to("{ type: slack, urlFrom: { env: A }, text: { aborted: '{evidense}' } }"),
    /^3:63: notify\.to\.ops\.text\.aborted: found "\{evidense\}", expected only names that are known, not \{evidense\}: run, experiment, .*evidence/,
  ],
  [
    'a text of an event that there is not',
    to('{ type: slack, urlFrom: { env: A }, text: { abort: no } }'),
    /^3:54: notify\.to\.ops\.text\.abort: found unknown key "abort", expected one of started, stage, aborted.*\. Did you mean aborted\?$/,
  ],
  [
    'a link whose host depends on the run',
    `  reportUrl: 'https://{run}.example/'\n${to('{ type: slack, urlFrom: { env: A } }')}`,
    /^2:14: notify\.reportUrl: found .*expected an http or https URL whose host is written out$/,
  ],
  [
    'two addresses',
    to('{ type: webhook, url: http://a.example, urlFrom: { env: A }, secretFrom: { env: B } }'),
    /^3:10: notify\.to\.ops: found .*expected either url or urlFrom$/,
  ],
  [
    'a webhook that is not signed',
    to('{ type: webhook, url: http://a.example }'),
    /^3:10: notify\.to\.ops: found no secretFrom/,
  ],
  [
    'a password in an address',
    to('{ type: grafana, url: http://ada:secret@a.example }'),
    /^3:32: notify\.to\.ops\.url: found .*, expected no user or password in the URL; use tokenFrom$/,
  ],
  [
    'an address of another kind',
    to('{ type: alertmanager, url: file:///etc/passwd }'),
    /^3:37: notify\.to\.ops\.url: found .*, expected an http or https URL$/,
  ],
  [
    'a name with capitals',
    '  to: { Ops: { type: slack, urlFrom: { env: A } } }\n',
    /^2:9: notify\.to\.Ops: .*expected a destination: lower-case/,
  ],
];
for (const [what, section, says] of WRONG)
  test(`refused: ${what}`, () => {
    const [first = 'nothing is said'] = complaints(section);
    assert.match(first, says);
  });

test('the example of docs/notify.md is right', async () => {
  const { readFile } = await import('node:fs/promises');
  const page = await readFile(new URL('../../docs/notify.md', import.meta.url), 'utf8');
  const example = /^```yaml\n([^]*?)^```$/m.exec(page)?.[1] ?? assert.fail('no example');
  const parsed = parseDocument(example, 'f', z.strictObject({ notify: notifySchema }));
  assert.deepEqual(parsed.ok ? Object.keys(parsed.value.notify.to).length : parsed.problems, 5);
});

test('a secret that is not there is said when the worker starts, by its reference', () => {
  process.env['TEST_NOTIFY_THERE'] = 'a secret';
  const section =
    to('{ type: slack, urlFrom: { env: TEST_NOTIFY_THERE } }') +
    '    own: { type: webhook, urlFrom: { env: TEST_NOTIFY_A }, secretFrom: { file: /nowhere }, headersFrom: { x-a: { env: TEST_NOTIFY_B } } }\n';
  const parsed = parseDocument(`notify:\n${section}`, 'f', z.strictObject({ notify: notifySchema }));
  assert.ok(parsed.ok);
  assert.deepEqual([...missingOf(parsed.value)].toSorted(), [
    'destination own: the environment variable TEST_NOTIFY_A is not set',
    'destination own: the environment variable TEST_NOTIFY_B is not set',
    'destination own: the file /nowhere does not exist',
  ]);
});
