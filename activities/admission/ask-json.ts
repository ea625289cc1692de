/** One bounded GET whose answer is JSON of a known shape, as every source of incidents asks it. */
import type { z } from 'zod';
import { boundedGet } from '../probes/bounded-fetch.ts';
import { credentialHeaders } from '../probes/secret.ts';
import type { Credentials } from '../probes/secret.ts';

/** How long an answer may take, in milliseconds. */
const ANSWER_MS = 3_000;

/** The parsed answer. Throws, in words without the URL's query and without a secret, where there is none that can be used. */
export async function askJson<T>(
  url: URL,
  credentials: Credentials,
  headers: Readonly<Record<string, string>>,
  schema: z.ZodType<T>,
  signal: AbortSignal,
): Promise<T> {
  const fetched = await boundedGet(url.href, {
    timeoutMs: ANSWER_MS,
    signal,
    headers: { accept: 'application/json', ...headers, ...(await credentialHeaders(credentials)) },
  });
  if (!fetched.ok) throw new Error(fetched.failure.why);
  const { status, body } = fetched.answer;
  if (status !== 200) throw new Error(`it answers with status ${status}`);
  const parsed = schema.safeParse(jsonOf(body));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Error(`its answer has another shape than expected: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`);
}

function jsonOf(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    throw new Error('its answer is no JSON');
  }
}
