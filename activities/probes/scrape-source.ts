/**
 * Scrapes of one metrics endpoint, shared by the probes that read it.
 *
 * Owns that several probes sampled in one tick cost the target one request, and that a hung request serves nobody twice.
 * Must never answer with a page older than {@link FRESH_MS}.
 */
import { boundedGet } from './bounded-fetch.ts';
import { parseExposition } from './exposition.ts';
import type { Exposition } from './exposition.ts';
import { reasonOf } from './reading.ts';
import { credentialHeaders } from './secret.ts';
import type { Credentials } from './secret.ts';

/** A finished page serves other probes for this long, in milliseconds; far below any sampling interval. */
const FRESH_MS = 50;
/** A request under way is joined only while it is younger than this, in milliseconds. */
const JOIN_MS = 250;
/** Ends a request that somebody still waits for, in milliseconds; each probe's own timeout is what normally ends it. */
const REQUEST_MAX_MS = 60_000;

/** One page at one time. */
export interface Scrape {
  /** When the page's headers arrived, in milliseconds of the monotonic clock. */
  readonly atMs: number;
  readonly page: Exposition;
}

/** A page, or why there is none. */
export type Scraped = { readonly ok: true; readonly scrape: Scrape } | { readonly ok: false; readonly why: string };

interface Request {
  readonly startedAtMs: number;
  readonly result: Promise<Scraped>;
  readonly abort: AbortController;
  waiting: number;
}

/** The endpoint at one URL. */
export class ScrapeSource {
  readonly #url: string;
  readonly #credentials: Credentials;
  #request: Request | undefined;
  #last: Scrape | undefined;

  constructor(url: string, credentials: Credentials) {
    this.#url = url;
    this.#credentials = credentials;
  }

  /** A page no older than {@link FRESH_MS}; resolves within `timeoutMs`, or when `signal` aborts. Never throws. */
  async scrape(timeoutMs: number, signal: AbortSignal): Promise<Scraped> {
    const nowMs = performance.now();
    if (this.#last !== undefined && nowMs - this.#last.atMs <= FRESH_MS) return { ok: true, scrape: this.#last };
    const request = this.#joinable(nowMs) ?? this.#start(nowMs);
    request.waiting += 1;
    try {
      return await within(request.result, timeoutMs, signal);
    } finally {
      request.waiting -= 1;
      if (request.waiting === 0) {
        if (this.#request === request) this.#request = undefined;
        request.abort.abort();
      }
    }
  }

  #joinable(nowMs: number): Request | undefined {
    return this.#request !== undefined && nowMs - this.#request.startedAtMs <= JOIN_MS ? this.#request : undefined;
  }

  #start(nowMs: number): Request {
    const abort = new AbortController();
    const request = { startedAtMs: nowMs, result: this.#get(abort.signal), abort, waiting: 0 };
    this.#request = request;
    return request;
  }

  async #get(signal: AbortSignal): Promise<Scraped> {
    try {
      const headers = { accept: 'text/plain; version=0.0.4', ...(await credentialHeaders(this.#credentials)) };
      const fetched = await boundedGet(this.#url, { timeoutMs: REQUEST_MAX_MS, signal, headers });
      if (!fetched.ok) return { ok: false, why: fetched.failure.why };
      const { status, body, headersAtMs } = fetched.answer;
      if (status !== 200) return { ok: false, why: `the endpoint answered with status ${status}` };
      const scrape = { atMs: headersAtMs, page: parseExposition(body) };
      this.#last = scrape;
      return { ok: true, scrape };
    } catch (error) {
      return { ok: false, why: reasonOf(error) };
    }
  }
}

async function within(result: Promise<Scraped>, timeoutMs: number, signal: AbortSignal): Promise<Scraped> {
  if (signal.aborted) return { ok: false, why: 'it was no longer wanted' };
  const { promise: over, resolve } = Promise.withResolvers<Scraped>();
  const cancelled = (): void => resolve({ ok: false, why: 'it was no longer wanted' });
  const timer = setTimeout(
    () => resolve({ ok: false, why: `no answer within ${Math.round(timeoutMs)} ms` }),
    timeoutMs,
  );
  signal.addEventListener('abort', cancelled, { once: true });
  try {
    return await Promise.race([result, over]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', cancelled);
  }
}
