import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { InvalidDocument } from '../../documents/problem.ts';
import { BYTES_MAX } from '../../documents/source.ts';
import { parseFile } from '../../documents/file.ts';
import { catalogue, complaints, VALID } from './experiment.ts';
import { WRONG } from './wrong.ts';

test('the document that uses every key is valid, and frozen to its leaves', () => {
  const parsed = parseFile(VALID, 'it.yaml', catalogue);
  assert.ok(parsed.ok);
  const frozen = (value: unknown): boolean =>
    typeof value !== 'object' || value === null || (Object.isFrozen(value) && Object.values(value).every(frozen));
  assert.ok(frozen(parsed.experiments[0]?.experiment));
});

for (const { what, replace, by, says } of WRONG) {
  test(`refused: ${what}`, () => {
    assert.ok(VALID.includes(replace));
    const faults = [...catalogue.kinds.keys()].join(', ');
    assert.deepEqual(
      complaints(VALID.replace(replace, by)),
      says.map((words) => words.replace('FAULTS', faults)),
    );
  });
}

test('the corpus holds at least sixty documents, all different', () => {
  assert.ok(new Set(WRONG.map(({ replace, by }) => VALID.replace(replace, by))).size >= 60);
});

const WHOLE: readonly [what: string, text: string | Uint8Array, says: string][] = [
  ['nothing', '', '1:1: found nothing, expected a YAML document'],
  ['only a comment', '# soon\n', '1:1: found nothing, expected a YAML document'],
  ['a list', '- a\n', '1:1: found a list of 1, expected a mapping'],
  ['a text', 'hello\n', '1:1: found "hello", expected a mapping'],
  ['not UTF-8', Uint8Array.of(0xff, 0xfe, 0), '1:1: found bytes that are not UTF-8, expected UTF-8 text'],
  ['one byte too many', '#'.repeat(BYTES_MAX + 1), '1:1: found more than 1048576 bytes, expected at most 1048576 bytes'],
  ['65 levels of lists', '['.repeat(65_000), '1:66: found deeper nesting, expected at most 64 levels'],
  ['65 levels in a line', '- '.repeat(65_000), '1:131: found deeper nesting, expected at most 64 levels'],
  [
    'sixty thousand keys',
    Array.from({ length: 60_000 }, (_, i) => `k${i}: 1`).join('\n'),
    '14286:8: found more than 100000 words and signs, expected fewer, in several files',
  ],
  [
    'too many aliases',
    `a: &a 1\nb: [${'*a, '.repeat(101)}]\n`,
    '2:405: found more than 100 aliases, expected at most 100',
  ],
  [
    'aliases of aliases of aliases',
    Array.from({ length: 9 }, (_, i) => `a${i}: &a${i} [${`*a${i - 1}, `.repeat(9)}]`.replaceAll('*a-1', 'x')).join('\n'),
    '1:1: found aliases that grow too large, expected fewer aliases',
  ],
  ['two of one name', `${VALID}---\n${VALID}`, '24:1: experiment: found a second experiment called slow-payments, expected another name'],
];
for (const [what, text, says] of WHOLE) {
  test(`refused: ${what}`, () => assert.equal(complaints(text)[0], says));
}

test('a message shows the line with a caret, and a hundred problems at most', () => {
  const parsed = parseFile(VALID.replace('hold: 5m', 'hold: 5'), 'it.yaml', catalogue);
  assert.ok(!parsed.ok);
  const [, frame, caret] = new InvalidDocument(parsed.problems).message.split('\n');
  assert.equal(frame?.indexOf('5, max'), caret?.indexOf('^'));
  const many = new InvalidDocument(Array.from({ length: 250 }, () => parsed.problems[0] ?? assert.fail()));
  assert.match(many.message, /and 150 more problems$/);
});

/** Words that hostile and hurried people write. */
const WORDS = ['*a', '&a', '!!js', '{', '}', '[', ']', ': ', '- ', '|', '>', '"', "'", '#', '\t', '\0', '\u{1F4A5}', '---\n'];
const VALUES = ['5', '-1', '1e999', '5%', '5m', 'null', '~', '.nan', '2026-11-23', '__proto__', 'constructor', '0x1f', ''];

const mutation = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  cut: fc.nat(40),
  put: fc.oneof(fc.constantFrom(...WORDS), fc.constantFrom(...VALUES), fc.string({ maxLength: 12, unit: 'binary' })),
});

test('a mutated document is accepted or refused with positions inside it; nothing else happens', () => {
  fc.assert(
    fc.property(fc.array(mutation, { minLength: 1, maxLength: 4 }), (mutations) => {
      const text = mutations.reduce((whole, { at, cut, put }) => {
        const from = Math.floor(at * whole.length);
        return whole.slice(0, from) + put + whole.slice(from + cut);
      }, VALID);
      const parsed = parseFile(text, 'it.yaml', catalogue);
      if (parsed.ok) return;
      const lines = text.replace(/^\uFEFF/, '').split('\n');
      assert.ok(parsed.problems.length > 0);
      for (const { line, column, found, expected } of parsed.problems) {
        assert.ok(line >= 1 && line <= lines.length, `line ${line} of ${lines.length}`);
        assert.ok(column >= 1 && column <= (lines[line - 1]?.length ?? 0) + 1, `column ${column} of line ${line}`);
        assert.ok(found !== '' && expected !== '');
      }
    }),
    { numRuns: 1_000 },
  );
});
