/**
 * A real HTTP server whose answers a test decides.
 *
 * Owns its port and its end: every connection is closed, however rude the test was.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export interface TestServer {
  readonly url: string;
  /** How many requests were begun. */
  readonly requests: number;
  /** How many connections are open. */
  connections(): Promise<number>;
  answer(handler: Handler): void;
  close(): Promise<void>;
}

/** Starts a server on a free loopback port. */
export async function startServer(first: Handler = (_, response) => response.end('')): Promise<TestServer> {
  let handler = first;
  let requests = 0;
  const server = createServer((request, response) => {
    requests += 1;
    handler(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get requests() {
      return requests;
    },
    connections: () =>
      new Promise((resolve, reject) =>
        server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
      ),
    answer: (next) => {
      handler = next;
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A handler that says `body`. */
export function saying(body: string, status = 200, type = 'text/plain'): Handler {
  return (_, response) => response.writeHead(status, { 'content-type': type }).end(body);
}

/** Handlers that no client should have to meet, each with what is wrong with it. */
export const HOSTILE: Readonly<Record<string, Handler>> = {
  'an endless body': (_, response) => {
    const more = (): void => {
      while (!response.destroyed && response.write('x'.repeat(64 * 1024)));
      if (!response.destroyed) response.once('drain', more);
    };
    more();
  },
  'a body that never ends': (_, response) => void response.write('1'),
  'headers that never come': () => undefined,
  'headers that come a byte at a time': (request) => {
    const text = `HTTP/1.1 200 OK\r\nx-slow: ${'y'.repeat(10_000)}`;
    let sent = 0;
    const timer = setInterval(() => request.socket.write(text[(sent += 1)] ?? 'y'), 20);
    request.socket.on('close', () => clearInterval(timer));
  },
  'a huge header': (request) =>
    void request.socket.write(`HTTP/1.1 200 OK\r\nx-big: ${'y'.repeat(1_000_000)}\r\n\r\n1`),
  'a body that breaks off': (_, response) => {
    response.writeHead(200, { 'content-length': '100' }).write('1');
    setTimeout(() => response.destroy(), 20);
  },
  'a closed connection': (request) => void request.socket.destroy(),
  'what is not HTTP': (request) => void request.socket.end('SSH-2.0-OpenSSH_9.2\r\n'),
  'a redirect to itself': (_, response) => void response.writeHead(302, { location: '/' }).end('1'),
  'an error page': (_, response) => void response.writeHead(500, { 'content-type': 'text/html' }).end('<h1>no</h1>'),
  'a page instead of data': (_, response) =>
    void response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><p>1'),
  'what is not text': (_, response) => void response.end(Buffer.from([0xff, 0xfe, 0x00, 0x31])),
  'compression that is none': (_, response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end('1'),
  'nothing at all': (_, response) => void response.end(),
};
