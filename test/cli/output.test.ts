/** What is written for people: whatever somebody has put into a text, a terminal obeys nothing of it. */
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import type { JournalEvent } from '../../domain/journal.ts';
import { output, shown } from '../../starters/output.ts';
import { eventLine } from '../../starters/story-line.ts';

/** Clears the screen, goes up, begins a line of its own, names the window, and says that all is well. */
const EVIL = 'a\u001B[2J\u001B[1A\rb\n\u001B]0;c\u0007\u009B32md\u001B[32mheld\u001B[39m\0\t';

/** What `act` writes to standard output. */
function written(act: () => void): string {
  const { mock: writing } = mock.method(process.stdout, 'write', () => true);
  try {
    act();
    return writing.calls.map(({ arguments: [chunk] }) => String(chunk)).join('');
  } finally {
    writing.restore();
  }
}

test('control characters of others are spaces, and a line is one line', () => {
  const out = output(false);
  const line = written(() => out.line(EVIL));
  assert.equal(line, `${EVIL.replace(/\p{Cc}/gu, ' ')}\n`);
  assert.doesNotMatch(line.slice(0, -1), /\p{Cc}/u);
  assert.doesNotMatch(
    written(() => out.line(out.style('red', EVIL))).replace(/^\u001B\[31m|\u001B\[39m$/gm, ''),
    /\u001B/,
  );
});

test('our own styles are written where there is colour, and no one else can say them', (t) => {
  const { FORCE_COLOR: before } = process.env;
  t.after(() => {
    if (before === undefined) delete process.env['FORCE_COLOR'];
    else process.env['FORCE_COLOR'] = before;
  });
  process.env['FORCE_COLOR'] = '1';
  const out = output(false);
  const line = written(() => out.line(`${out.style(['bold', 'red'], 'ABORT')} ${EVIL}`));
  assert.ok(line.startsWith('\u001B[1m\u001B[31mABORT\u001B[39m\u001B[22m a [2J [1A b'), JSON.stringify(line));
  assert.equal(line.split('\u001B').length, 5, 'none but our own');
  assert.equal(shown(out.style('green', 'x')), '\u001B[32mx\u001B[39m');
});

test('what people and probes have said of a run is said so', () => {
  const said: readonly JournalEvent[] = [
    { seq: 0, atMs: 0, type: 'note', by: EVIL, text: EVIL },
    { seq: 1, atMs: 0, type: 'rejected', by: EVIL, plan: 'p', reason: EVIL },
    { seq: 2, atMs: 0, type: 'refused', check: EVIL, found: EVIL },
    { seq: 3, atMs: 0, type: 'abort', cause: 'person', mode: 'immediate', evidence: EVIL, by: EVIL },
    { seq: 4, atMs: 0, type: 'edge', edge: 'breach-begins', probe: 'a', value: 1, evidence: EVIL },
  ];
  const out = output(false);
  for (const event of said) {
    const line = written(() => out.line(eventLine(event, out) ?? assert.fail(event.type)));
    assert.equal(line.split('\n').length, 2, event.type);
    for (const code of ['\u001B[2J', '\u001B[1A', '\r', '\u001B]0', '\u0007', '\u009B'])
      assert.ok(!line.includes(code));
  }
});
