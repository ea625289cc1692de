/** Programs run in a container, by a server that answers well, badly, or not at all. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { test } from 'node:test';
import type { Executed } from '../../activities/kubernetes/channel.ts';
import { served, within } from './served.ts';

/** What the web socket's handshake is proved with: RFC 6455, 1.3. */
const PROOF = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const BOUND_MS = 5_000;

type Answer = (socket: Duplex, request: IncomingMessage) => void;

/** Runs a program at a server that answers the handshake so; says what was asked. */
async function executed(
  answer: Answer,
  judge: (running: Promise<Executed>, asked: string[]) => Promise<void>,
  boundMs = BOUND_MS,
): Promise<void> {
  const asked: string[] = [];
  const open = new Set<Duplex>();
  const server = createServer();
  server.on('upgrade', (request, socket) => {
    asked.push(request.url ?? '');
    open.add(socket);
    socket.on('error', () => undefined);
    answer(socket, request);
  });
  const execution = { namespace: 'shop', pod: 'web', container: 'squall', command: ['/fault', 'renew', '--id=a b'] };
  await served(server, async (api) => {
    try {
      await judge(api.execute(execution, within(boundMs)), asked);
    } finally {
      // A server is not closed before they are.
      for (const socket of open) socket.destroy();
    }
  });
}

/** Shakes hands, then sends `frames`: the channel, and what is said on it. */
function opened(...frames: readonly (readonly [number, string])[]): Answer {
  return (socket, { headers }) => {
    const accept = createHash('sha1').update(`${headers['sec-websocket-key']}${PROOF}`).digest('base64');
    const lines = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade'];
    socket.write(
      [...lines, `Sec-WebSocket-Accept: ${accept}`, 'Sec-WebSocket-Protocol: v5.channel.k8s.io', '', ''].join('\r\n'),
    );
    for (const [channel, text] of frames) socket.write(frame(channel, text));
  };
}

function frame(channel: number, text: string): Buffer {
  const payload = Buffer.concat([Buffer.from([channel]), Buffer.from(text)]);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(payload.length);
  return Buffer.concat([Buffer.from([0x82, 126]), length, payload]);
}

const failure = (code: string): string =>
  JSON.stringify({ status: 'Failure', details: { causes: [{ reason: 'ExitCode', message: code }] } });

test('what a program says, and the code that it ends with', async () => {
  await executed(opened([1, '{"event":'], [1, '"renewed"}'], [3, '{"status":"Success"}']), async (running, asked) => {
    assert.deepEqual(await running, { code: 0, said: '{"event":"renewed"}' });
    const { pathname, searchParams } = new URL(asked[0] ?? '', 'http://x');
    assert.equal(pathname, '/api/v1/namespaces/shop/pods/web/exec');
    assert.deepEqual(searchParams.getAll('command'), ['/fault', 'renew', '--id=a b']);
    assert.equal(searchParams.get('container'), 'squall');
  });
  await executed(opened([3, failure('4')]), async (running) => assert.deepEqual(await running, { code: 4, said: '' }));
});

test('where nobody says how it ended, nobody is told that it ended well', async () => {
  const rejected =
    (words: RegExp) =>
    async (running: Promise<Executed>): Promise<void> =>
      assert.rejects(running, words);
  await executed(opened([3, failure('many')]), rejected(/exec in web/));
  await executed(opened([3, 'not JSON']), rejected(/nobody has said how it ended/));
  await executed(opened([3, '{"status":"Failure","message":"container not found"}']), rejected(/container not found/));
  await executed(
    (socket, request) => {
      opened([1, 'half a'])(socket, request);
      socket.end();
    },
    rejected(/nobody has said how it ended/),
  );
  await executed((socket) => socket.end('HTTP/1.1 403 Forbidden\r\n\r\n'), rejected(/exec in web: .*403/));
});

test('a server that shakes no hand, or never ends, holds nobody beyond the attempt', async () => {
  const rejects = async (running: Promise<Executed>): Promise<void> => assert.rejects(running);
  await executed(() => undefined, rejects, 300);
  await executed(opened([1, 'and so on']), rejects, 300);
});

test('a program that says too much is heard up to a bound, and still has its code', async () => {
  const much = Array.from({ length: 40 }, () => [1, 'x'.repeat(1_000)] as const);
  await executed(opened(...much, [3, failure('3')]), async (running) => {
    const { code, said } = await running;
    assert.equal(code, 3);
    assert.ok(said.length < 40_000, `${said.length}`);
  });
});

test('channels that nobody has heard of, and words to close ours, change nothing', async () => {
  await executed(opened([255, '\u0001'], [9, 'x'], [3, '{"status":"Success"}']), async (running) => {
    assert.equal((await running).code, 0);
    assert.equal(process.stdout.writable, true);
  });
});
