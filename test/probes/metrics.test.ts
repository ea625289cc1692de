import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Probe } from '../../activities/probes/probe.ts';
import { openProbes, probesSchema } from '../../activities/probes/registry.ts';
import type { OpenProbes } from '../../activities/probes/registry.ts';
import { HOSTILE, saying, startServer } from './server.ts';
import type { TestServer } from './server.ts';

const never = new AbortController().signal;
let server: TestServer;

before(async () => {
  server = await startServer();
});
after(() => server.close());

function openAll(entries: Record<string, Record<string, unknown>>): OpenProbes {
  // The window is also the pause in a first reading, and what the second scrape may be late by.
  const common = { type: 'metrics', unit: 'count', timeout: '5s', window: '1s', url: server.url };
  return openProbes(
    probesSchema.parse(
      Object.fromEntries(Object.entries(entries).map(([name, entry]) => [name, { ...common, ...entry }])),
    ),
  );
}

function open(entry: Record<string, unknown>): Probe {
  return openAll({ it: entry }).get('it')?.probe ?? assert.fail();
}

async function read(probe: Probe): Promise<number | string> {
  const reading = await probe.read(never);
  return reading.ok ? reading.value : reading.why;
}

/** Serves each page in turn, and the last one for ever. */
function pages(...texts: string[]): void {
  let next = 0;
  server.answer((request, response) => {
    saying(texts[Math.min(next, texts.length - 1)] ?? '')(request, response);
    next += 1;
  });
}

const requests = (ok: number, bad: number): string =>
  `# TYPE requests_total counter\nrequests_total{code="200"} ${ok}\nrequests_total{code="503"} ${bad}\n`;
const ERROR_RATIO = { unit: 'ratio', ratio: { of: 'requests_total{code=~"5.."}', to: 'requests_total' } };

describe('direct readings', () => {
  test('sum the series that match', async () => {
    pages('connections{pool="a"} 3\nconnections{pool="b"} 4\nconnections{pool="c"} NaN\n');
    assert.equal(await read(open({ gauge: 'connections{pool!="c"}' })), 7);
    assert.equal(await read(open({ counter: 'connections{pool="a"}' })), 3);
    assert.equal(await read(open({ gauge: 'connections' })), 'it read NaN');
    assert.equal(await read(open({ gauge: 'connections{pool="a"}', unit: 's' })), 3000);
  });

  test('a selector that matches nothing is no data, even when idle has a value, unless the page knows the metric', async () => {
    pages('# TYPE complaints_total counter\nconnections{pool="a"} 3\n');
    assert.match(String(await read(open({ gauge: 'conections', idle: 0 }))), /no metric conections/);
    assert.match(
      String(await read(open({ gauge: 'connections{poool="a"}', idle: 0 }))),
      /no series of connections has a label poool/,
    );
    assert.match(String(await read(open({ gauge: 'connections{pool="z"}' }))), /nothing matches/);
    assert.equal(await read(open({ gauge: 'connections{pool="z"}', idle: 0 })), 0);
    assert.match(String(await read(open({ counter: 'complaints_total' }))), /nothing matches/);
    assert.equal(await read(open({ counter: 'complaints_total', idle: 0 })), 0);
  });
});

