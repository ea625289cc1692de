/**
 * One bounded HTTP request: a GET, as every probe and guard that speaks HTTP makes it, or one that tells somebody.
 *
 * Owns the bounds: time, bytes, no redirects, no cookies, no cache. Must never put a header's value or a query string
 * into an error: reasons are journalled, and tokens travel in both.
 */
import { isUtf8 } from 'node:buffer';

/** The most bytes of a body that anybody reads, after decompression. */
export const BODY_MAX_BYTES = 1024 * 1024;

/** A whole answer. */
export interface Answer {
  readonly status: number;
  readonly body: string;
  /** When the headers had arrived, in milliseconds of the monotonic clock. */
  readonly headersAtMs: number;
  /** From the request to the end of the body, in milliseconds. */
  readonly tookMs: number;
}

/** Why there is no whole answer. */
export interface NoAnswer {
  readonly kind: 'refused' | 'timeout' | 'cancelled' | 'unresolved' | 'untrusted' | 'oversized' | 'malformed';
  readonly why: string;
}

/** What bounds a request, besides {@link BODY_MAX_BYTES}. */
export interface Bounds {
  /** Covers connecting, headers and the whole body, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Either a whole answer, whatever its status, or why there is none. Never throws. */
export type Fetched =
  { readonly ok: true; readonly answer: Answer } | { readonly ok: false; readonly failure: NoAnswer };

/** Gets `url` once. A redirect is an answer of its own; it is never followed. */
export async function boundedGet(url: string, bounds: Bounds): Promise<Fetched> {
  return request(url, bounds, { method: 'GET' });
}

/** Sends `body` to `url` once, under the same bounds. */
export async function boundedSend(
  url: string,
  bounds: Bounds,
  sent: { readonly method: 'POST' | 'PATCH'; readonly body: string },
): Promise<Fetched> {
  return request(url, bounds, sent);
}

async function request(
  url: string,
  { timeoutMs, signal, headers = {} }: Bounds,
  sent: { readonly method: string; readonly body?: string },
): Promise<Fetched> {
  const timeout = AbortSignal.timeout(Math.max(1, Math.ceil(timeoutMs)));
  const startedAtMs = performance.now();
  try {
    const response = await fetch(url, {
      ...sent,
      redirect: 'manual',
      cache: 'no-store',
      credentials: 'omit',
      headers: { 'user-agent': 'squall', ...headers },
      signal: AbortSignal.any([signal, timeout]),
    });
    const headersAtMs = performance.now();
    const body = await bodyOf(response);
    if (!body.ok) return body;
    const tookMs = performance.now() - startedAtMs;
    return { ok: true, answer: { status: response.status, body: body.text, headersAtMs, tookMs } };
  } catch (error) {
    if (signal.aborted) return failed('cancelled', 'it was no longer wanted');
    if (timeout.aborted) return failed('timeout', `no answer within ${timeoutMs} ms`);
    return { ok: false, failure: explain(error) };
  }
}

type Body = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly failure: NoAnswer };

async function bodyOf(response: Response): Promise<Body> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    // Leaving the loop cancels the stream, which closes the connection.
    if (bytes > BODY_MAX_BYTES) return failed('oversized', `the answer is larger than ${BODY_MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  const whole = Buffer.concat(chunks);
  return isUtf8(whole)
    ? { ok: true, text: whole.toString('utf8') }
    : failed('malformed', 'the answer is not UTF-8 text');
}

function failed(kind: NoAnswer['kind'], why: string): { readonly ok: false; readonly failure: NoAnswer } {
  return { ok: false, failure: { kind, why } };
}

/** Codes that mean: somebody is responsible for that address, and does not serve it. */
const REFUSALS = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EPIPE',
  'ETIMEDOUT',
  'UND_ERR_SOCKET',
]);
const TIMEOUTS = new Set(['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']);
const UNRESOLVED = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'EAI_NODATA', 'EAI_NONAME']);

function explain(error: unknown): NoAnswer {
  const code = codeOf(error);
  if (REFUSALS.has(code)) return { kind: 'refused', why: `the connection failed (${code})` };
  if (TIMEOUTS.has(code)) return { kind: 'timeout', why: `no answer in time (${code})` };
  if (UNRESOLVED.has(code)) return { kind: 'unresolved', why: `the host name does not resolve (${code})` };
  if (/CERT|TLS|SSL/.test(code)) return { kind: 'untrusted', why: `the server is not trusted (${code})` };
  return { kind: 'malformed', why: `the answer is not HTTP that can be read (${code})` };
}

/** The deepest code in a chain of causes; several addresses of one host fail as an aggregate. */
function codeOf(error: unknown): string {
  let code = '';
  let present: unknown = error;
  for (let depth = 0; depth < 5 && present instanceof Error; depth += 1) {
    if ('code' in present && typeof present.code === 'string') code = present.code;
    const inner: unknown = present instanceof AggregateError ? present.errors[0] : undefined;
    present = inner ?? present.cause;
  }
  return code || (error instanceof Error ? error.name : 'unknown');
}
