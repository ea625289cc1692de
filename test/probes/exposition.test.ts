import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Counter, Histogram, Registry } from 'prom-client';
import { CounterTotal, TotalsWindow } from '../../activities/probes/counters.ts';
import { parseExposition } from '../../activities/probes/exposition.ts';
import { quantileOf } from '../../activities/probes/histogram.ts';
import { matches, parseSelector } from '../../activities/probes/selector.ts';

describe('the text format', () => {
  test('reads what a real client library writes', async () => {
    const register = new Registry();
    const hostile = 'a "quoted" \\ back\nslash } , = #';
    new Counter({ name: 'hits_total', help: 'Hits', labelNames: ['path'], registers: [register] }).inc(
      { path: hostile },
      2.5,
    );
    new Histogram({ name: 'took_seconds', help: 'Took', buckets: [0.1, 1], registers: [register] }).observe(0.5);
    const page = parseExposition(await register.metrics());
    assert.deepEqual(page.get('hits_total'), [{ labels: new Map([['path', hostile]]), value: 2.5 }]);
    const buckets = page.get('took_seconds_bucket')?.map(({ labels, value }) => [labels.get('le'), value]);
    assert.deepEqual(buckets, [
      ['0.1', 0],
      ['1', 1],
      ['+Inf', 1],
    ]);
    assert.deepEqual(page.get('took_seconds'), []);
  });

  test('reads every legal line', () => {
    const lines: [line: string, value: number][] = [
      ['m 1', 1],
      ['m{} 1', 1],
      ['m{a="b",} 1 1700000000000', 1],
      ['m { a = "b" , c="" }\t-1.5e-3', -0.0015],
      ['m NaN', NaN],
      ['m +Inf', Infinity],
      ['m{le="1"} 1 # {trace="x"} 0.5 1700000000.1', 1],
      ['m 1\r', 1],
    ];
    for (const [line, value] of lines)
      assert.equal(parseExposition(`# a comment\n\n${line}\n# EOF`).get('m')?.[0]?.value, value, line);
  });

  test('refuses every other line, and says which', () => {
    for (const line of [
      'm',
      'm x',
      '1m 1',
      'm{a=b} 1',
      'm{a="b" 1',
      'm{a="b"c="d"} 1',
      'm{a="1",a="2"} 1',
      'm 1 2 3',
      'm 0x10',
      '<html>',
      '{"m":1}',
      'm{,} 1',
      'm{a="b",,} 1',
    ]) {
      assert.throws(() => parseExposition(`ok 1\n${line}\n`), /line 2 is not a metric/, line);
    }
  });

  test('is bounded in lines, and never crashes otherwise than with a line', () => {
    assert.throws(() => parseExposition('m 1\n'.repeat(50_001)), /more than 50000 lines/);
    const piece = fc.constantFrom(
      'm',
      '{',
      '}',
      '"',
      '\\',
      ',',
      '=',
      ' ',
      '\n',
      '#',
      '1',
      'NaN',
      'le',
      '# TYPE ',
      '\u{1F300}',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        try {
          parseExposition(pieces.join(''));
        } catch (error) {
          assert.match(String(error), /line \d+ is not a metric/);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('selectors', () => {
  const accepts = (selector: string, labels: Record<string, string>): boolean =>
    matches(parseSelector(selector), new Map(Object.entries(labels)));

  test('match as in Prometheus: anchored, and an absent label is empty', () => {
    assert.ok(accepts('m', {}));
    assert.ok(accepts('m{code="500"}', { code: '500' }));
    assert.ok(accepts(' m { code =~ "5..", path != "/health" } ', { code: '503', path: '/' }));
    assert.ok(!accepts('m{code=~"5."}', { code: '503' }));
    assert.ok(!accepts('m{code=~"4..|5"}', { code: '503' }));
    assert.ok(accepts('m{code!~"5.."}', { code: '200' }));
    assert.ok(accepts('m{gone=""}', {}));
    assert.ok(!accepts('m{gone!=""}', {}));
    assert.ok(accepts('m{path="a\\"b\\\\c"}', { path: 'a"b\\c' }));
    assert.ok(accepts('m{code=~"5\\\\d+"}', { code: '503' }));
  });

  test('are refused with what was expected', () => {
    for (const text of [
      '',
      '{a="b"}',
      'rate(m[5m])',
      'm{a=b}',
      'm{a="b"',
      'm[5m]',
      'm offset 5m',
      'm{a="b" c="d"}',
      'm{a=~"("}',
      'sum(m)',
      'm + 1',
    ]) {
      assert.throws(() => parseSelector(text), /expected/, text);
    }
  });
});

describe('counters', () => {
  const series = (...values: [id: string, value: number][]) =>
    values.map(([id, value]) => ({ labels: new Map([['id', id]]), value }));

  test('a total starts at the first scrape, survives resets, and counts new series from zero', () => {
    const total = new CounterTotal();
    assert.equal(total.add(series(['a', 100], ['b', 5])), 0);
    assert.equal(total.add(series(['a', 110], ['b', 6])), 11);
    assert.equal(total.add(series(['a', 3], ['b', 6])), 14);
    assert.equal(total.add(series(['b', 6], ['c', 2])), 16);
    assert.equal(total.add(series(['a', 4], ['b', 6], ['c', 2])), 17);
  });

  test('what is not a counter is refused', () => {
    for (const value of [NaN, Infinity, -1])
      assert.throws(() => new CounterTotal().add(series(['a', value])), /a counter read/);
    assert.throws(() => new CounterTotal().add(series(['a', 1], ['a', 2])), /twice/);
  });

  test('a total never falls, and is the sum of the rises when nothing resets', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1000), { minLength: 1 }), (values) => {
        const total = new CounterTotal();
        const totals = values.map((value) => total.add(series(['a', value])));
        totals.forEach((now, index) => assert.ok(now >= (totals[index - 1] ?? 0)));
        const rising = new CounterTotal();
        let sum = 0;
        const last = values.map((rise) => rising.add(series(['a', (sum += rise)]))).at(-1);
        assert.equal(last, sum - (values[0] ?? 0));
      }),
    );
  });

  test('a window covers its length whatever the sampling, forgets after a pause, and stays small', () => {
    const window = new TotalsWindow(5000);
    assert.equal(window.rise(), undefined);
    for (let atMs = 0; atMs <= 60_000; atMs += 10) window.add({ atMs, values: new Map([['x', atMs / 1000]]) });
    const { spanMs, values } = window.rise() ?? assert.fail();
    assert.ok(spanMs >= 5000 && spanMs < 5400, `covers ${spanMs} ms`);
    assert.ok(Math.abs((values.get('x') ?? 0) - spanMs / 1000) < 1e-9);
    window.add({ atMs: 80_000, values: new Map([['x', 999]]) });
    assert.equal(window.rise(), undefined);
  });
});

describe('quantiles', () => {
  const buckets = [
    { bound: Infinity, count: 100 },
    { bound: 0.1, count: 50 },
    { bound: 0.5, count: 90 },
    { bound: 1, count: 98 },
  ];

  test('are interpolated within their bucket', () => {
    const table: [share: number, value: number][] = [
      [0.25, 0.05],
      [0.5, 0.1],
      [0.7, 0.3],
      [0.9, 0.5],
      [0.94, 0.75],
    ];
    for (const [share, expected] of table) {
      const found = quantileOf(share, buckets);
      assert.ok(
        found.kind === 'value' && Math.abs(found.value - expected) < 1e-9,
        `${share}: ${JSON.stringify(found)}`,
      );
    }
  });

  test('beyond the largest finite bucket have no value', () => {
    assert.deepEqual(quantileOf(0.99, buckets), { kind: 'beyond', bound: 1 });
  });

  test('of nothing are idle, and without +Inf malformed', () => {
    assert.deepEqual(
      quantileOf(
        0.5,
        buckets.map(({ bound }) => ({ bound, count: 0 })),
      ),
      { kind: 'idle' },
    );
    assert.deepEqual(quantileOf(0.5, buckets.slice(1)), { kind: 'malformed' });
    assert.deepEqual(quantileOf(0.5, []), { kind: 'malformed' });
  });
});
