import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openProbes, probesSchema } from '../../activities/probes/registry.ts';
import { until } from '../until.ts';
import { HOSTILE, saying, startServer } from './server.ts';
import type { Handler, TestServer } from './server.ts';

const never = new AbortController().signal;
let server: TestServer;

before(async () => {
  server = await startServer();
});
after(() => server.close());

async function read(settings: Record<string, unknown>): Promise<number | string> {
  const entry = { type: 'prometheus', unit: 'count', timeout: '2s', url: server.url, ...settings };
  const reading = await openProbes(probesSchema.parse({ it: entry }))
    .get('it')
    ?.probe.read(never);
  assert.ok(reading);
  return reading.ok ? reading.value : reading.why;
}

const HAS_PROMETHEUS = spawnSync('prometheus', ['--version']).status === 0;
const SKIP = HAS_PROMETHEUS ? false : 'no prometheus on PATH: apt-get install prometheus';

describe('a real Prometheus server', { skip: SKIP }, () => {
  let folder: string;
  let url: string;
  let prometheus: ChildProcess;
  let exporter: TestServer;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'squall-prometheus-'));
    exporter = await startServer(
      saying(
        `orders{shop="a"} 5\norders{shop="b"} 7\nlatency_seconds 0.25\nodd NaN\nendless +Inf\nlate 3 ${Date.now() - 200_000}\n`,
        200,
        'text/plain; version=0.0.4',
      ),
    );
    const config = `scrape_configs:\n  - job_name: shop\n    scrape_interval: 2s\n    scrape_timeout: 2s\n    static_configs: [{ targets: ['${new URL(exporter.url).host}'] }]\n`;
    await writeFile(join(folder, 'prometheus.yml'), config);
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    const flags = [
      `--config.file=${folder}/prometheus.yml`,
      `--storage.tsdb.path=${folder}/data`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=error',
    ];
    prometheus = spawn('prometheus', flags, { stdio: 'ignore' });
    await until(async () => (await read({ url, query: 'latency_seconds' })) === 0.25);
  });

  after(async () => {
    await new Promise((resolve) => {
      prometheus.once('exit', resolve);
      prometheus.kill('SIGKILL');
    });
    await exporter.close();
    await rm(folder, { recursive: true });
  });

  test('one series or a scalar is a value, in canonical units', async () => {
    assert.equal(await read({ url, query: 'latency_seconds', unit: 's' }), 250);
    assert.equal(await read({ url, query: 'sum(orders)' }), 12);
    assert.equal(await read({ url, query: 'scalar(orders{shop="a"})' }), 5);
    assert.equal(await read({ url: `${url}/`, query: '1e3' }), 1000);
  });

  test('everything else is no data, and says why', async () => {
    const table: [query: string, why: RegExp][] = [
      ['no_such_metric', /no series/],
      ['orders', /2 series, not with one/],
      ['odd', /read NaN/],
      ['endless', /read \+Inf/],
      ['-endless', /read -Inf/],
      ['0/0', /read NaN/],
      ['latency_seconds[1m]', /matrix/],
      ['"text"', /string/],
      ['sum(', /refused the query \(400\)/],
    ];
    for (const [query, why] of table) assert.match(String(await read({ url, query })), why, query);
  });

  test('data that is too old is no data, and fresh data is a value', async () => {
    assert.equal(await read({ url, query: 'latency_seconds', maxAge: '1m' }), 0.25);
    assert.equal(await read({ url, query: 'sum(orders)', freshness: 'orders', maxAge: '1m' }), 12);
    assert.match(
      String(await read({ url, query: 'latency_seconds', maxAge: '0ms' })),
      /^the data is .* old, and maxAge is 0ms$/,
    );
    assert.match(
      String(await read({ url, query: 'sum(orders)', freshness: 'gone', maxAge: '1m' })),
      /age of the data is not known/,
    );
  });

  test('a plain selector is no data after two minutes and a half, unless it says otherwise', async () => {
    await until(async () => (await read({ url, query: 'sum(late)' })) === 3);
    assert.match(String(await read({ url, query: 'late' })), /^the data is [34]m\d+s old, and maxAge is 2m30s$/);
    assert.equal(await read({ url, query: 'late', maxAge: '10m' }), 3);
  });

  test('a target that is gone has no data at once', async () => {
    exporter.answer(saying('latency_seconds 0.25\n'));
    await until(async () => /no series/.test(String(await read({ url, query: 'orders{shop="a"}' }))));
    assert.equal(await read({ url, query: 'latency_seconds' }), 0.25);
    // A sum over what is left still has a value; freshness is what tells that nothing feeds it.
    assert.match(
      String(await read({ url, query: 'count(up) * 0 + 1', freshness: 'orders', maxAge: '1m' })),
      /age of the data is not known/,
    );
  });
});

describe('a server that answers strangely', () => {
  const vector = (...values: string[]): unknown => ({
    resultType: 'vector',
    result: values.map((value) => ({ metric: {}, value: [1, value] })),
  });
  const success = (extra: object): Handler =>
    saying(JSON.stringify({ status: 'success', data: vector('7'), ...extra }));

  test('is believed when nothing is wrong', async () => {
    server.answer(success({ infos: ['a matter of style'] }));
    assert.equal(await read({ query: 'x' }), 7);
  });

  test('is asked with the timeout that binds the probe, and by the whole query', async () => {
    let asked: URL | undefined;
    server.answer((request, response) => {
      asked = new URL(request.url ?? '', server.url);
      success({})(request, response);
    });
    await read({ url: `${server.url}/tenant/`, query: 'a{b="c d&e"} + 1', timeout: '1s' });
    assert.equal(asked?.pathname, '/tenant/api/v1/query');
    assert.deepEqual(Object.fromEntries(asked?.searchParams ?? []), { query: 'a{b="c d&e"} + 1', timeout: '1000ms' });
  });

  const table: [name: string, body: unknown, why: RegExp][] = [
    ['warnings', { status: 'success', data: vector('7'), warnings: ['a store is down'] }, /warns: a store is down/],
    ['a partial answer', { status: 'success', data: vector('7'), isPartial: true }, /partial/],
    [
      'a native histogram',
      { status: 'success', data: { resultType: 'vector', result: [{ metric: {}, histogram: [1, {}] }] } },
      /histogram/,
    ],
    ['a value that is no number', { status: 'success', data: vector('0x10') }, /read 0x10/],
    ['an empty value', { status: 'success', data: vector('') }, /^it read/],
    [
      'a number where text belongs',
      { status: 'success', data: { resultType: 'vector', result: [{ value: [1, 7] }] } },
      /not in Prometheus' format/,
    ],
    ['another document', { hello: 'world' }, /not in Prometheus' format/],
    [
      'an error',
      { status: 'error', errorType: 'timeout', error: 'query timed out in expression evaluation' },
      /timed out in expression/,
    ],
  ];
  for (const [name, body, why] of table) {
    test(`${name} is no data`, async () => {
      server.answer(saying(JSON.stringify(body)));
      assert.match(String(await read({ query: 'x' })), why);
    });
  }

  for (const [name, handler] of Object.entries(HOSTILE)) {
    test(`${name} is no data`, async () => {
      server.answer(handler);
      assert.equal(typeof (await read({ query: 'x', timeout: '300ms' })), 'string');
    });
  }
});

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
