/**
 * One request to a Kubernetes API server, bounded in time and size.
 *
 * Owns the bounds and the loading of the client library, which brings credentials, certificates and connections, and is
 * loaded when the first request is made. Must never decide what an answer means, nor try twice.
 */
import { isDeepStrictEqual } from 'node:util';
import type { KubeConfig, RequestContext } from '@kubernetes/client-node';
import type { KubernetesSettings } from '../targets/kubernetes-settings.ts';

/** The most bytes of an answer that are read: a page of 500 large objects. */
const BODY_MAX_BYTES = 32 << 20;

/** Something that asking again does not change: a kubeconfig that cannot be used, an answer that is too large. */
export class Futile extends Error {
  override readonly name = 'Futile';
}

/** What is asked. */
export interface Asked {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** From the root of the server, without a query. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Of the body. */
  readonly contentType?: string;
  /** Of the answer. Default: JSON. */
  readonly accept?: string;
}

/** A whole answer, whatever its status. */
export interface Answered {
  readonly status: number;
  /** Parsed, where it is JSON. */
  readonly body: unknown;
  /** What the server asks to be left alone for, in milliseconds. */
  readonly retryAfterMs?: number;
  /** The server's own clock when it answered, to the second, in milliseconds since 1970. */
  readonly serverMs?: number;
}

/** Sends `asked` once. Rejects where there is no whole answer by the time `signal` is aborted. */
export type Send = (asked: Asked, signal: AbortSignal) => Promise<Answered>;

/** The way to the cluster of `settings`. Nothing is read or loaded before the first one needs it. */
export function wayTo(settings: KubernetesSettings): () => Promise<Opened> {
  let opening: ReturnType<typeof open> | undefined;
  return () =>
    // What could not be read may be there the next time.
    (opening ??= open(settings).catch((error: unknown) => {
      opening = undefined;
      throw futile(error);
    }));
}

/** Opens the transport of requests on a way. */
export function openTransport(way: () => Promise<Opened>): Send {
  return async (asked, signal) => send(await way(), asked, signal);
}

/** The client library, and where it leads. */
export interface Opened {
  readonly client: typeof import('@kubernetes/client-node');
  readonly http: typeof import('undici');
  readonly config: KubeConfig;
  readonly server: string;
}

async function open({ kubeconfig, context }: KubernetesSettings): Promise<Opened> {
  const [client, http] = await Promise.all([import('@kubernetes/client-node'), import('undici')]);
  const config = new client.KubeConfig();
  if (kubeconfig !== undefined) config.loadFromFile(kubeconfig);
  else if (process.env['KUBERNETES_SERVICE_HOST']) config.loadFromCluster();
  else throw new Error('this worker does not run in a cluster: name a `kubeconfig` for the site');
  if (context !== undefined) config.setCurrentContext(context);
  const server = config.getCurrentCluster()?.server;
  if (server === undefined)
    throw new Error(`${kubeconfig ?? 'the kubeconfig'} has no context ${config.getCurrentContext()} with a cluster`);
  keepConnections(config);
  return { client, http, config, server: server.replace(/\/+$/, '') };
}

type Dispatcher = ReturnType<RequestContext['getDispatcher']>;

/**
 * Has connections kept, and shared by all requests, for as long as certificates and keys are the same. Of itself the library
 * opens a connection for each request, and leaves it open: a handshake costs more than what is asked. They are of HTTP/1.1:
 * a request that was given up takes its connection along, so that of one that is dead nobody hears twice.
 */
function keepConnections(config: KubeConfig): void {
  const library = config as unknown as { createDispatcher: (cluster: unknown, options: unknown) => Dispatcher };
  const make = library.createDispatcher.bind(config);
  const optionsOf = config.createDispatcherOptions.bind(config);
  config.createDispatcherOptions = (cluster, options) => {
    const made = optionsOf(cluster, options);
    return made.type === 'agent' ? { ...made, connect: { ...made.connect, allowH2: false } } : made;
  };
  let kept: { readonly options: unknown; readonly dispatcher: Dispatcher } | undefined;
  library.createDispatcher = (cluster, options) => {
    if (kept === undefined || !isDeepStrictEqual(kept.options, options)) {
      // What is under way on the old ones ends in its own time.
      void kept?.dispatcher?.close();
      kept = { options, dispatcher: make(cluster, options) };
    }
    return kept.dispatcher;
  };
}

async function send({ client, http, config, server }: Opened, asked: Asked, signal: AbortSignal): Promise<Answered> {
  const { method, path, query = {}, body, contentType = 'application/json', accept = 'application/json' } = asked;
  const request = new client.RequestContext(server + path, method);
  for (const [name, value] of Object.entries(query)) request.setQueryParam(name, value);
  request.setHeaderParam('Accept', accept);
  request.setHeaderParam('User-Agent', 'squall');
  if (body !== undefined) request.setHeaderParam('Content-Type', contentType);
  const sent = body === undefined ? null : JSON.stringify(body);
  await config.applySecurityAuthentication(request).catch((error: unknown) => {
    throw futile(error);
  });
  // By the connections themselves: the library's own way, which is fetch, costs about as much again as what is asked.
  const dispatcher = request.getDispatcher();
  const response = await http.request(request.getUrl(), {
    method,
    headers: request.getHeaders(),
    body: sent,
    signal,
    ...(dispatcher === undefined ? {} : { dispatcher }),
  });
  const text = await read(response.body, signal);
  // No API server sends anybody elsewhere: it is somebody in front of it, who asks to log in.
  if (response.statusCode >= 300 && response.statusCode < 400)
    throw new Futile(`${method} ${path}: ${response.statusCode}, sent on to ${String(response.headers['location'])}`);
  const retryAfter = response.headers['retry-after'];
  const serverMs = Date.parse(String(response.headers['date']));
  return {
    status: response.statusCode,
    body: parsed(text),
    ...(typeof retryAfter === 'string' && /^\d{1,6}$/.test(retryAfter)
      ? { retryAfterMs: Number(retryAfter) * 1_000 }
      : {}),
    ...(Number.isNaN(serverMs) ? {} : { serverMs }),
  };
}

async function read(stream: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // Leaving the loop ends the stream, and its connection.
  for await (const chunk of stream) {
    signal.throwIfAborted();
    bytes += chunk.byteLength;
    if (bytes > BODY_MAX_BYTES) throw new Futile(`the answer has more than ${BODY_MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function futile(error: unknown): Futile {
  return new Futile(error instanceof Error ? error.message : String(error), { cause: error });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text.slice(0, 300);
  }
}
