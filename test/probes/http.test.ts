import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Reading } from '../../domain/probe.ts';
import { openProbes, probesSchema } from '../../activities/probes/registry.ts';
import { HOSTILE, saying, startServer } from './server.ts';
import type { TestServer } from './server.ts';

const never = new AbortController().signal;
let server: TestServer;
let folder: string;

before(async () => {
  server = await startServer();
  folder = await mkdtemp(join(tmpdir(), 'squall-http-'));
});
after(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

async function read(settings: Record<string, unknown>, signal = never): Promise<Reading> {
  const entry = {
    type: 'http',
    unit: settings['measure'] === 'latency' ? 'ms' : 'count',
    timeout: '5s',
    url: server.url,
    ...settings,
  };
  const probe = openProbes(probesSchema.parse({ it: entry })).get('it');
  assert.ok(probe);
  return probe.probe.read(signal);
}

const value = (reading: Reading): number | string => (reading.ok ? reading.value : reading.why);

describe('what an answer reads as', () => {
  test('the status, whatever it is', async () => {
    for (const status of [200, 302, 404, 503]) {
      server.answer(saying('', status));
      assert.equal(value(await read({ measure: 'status' })), status);
    }
  });

  test('up is 1 for an expected status and 0 for another', async () => {
    server.answer(saying('', 503));
    assert.equal(value(await read({ measure: 'up' })), 0);
    assert.equal(value(await read({ measure: 'up', expectStatus: [200, 503] })), 1);
    assert.equal(value(await read({ measure: 'up', expectStatus: 'any' })), 1);
    server.answer(saying(''));
    assert.equal(value(await read({ measure: 'up' })), 1);
  });

  test('latency runs to the end of the body, and an unexpected status has none', async () => {
    server.answer((_, response) => {
      response.write('a');
      setTimeout(() => response.end('b'), 60);
    });
    const reading = await read({ measure: 'latency' });
    assert.ok(reading.ok && reading.value >= 55, String(value(reading)));
    server.answer(saying('', 500));
    assert.match(String(value(await read({ measure: 'latency' }))), /status 500/);
    assert.equal((await read({ measure: 'latency', expectStatus: 'any' })).ok, true);
  });

  test('a JSON pointer finds a number and nothing else', async () => {
    server.answer(saying('{"a/b":{"~":[1,-2.5e1]},"text":"7","none":null,"big":1e999}', 200, 'application/json'));
    const at = async (jsonPointer: string): Promise<number | string> => value(await read({ jsonPointer }));
    assert.equal(await at('/a~1b/~0/1'), -25);
    assert.match(String(await at('/text')), /not a number/);
    assert.match(String(await at('/none')), /not a number/);
    assert.match(String(await at('/a~1b/~0/length')), /nothing at/);
    assert.match(String(await at('/constructor/name')), /nothing at/);
    assert.equal(await at('/big'), 'it read Infinity');
  });
});

describe('no answer', () => {
  test('a refused connection is 0 for up and no data for all else', async () => {
    const gone = await startServer();
    await gone.close();
    assert.equal(value(await read({ url: gone.url, measure: 'up' })), 0);
    for (const measure of ['status', 'latency'])
      assert.match(String(value(await read({ url: gone.url, measure }))), /ECONNREFUSED/);
  });

  test('a name that does not resolve is no data even for up', async () => {
    assert.equal((await read({ url: 'http://squall.invalid/', measure: 'up' })).ok, false);
  });

  test('a reading that is no longer wanted ends at once, as no data', async () => {
    server.answer(() => undefined);
    const wanted = new AbortController();
    const reading = read({ measure: 'up', timeout: '1m' }, wanted.signal);
    wanted.abort();
    assert.equal(value(await reading), 'it was no longer wanted');
  });
});

describe('hostile servers', () => {
  for (const [name, handler] of Object.entries(HOSTILE)) {
    test(`${name} is no data for a value`, async () => {
      server.answer(handler);
      const reading = await read({ jsonPointer: '/value', timeout: '300ms' });
      assert.equal(reading.ok, false);
      assert.ok(!reading.ok && reading.why.length > 0 && reading.why.length < 300);
    });
  }

  test('a redirect is not followed', async () => {
    const before = server.requests;
    server.answer(HOSTILE['a redirect to itself'] ?? assert.fail());
    assert.equal(value(await read({ measure: 'up' })), 0);
    assert.equal(server.requests, before + 1);
  });

  test('a small body that unpacks to a large one is bounded', async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000, 0x20));
    server.answer((_, response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb));
    assert.match(String(value(await read({ jsonPointer: '' }))), /larger than 1048576 bytes/);
  });
});

describe('credentials', () => {
  test('come from the environment or a file at every reading, and never show', async () => {
    server.answer((request, response) => {
      const right = request.headers.authorization === 'Bearer s3cret' && request.headers['x-tenant'] === 'shop';
      response.writeHead(right ? 200 : 401).end();
    });
    const file = join(folder, 'token');
    process.env['SQUALL_TEST_TENANT'] = 'shop';
    const settings = {
      measure: 'status',
      tokenFrom: { file },
      headersFrom: { 'X-Tenant': { env: 'SQUALL_TEST_TENANT' } },
    };
    assert.match(String(value(await read(settings))), /ENOENT/);
    await writeFile(file, 'wrong\n');
    assert.equal(value(await read(settings)), 401);
    await writeFile(file, 's3cret\n');
    assert.equal(value(await read(settings)), 200);
    await writeFile(file, 's3cret\u0000\u00e9');
    const bad = String(value(await read(settings)));
    assert.match(bad, /cannot be sent in a header/);
    assert.doesNotMatch(bad, /s3cret/);
    delete process.env['SQUALL_TEST_TENANT'];
    assert.match(String(value(await read(settings))), /SQUALL_TEST_TENANT holds no secret/);
    const [open] = [
      ...openProbes(probesSchema.parse({ it: { type: 'http', unit: 'count', url: server.url, ...settings } })).values(),
    ];
    assert.deepEqual(open?.check(), ['the environment variable SQUALL_TEST_TENANT is not set']);
  });
});
