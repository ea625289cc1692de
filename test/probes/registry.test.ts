import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { z } from 'zod';
import type { ProbeProvider } from '../../activities/probes/probe.ts';
import { InvalidProbes, openProbes, probesSchema } from '../../activities/probes/registry.ts';
import { UNITS } from '../../activities/probes/units.ts';

const URL_ = 'http://127.0.0.1:9/metrics';

/** The problems of one entry, `path: message`. */
function problems(entry: unknown): string[] {
  const result = probesSchema.safeParse({ it: entry });
  return result.success ? [] : result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
}

describe('the probes section', () => {
  test('parses every built-in type', () => {
    const entries = {
      errors: {
        type: 'metrics',
        unit: 'ratio',
        url: URL_,
        ratio: { of: 'a{code=~"5.."}', to: 'a' },
        window: '10s',
        idle: 0,
      },
      p99: {
        type: 'metrics',
        unit: 's',
        url: URL_,
        histogram: 'took_seconds',
        quantile: 0.99,
        timeout: '1s',
      },
      orders: {
        type: 'prometheus',
        unit: 'per-minute',
        url: URL_,
        query: 'sum(rate(orders[1m])) * 60',
      },
      shop: { type: 'http', unit: 'count', url: URL_, measure: 'up' },
      queue: { type: 'command', unit: 'count', run: ['queue-depth'] },
    };
    const probes = openProbes(probesSchema.parse(entries));
    assert.deepEqual(
      [...probes.values()].map(({ name, type, dimension, timeoutMs }) => [name, type, dimension, timeoutMs]),
      [
        ['errors', 'metrics', 'ratio', 2000],
        ['p99', 'metrics', 'duration', 1000],
        ['orders', 'prometheus', 'rate', 2000],
        ['shop', 'http', 'count', 2000],
        ['queue', 'command', 'count', 2000],
      ],
    );
  });

  const gauge = { type: 'metrics', unit: 'count', url: URL_, gauge: 'm' };
  const query = { type: 'prometheus', unit: 'count', url: URL_, query: 'sum(m)' };
  const table: [name: string, entry: unknown, problem: RegExp][] = [
    ['no unit', { type: 'metrics', url: URL_, gauge: 'm' }, /^it\.unit: /],
    ['an unknown unit', { ...gauge, unit: 'seconds' }, /^it\.unit: /],
    // Whoever tells it names the key; the message names those that there are.
    ['an unknown setting', { ...gauge, colour: 'red' }, /^it: url, .*gauge/],
    ['a timeout without a unit', { ...gauge, timeout: '5' }, /^it\.timeout: /],
    ['a timeout of nothing', { ...gauge, timeout: '0s' }, /^it\.timeout: .*more than 0/],
    ['two measures', { ...gauge, counter: 'm' }, /expected one of .* found 2/],
    ['no measure', { type: 'metrics', unit: 'count', url: URL_ }, /expected one of .* found 0/],
    ['a quantile of nothing', { ...gauge, quantile: 0.5 }, /histogram and quantile go together/],
    ['a broken selector', { ...gauge, gauge: 'm{' }, /^it\.gauge: expected/],
    [
      'a broken selector inside',
      { type: 'metrics', unit: 'ratio', url: URL_, ratio: { of: 'm[', to: 'm' } },
      /^it\.ratio\.of: expected/,
    ],
    [
      'a percentage that is a ratio',
      { type: 'metrics', unit: 'percent', url: URL_, ratio: { of: 'm', to: 'n' } },
      /^it\.unit: .*unit: ratio/,
    ],
    [
      'a rate per minute that is per second',
      { type: 'metrics', unit: 'per-minute', url: URL_, rate: 'm' },
      /^it\.unit: .*per-second/,
    ],
    ['a latency in seconds', { type: 'http', unit: 's', url: URL_, measure: 'latency' }, /^it\.unit: .*unit: ms/],
    [
      'both a measure and a pointer',
      { type: 'http', unit: 'count', url: URL_, measure: 'up', jsonPointer: '/a' },
      /either measure or jsonPointer/,
    ],
    ['a pointer that is none', { type: 'http', unit: 'count', url: URL_, jsonPointer: 'a' }, /JSON pointer/],
    ['another scheme', { ...gauge, url: 'file:///etc/passwd' }, /^it\.url: /],
    ['credentials in the URL', { ...gauge, url: 'http://user:pass@127.0.0.1/' }, /^it\.url: .*tokenFrom/],
    ['a token in the document', { ...gauge, tokenFrom: 'abc' }, /^it\.tokenFrom/],
    ['the age of a computed value', { ...query, maxAge: '30s' }, /^it\.freshness: .*age of a computed value/],
    [
      'freshness of a computed value',
      { ...query, maxAge: '30s', freshness: 'sum(m)' },
      /^it\.freshness: .*plain selector/,
    ],
    ['freshness without an age', { ...query, freshness: 'm' }, /^it\.maxAge: /],
    ['a command that is a line', { type: 'command', unit: 'count', run: 'echo 1' }, /^it\.run: /],
    ['an exit code in seconds', { type: 'command', unit: 's', run: ['true'], parse: 'exit-code' }, /^it\.unit: /],
    ['nothing', null, /^it: /],
  ];
  for (const [name, entry, problem] of table) {
    test(`refuses ${name}`, () => {
      const found = problems(entry);
      assert.ok(
        found.some((text) => problem.test(text)),
        JSON.stringify(found),
      );
    });
  }

  test('refuses a name that experiments could not write', () => {
    assert.equal(probesSchema.safeParse({ __proto__x: gauge }).success, false);
    assert.equal(probesSchema.safeParse({ 'Error Rate': gauge }).success, false);
  });
});

describe('plugins', () => {
  const fixed: ProbeProvider<{ value: number }> = {
    type: 'fixed',
    settings: z.strictObject({ value: z.number() }),
    check: ({ value }) => (value < 0 ? ['it is negative'] : []),
    open: ({ value }, { scale }) => ({ read: async () => ({ ok: true, value: value * scale }) }),
  };

  test('add types, whose settings are judged when probes are opened', async () => {
    const entries = probesSchema.parse({ it: { type: 'fixed', unit: 'percent', value: -50 } });
    const probe = openProbes(entries, { plugins: [fixed] }).get('it');
    assert.deepEqual(await probe?.probe.read(new AbortController().signal), { ok: true, value: -0.5 });
    assert.deepEqual(probe?.check(), ['it is negative']);
    const wrong = probesSchema.parse({
      it: { type: 'fixed', unit: 'count', value: 'x' },
      other: { type: 'fixd', unit: 'count' },
    });
    assert.throws(
      () => openProbes(wrong, { plugins: [fixed] }),
      (error) =>
        error instanceof InvalidProbes &&
        error.problems.length === 2 &&
        /probe it: value: /.test(error.message) &&
        /unknown type fixd/.test(error.message),
    );
  });

  test('may not take a type that is there', () => {
    assert.throws(() => openProbes({}, { plugins: [{ ...fixed, type: 'http' }] }), /type http, which is there already/);
  });
});

test('every unit leads to its dimension in its canonical unit', () => {
  const canonical = Object.entries(UNITS).map(
    ([unit, { dimension, scale }]) => `${unit} ${dimension} ${Number(scale.toPrecision(6))}`,
  );
  assert.deepEqual(canonical, [
    'ms duration 1',
    's duration 1000',
    'ratio ratio 1',
    'percent ratio 0.01',
    'bytes bytes 1',
    'per-second rate 1',
    'per-minute rate 0.0166667',
    'per-hour rate 0.000277778',
    'count count 1',
  ]);
});
