import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DURATION_MAX_MS, formatDuration, parseDuration, parseQuantity, parseShare } from '../../domain/units.ts';

test('durations are written with their unit, and add up', () => {
  const table: readonly [string, number | undefined][] = [
    ['100ms', 100],
    ['1.5s', 1_500],
    ['5m', 300_000],
    ['1h30m', 5_400_000],
    ['30d', DURATION_MAX_MS],
    ['31d', undefined],
    ['5', undefined],
    ['5 m', undefined],
    ['-5m', undefined],
    ['m5', undefined],
    ['1e3ms', undefined],
    ['', undefined],
  ];
  for (const [text, ms] of table) assert.equal(parseDuration(text), ms, text);
});

test('quantities know their dimension, and compare in its canonical unit', () => {
  const table: readonly [string | number, number, string][] = [
    ['500ms', 500, 'duration'],
    ['1%', 0.01, 'ratio'],
    ['33.3%', 0.333, 'ratio'],
    ['10MB', 1e7, 'bytes'],
    ['1KiB', 1_024, 'bytes'],
    ['120/min', 2, 'rate'],
    ['36/h', 0.01, 'rate'],
    ['5/s', 5, 'rate'],
    [42, 42, 'count'],
    ['42', 42, 'count'],
    ['-3.5', -3.5, 'count'],
  ];
  for (const [written, value, dimension] of table) {
    const parsed = parseQuantity(written);
    assert.deepEqual([parsed?.value, parsed?.dimension], [value, dimension], `${written}`);
  }
  for (const text of ['1 %', '%', '10mb', '5/d', '1e3', 'NaN', '--1', '0x10', '1_000'])
    assert.equal(parseQuantity(text), undefined, text);
  assert.equal(parseQuantity(Infinity), undefined);
});

test('a share is a ratio, exact to twelve digits', () => {
  assert.equal(parseShare('0.1%'), 0.001);
  assert.equal(parseShare('29%'), 0.29);
  assert.equal(parseShare('29'), undefined);
});

test('a formatted duration reads back as nearly the same', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: DURATION_MAX_MS }), (ms) => {
      const back = parseDuration(formatDuration(ms)) ?? (ms === 0 ? 0 : NaN);
      assert.ok(Math.abs(back - ms) <= Math.max(60, ms * 0.05), `${ms} became ${formatDuration(ms)}`);
    }),
  );
});
