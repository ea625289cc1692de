/**
 * The worker's HTTP endpoint: `/metrics`, `/healthz`, `/readyz`.
 *
 * Owns the listening socket. Read-only; answers nothing else.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import { InvalidConfig } from './config.ts';

/** A listening endpoint. */
export interface Endpoint {
  readonly port: number;
  close(): Promise<void>;
}

/** Listens on `port` (0: any free one) of the loopback, or of every interface when `host` says so. */
export async function serveEndpoint(
  registry: Registry,
  ready: () => boolean,
  port: number,
  host = '127.0.0.1',
): Promise<Endpoint> {
  const server = createServer((request, response) => {
    const answer = (code: number, text: string, type = 'text/plain'): void => {
      response.writeHead(code, { 'content-type': type }).end(text);
    };
    if (request.url === '/healthz') answer(200, 'ok\n');
    else if (request.url === '/readyz') answer(ready() ? 200 : 503, ready() ? 'ready\n' : 'not serving yet\n');
    else if (request.url === '/metrics') {
      registry.metrics().then(
        (text) => answer(200, text, registry.contentType),
        () => answer(500, 'metrics cannot be collected\n'),
      );
    } else answer(404, 'there are /metrics, /healthz and /readyz\n');
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', ({ message }) =>
      reject(new InvalidConfig(`metrics cannot be served (${message}); choose with --metrics-host and --metrics-port`)),
    );
    server.listen(port, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