describe('rates', () => {
  test('the first reading scrapes twice, the next once', async () => {
    const rises = open({ unit: 'per-second', rate: 'requests_total' });
    pages(requests(100, 0), requests(200, 0), requests(300, 0));
    const before = server.requests;
    const beganMs = performance.now();
    const first = await read(rises);
    const tookSeconds = (performance.now() - beganMs) / 1_000;
    assert.equal(server.requests, before + 2);
    // 100 between two scrapes, which are within this time and have a pause of a second between them.
    assert.ok(typeof first === 'number' && first >= 100 / tookSeconds && first < 105, `${first}/s, ${tookSeconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 60));
    assert.equal(typeof (await read(rises)), 'number');
    assert.equal(server.requests, before + 3);
  });

  test('a counter that does not move is 0 a second', async () => {
    pages(requests(100, 0));
    assert.equal(await read(open({ unit: 'per-second', rate: 'requests_total' })), 0);
  });

  test('a series that appears counts from zero', async () => {
    pages('# TYPE orders_total counter\n', '# TYPE orders_total counter\norders_total 10\n');
    const rate = await read(open({ unit: 'per-second', rate: 'orders_total', idle: 0 }));
    assert.ok(typeof rate === 'number' && rate > 0, String(rate));
    pages('# TYPE orders_total counter\n');
    assert.equal(await read(open({ unit: 'per-second', rate: 'orders_total', idle: 0 })), 0);
    assert.match(String(await read(open({ unit: 'per-second', rate: 'orders_total' }))), /nothing matches/);
  });
});

describe('ratios', () => {
  test('are of the rises, over a reset, and whatever the absolute values', async () => {
    pages(requests(1_000_000, 500_000), requests(1_000_090, 500_010));
    assert.equal(await read(open(ERROR_RATIO)), 0.1);
    pages(requests(1000, 500), requests(60, 40));
    assert.equal(await read(open(ERROR_RATIO)), 0.4);
  });

  test('errors that never happened are a ratio of zero, as long as there is traffic', async () => {
    pages('requests_total{code="200"} 5\n', 'requests_total{code="200"} 9\n');
    assert.equal(await read(open(ERROR_RATIO)), 0);
    pages('requests_total{code="200"} 5\n', 'requests_total{code="200"} 8\nrequests_total{code="500"} 1\n');
    assert.equal(await read(open(ERROR_RATIO)), 0.25);
  });

  test('without traffic there is no data, or what idle says', async () => {
    pages(requests(5, 5));
    assert.match(String(await read(open(ERROR_RATIO))), /requests_total did not rise/);
    assert.equal(await read(open({ ...ERROR_RATIO, idle: 0 })), 0);
  });

  test('a part that rises without its whole is no data', async () => {
    pages('errors_total 1\nall_total 10\n', 'errors_total 2\nall_total 10\n');
    const odd = open({ unit: 'ratio', ratio: { of: 'errors_total', to: 'all_total' }, idle: 0 });
    assert.match(String(await read(odd)), /errors_total rose and all_total did not/);
  });

  test('a counter that is not finite is no data, and the next readings start afresh', async () => {
    const ratio = open(ERROR_RATIO);
    pages(requests(10, 0), requests(NaN, 0), requests(10, 0), requests(18, 2));
    assert.match(String(await read(ratio)), /a counter read NaN/);
    await new Promise((resolve) => setTimeout(resolve, 60));
    assert.equal(await read(ratio), 0.2);
  });
});

describe('quantiles', () => {
  const P99 = { unit: 's', histogram: 'took_seconds{route="/"}', quantile: 0.5 };
  const page = (small: number, large: number, all: number): string =>
    `took_seconds_bucket{route="/",le="0.1"} ${small}\ntook_seconds_bucket{route="/",le="1"} ${large}\ntook_seconds_bucket{route="/",le="+Inf"} ${all}\n` +
    'took_seconds_bucket{route="/other",le="+Inf"} 7\n';

  test('are of what was observed in the window', async () => {
    pages(page(1000, 1000, 1000), page(1000, 1010, 1010));
    assert.equal(await read(open(P99)), 550);
  });

  test('beyond the largest bucket are no data, or that bucket where it is asked for', async () => {
    pages(page(0, 0, 0), page(0, 0, 10));
    assert.match(String(await read(open(P99))), /beyond its largest bucket, 1$/);
    pages(page(0, 0, 0), page(0, 0, 10));
    assert.equal(await read(open({ ...P99, beyondLargest: 'bound' })), 1000);
  });

  test('of nothing are no data, or what idle says', async () => {
    pages(page(1, 1, 1));
    assert.match(String(await read(open(P99))), /observed nothing/);
    assert.equal(await read(open({ ...P99, idle: 0 })), 0);
  });

  test('buckets that change start afresh', async () => {
    const probe = open(P99);
    pages(page(1, 1, 1), `${page(1, 1, 1)}took_seconds_bucket{route="/",le="5"} 1\n`);
    assert.match(String(await read(probe)), /buckets of the histogram changed/);
    await new Promise((resolve) => setTimeout(resolve, 60));
    assert.match(String(await read(probe)), /observed nothing/);
  });
});

describe('a real client library', () => {
  test('is read as it counts', async () => {
    const register = new Registry();
    const hits = new Counter({ name: 'hits_total', help: 'Hits', labelNames: ['code'], registers: [register] });
    const took = new Histogram({ name: 'took_seconds', help: 'Took', buckets: [0.1, 0.2, 0.4], registers: [register] });
    const connections = new Gauge({ name: 'connections', help: 'Connections', registers: [register] });
    connections.set(12);
    hits.inc({ code: '500' }, 0);
    hits.inc({ code: '200' }, 0);
    server.answer((_, response) => {
      void register
        .metrics()
        .then((text) => response.writeHead(200, { 'content-type': register.contentType }).end(text));
      for (let hit = 0; hit < 10; hit += 1) {
        hits.inc({ code: hit === 0 ? '500' : '200' });
        took.observe(0.15);
      }
    });
    const probes = openAll({
      errors: { unit: 'ratio', ratio: { of: 'hits_total{code="500"}', to: 'hits_total' } },
      latency: { unit: 's', histogram: 'took_seconds', quantile: 0.99 },
      connections: { gauge: 'connections' },
    });
    const before = server.requests;
    const values = await Promise.all([...probes.values()].map(({ probe }) => read(probe)));
    assert.deepEqual(values, [0.1, 199, 12]);
    assert.equal(server.requests, before + 2, 'three probes shared each of the two scrapes');
  });
});

describe('hostile endpoints', () => {
  for (const [name, handler] of Object.entries(HOSTILE)) {
    test(`${name} is no data`, async () => {
      server.answer(handler);
      assert.equal((await open({ gauge: 'up', timeout: '300ms' }).read(never)).ok, false);
    });
  }

  test('a hung request serves nobody else, and is let go when nobody waits', async () => {
    server.answer(() => undefined);
    const probes = openAll({
      short: { gauge: 'up', timeout: '100ms' },
      long: { gauge: 'up', timeout: '2s' },
      next: { gauge: 'up' },
    });
    const long = read(probes.get('long')?.probe ?? assert.fail());
    assert.match(String(await read(probes.get('short')?.probe ?? assert.fail())), /no answer within/);
    await new Promise((resolve) => setTimeout(resolve, 250));
    pages('up 1\n');
    assert.equal(await read(probes.get('next')?.probe ?? assert.fail()), 1);
    assert.match(String(await long), /no answer within/);
  });

  test('one reader that leaves does not take the page from another', async () => {
    server.answer((request, response) => void setTimeout(() => saying('up 1\n')(request, response), 100));
    const probes = openAll({ one: { gauge: 'up' }, two: { gauge: 'up' } });
    const leaves = new AbortController();
    const one = probes.get('one')?.probe.read(leaves.signal);
    const two = probes.get('two')?.probe.read(never);
    leaves.abort();
    assert.deepEqual(await one, { ok: false, why: 'it was no longer wanted' });
    assert.deepEqual(await two, { ok: true, value: 1 });
  });
});
