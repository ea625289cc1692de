/** The client, against a server that is slow, busy, broken or too talkative. */
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createSecureServer } from 'node:http2';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { generate } from 'selfsigned';
import { z } from 'zod';
import { kubernetesApi, Refused } from '../../activities/kubernetes/api.ts';
import type { KubernetesApi } from '../../activities/kubernetes/api.ts';
import { kubernetesSettings } from '../../activities/targets/kubernetes-settings.ts';
import { until } from '../until.ts';
import { served, within } from './served.ts';

const anything = z.unknown();

type Answer = (request: IncomingMessage, response: ServerResponse, count: number) => void;

/** Runs `work` against a server that answers so. */
async function against(answer: Answer, work: (api: KubernetesApi, requests: string[]) => Promise<void>): Promise<void> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    answer(request, response, requests.length);
  });
  await served(server, (api) => work(api, requests));
}

const json = (response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
};

test('a busy server is asked again, and a broken one too', () =>
  against(
    (_, response, count) =>
      count === 1
        ? json(response, 429, {}, { 'retry-after': '0' })
        : json(response, count === 2 ? 503 : 200, { ok: 1 }),
    async (api, requests) => {
      assert.deepEqual(await api.get('/x', anything, within(20_000)), { ok: 1 });
      assert.equal(requests.length, 3);
    },
  ));

test('connections are kept, and one that is dead takes one request with it', async () => {
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'api' }], { keyType: 'ec' });
  const server = createSecureServer({ key, cert, allowHTTP1: true });
  const used = new Map<Socket, number>();
  const versions = new Set<string>();
  let dead: Socket | undefined;
  server.on('request', ({ httpVersion, socket }, response) => {
    versions.add(httpVersion);
    used.set(socket, (used.get(socket) ?? 0) + 1);
    // The ninth request is never answered, nor is anything else on its connection.
    if ([...used.values()].reduce((sum, count) => sum + count, 0) === 9) dead = socket;
    if (socket !== dead) response.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":1}');
  });
  await served(server, async (api) => {
    for (let i = 0; i < 8; i++) assert.deepEqual(await api.get('/x', anything, within(20_000)), { ok: 1 });
    // One may still be busy with the end of an answer.
    assert.ok(used.size < 4, `${used.size} connections`);
    assert.deepEqual([...versions], ['1.1']);
    await assert.rejects(api.get('/x', anything, within(500)));
    for (let i = 0; i < 8; i++) assert.deepEqual(await api.get('/x', anything, within(20_000)), { ok: 1 });
    assert.ok(used.size < 5, `${used.size} connections`);
    for (const socket of used.keys()) socket.destroy();
  });
});

test('a request leaves nothing with an attempt that lasts for days', () =>
  against(
    (_, response, count) => json(response, count % 2 === 1 ? 503 : 200, {}),
    async (api) => {
      const attempt = within(60_000);
      for (let i = 0; i < 3; i++) await api.get('/x', anything, attempt);
      assert.deepEqual(getEventListeners(attempt.signal, 'abort'), []);
    },
  ));

test('who asks to be left alone for longer than there is time is not asked again', () =>
  against(
    (_, response) => json(response, 429, { message: 'too many requests' }, { 'retry-after': '60' }),
    async (api, requests) => {
      await assert.rejects(api.get('/x', anything, within(20_000)), /429 too many requests/);
      assert.equal(requests.length, 1);
    },
  ));

test('what stays broken is said in its own words', () =>
  against(
    (_, response) => json(response, 500, { message: 'etcdserver: no leader' }),
    (api) => assert.rejects(api.get('/x', anything, within(3_000)), /no leader/),
  ));

test('what was said before the time ran out is what is told', () =>
  against(
    (_, response, count) => {
      if (count === 1) json(response, 500, { message: 'etcdserver: no leader' });
    },
    async (api, requests) => {
      await assert.rejects(api.get('/x', anything, within(3_000)), /no leader/);
      assert.equal(requests.length, 2);
    },
  ));

test('a server that does not answer holds nobody beyond the attempt', () =>
  against(
    () => undefined,
    (api) => assert.rejects(api.get('/x', anything, within(300))),
  ));

