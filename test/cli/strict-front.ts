/**
 * A Temporal that is somebody else's: TLS with certificates on both sides, an API key, no operator rights.
 *
 * Owns a gRPC front before a real server, which refuses what such a service would refuse and passes on the rest.
 */
import { connect, constants, createSecureServer } from 'node:http2';
import type { ClientHttp2Session, Http2SecureServer, IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { generate } from 'selfsigned';

const PERMISSION_DENIED = '7';
const UNAUTHENTICATED = '16';

/** What a client shows to be let in, in PEM. */
export interface Credentials {
  /** Of the authority that signed both sides' certificates. */
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
  readonly apiKey: string;
}

export class StrictFront {
  readonly address: string;
  readonly credentials: Credentials;
  readonly #server: Http2SecureServer;
  readonly #behind: ClientHttp2Session;

  private constructor(server: Http2SecureServer, behind: ClientHttp2Session, credentials: Credentials) {
    this.#server = server;
    this.#behind = behind;
    this.credentials = credentials;
    this.address = `localhost:${(server.address() as AddressInfo).port}`;
  }

  /** Listens on a free port of the loopback before the server at `address`. */
  static async before(address: string, apiKey: string): Promise<StrictFront> {
    const authority = await generate([{ name: 'commonName', value: 'a test' }], {
      extensions: [{ name: 'basicConstraints', cA: true, critical: true }],
    });
    const signed = (name: string): ReturnType<typeof generate> =>
      generate([{ name: 'commonName', value: name }], {
        ca: { key: authority.private, cert: authority.cert },
        extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: name }] }],
      });
    const [own, clients] = await Promise.all([signed('localhost'), signed('client')]);
    const behind = connect(`http://${address}`);
    const server = createSecureServer({
      key: own.private,
      cert: own.cert,
      ca: authority.cert,
      requestCert: true,
      rejectUnauthorized: true,
    });
    server.on('stream', (stream, headers) => {
      if (headers.authorization !== `Bearer ${apiKey}`) refuse(stream, UNAUTHENTICATED, 'an API key is required');
      else if (headers[':path']?.includes('OperatorService')) refuse(stream, PERMISSION_DENIED, 'not an operator');
      else pass(stream, headers, behind);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { cert, private: key } = clients;
    return new StrictFront(server, behind, { authority: authority.cert, certificate: cert, key, apiKey });
  }

  close(): void {
    this.#behind.destroy();
    this.#server.close();
  }
}

function refuse(stream: ServerHttp2Stream, status: string, message: string): void {
  stream.respond(
    { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': status, 'grpc-message': message },
    { endStream: true },
  );
}

function pass(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, behind: ClientHttp2Session): void {
  const { ':authority': _, authorization: __, ...own } = headers;
  const request = behind.request(own);
  let trailers: IncomingHttpHeaders = {};
  request.on('response', (response, flags) => {
    const endStream = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    if (!stream.destroyed) stream.respond(response, { endStream, waitForTrailers: !endStream });
  });
  request.on('trailers', (found: IncomingHttpHeaders) => void (trailers = found));
  stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  stream.pipe(request);
  request.pipe(stream, { end: false });
  request.on('close', () => stream.end());
  for (const [one, other] of [
    [stream, request],
    [request, stream],
  ] as const) {
    one.on('error', () => undefined);
    one.on('aborted', () => other.close(one.rstCode));
  }
}
