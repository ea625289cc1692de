/**
 * Sending: one bounded request that tells somebody.
 *
 * Owns the bounds of time and size, and what an answer means: taken, not now, or never. Must never put an address or an
 * answer's text into an error: a webhook's address is its secret, and its answer may quote it.
 */
import { boundedSend } from '../probes/bounded-fetch.ts';
import type { Answer } from '../probes/bounded-fetch.ts';
import { reasonOf } from '../probes/reading.ts';
import { credentialHeaders, readSecretUrl } from '../probes/secret.ts';
import type { Credentials, SecretRef } from '../probes/secret.ts';
import { Undelivered } from './destination.ts';

/** How long a receiver may take, in milliseconds. */
export const ANSWER_MS = 10_000;
/** The largest body that is sent, in bytes: what Microsoft Teams takes, and far more than any notice needs. */
const SENT_MAX_BYTES = 28 * 1024;
/** Statuses with which a receiver says that it will never take this. All others may pass. */
const NEVER: ReadonlySet<number> = new Set([400, 405, 410, 413, 415, 422]);

/** What is sent. */
export interface Message {
  readonly method?: 'POST' | 'PATCH';
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** Sends once and returns an answer of 200 to 299. Throws {@link Undelivered} otherwise. */
export async function send(url: URL, { method = 'POST', body, headers, signal }: Message): Promise<Answer> {
  const bytes = Buffer.byteLength(body);
  if (bytes > SENT_MAX_BYTES)
    throw new Undelivered(`the message would have ${bytes} bytes, expected at most ${SENT_MAX_BYTES}`, true);
  const fetched = await boundedSend(url.href, { timeoutMs: ANSWER_MS, signal, headers }, { method, body });
  if (!fetched.ok) throw new Undelivered(fetched.failure.why);
  const { status } = fetched.answer;
  if (status >= 200 && status <= 299) return fetched.answer;
  throw new Undelivered(`it answers with status ${status}`, NEVER.has(status));
}

/** The headers of a JSON body, with `credentials` as they are now. Throws {@link Undelivered}. */
export async function jsonHeaders(credentials: Credentials = {}): Promise<Record<string, string>> {
  return { 'content-type': 'application/json', ...(await having(() => credentialHeaders(credentials))) };
}

/** What `read` finds. A secret that is not there may come: throws {@link Undelivered}, which is tried again. */
export async function having<T>(read: () => Promise<T>): Promise<T> {
  return read().catch((error: unknown) => {
    throw new Undelivered(reasonOf(error));
  });
}

/** An address that is itself a secret, read now. Throws {@link Undelivered}, which names the reference, never the address. */
export async function secretUrl(ref: SecretRef): Promise<URL> {
  return having(() => readSecretUrl(ref));
}