test('nothing is begun once the attempt is over', () =>
  against(
    (_, response) => json(response, 200, {}),
    async (api, requests) => {
      const over = { signal: new AbortController().signal, remainingMs: () => 0 };
      await assert.rejects(api.patch('/x', {}, anything, over), /over/);
      await assert.rejects(api.patch('/x', {}, anything, { ...within(9_000), signal: AbortSignal.abort() }), /over/);
      assert.deepEqual(requests, []);
    },
  ));

test('an answer without end is not read to its end', () =>
  against(
    (_, response) => {
      const megabyte = Buffer.alloc(1 << 20, 'x');
      response.on('error', () => undefined);
      const more = (): void => {
        while (!response.destroyed && response.write(megabyte));
      };
      response.on('drain', more);
      more();
    },
    (api) => assert.rejects(api.get('/x', anything, within(60_000)), /more than \d+ bytes/),
  ));

test('a refusal says what is missing; one that only time can change is left to whoever asks', () =>
  against(
    (request, response) =>
      request.method === 'GET'
        ? json(response, 403, { message: 'cannot get nodes', reason: 'Forbidden' })
        : json(response, 429, { details: { causes: [{ reason: 'DisruptionBudget' }] } }),
    async (api, requests) => {
      await assert.rejects(api.get('/x', anything, within(9_000)), /403 cannot get nodes/);
      await assert.rejects(
        api.create('/x', {}, anything, within(9_000)),
        (error) => error instanceof Refused && error.overBudget,
      );
      assert.equal(requests.length, 2);
    },
  ));

test('a list is read page by page', () =>
  against(
    (request, response) => {
      const token = new URL(request.url ?? '', 'http://x').searchParams.get('continue');
      json(response, 200, {
        items: [{ page: token ?? 'first' }],
        metadata: token === 'second' ? {} : { continue: 'second' },
      });
    },
    async (api, requests) => {
      const found = await Array.fromAsync(api.list('/x', { labelSelector: 'a=b' }, anything, within(9_000)));
      assert.deepEqual(found, [{ page: 'first' }, { page: 'second' }]);
      assert.ok(requests.every((request) => /labelSelector=a%3Db/.test(request) && /limit=500/.test(request)));
    },
  ));

test('a few requests are under way at once, and the others wait for their turn', async () => {
  const waiting: ServerResponse[] = [];
  let most = 0;
  await against(
    (_, response) => {
      waiting.push(response);
      most = Math.max(most, waiting.length);
    },
    async (api) => {
      const asked = Array.from({ length: 80 }, (_, i) => api.get(`/${i}`, anything, within(60_000)));
      await until(() => waiting.length === 8);
      for (let answered = 0; answered < 80;) {
        const response = waiting.shift();
        if (response === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
        else {
          json(response, 200, {});
          answered += 1;
        }
      }
      await Promise.all(asked);
      assert.ok(most >= 8 && most <= 32, `${most}`);
    },
  );
});

test('the time is the server’s, and follows it when it is set back', async () => {
  let dateMs = Date.parse('2031-01-01T00:00:00Z');
  await against(
    (_, response) => json(response, 200, {}, { date: new Date(dateMs).toUTCString() }),
    async (api) => {
      assert.throws(() => api.nowMs());
      const year = async (): Promise<number> => {
        await api.get('/x', anything, within(9_000));
        return new Date(api.nowMs()).getUTCFullYear();
      };
      assert.equal(await year(), 2031);
      dateMs = Date.parse('2029-01-01T00:00:00Z');
      assert.equal(await year(), 2029);
    },
  );
});

test('a context that the kubeconfig does not have is named', () =>
  against(
    (_, response) => json(response, 200, {}),
    async () => {
      await using undo = new AsyncDisposableStack();
      const folder = await mkdtemp(join(tmpdir(), 'squall-api-'));
      undo.defer(() => rm(folder, { recursive: true }));
      const kubeconfig = join(folder, 'config');
      await writeFile(kubeconfig, '{"current-context":"a","clusters":[],"contexts":[],"users":[]}');
      const api = kubernetesApi(kubernetesSettings.parse({ kubeconfig, context: 'prod-eu' }));
      await assert.rejects(api.get('/x', anything, within(400)), /prod-eu/);
    },
  ));
