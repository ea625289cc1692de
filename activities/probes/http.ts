/**
 * The `http` probe: an endpoint's status, latency, liveness, or one number in its JSON.
 *
 * Owns what each measure makes of an answer and of the lack of one: for `up` a refused connection is the value 0, for all
 * others it is no data. Must never follow a redirect.
 */
import { z } from 'zod';
import type { Reading } from '../../domain/probe.ts';
import { boundedGet } from './bounded-fetch.ts';
import type { Answer, Fetched } from './bounded-fetch.ts';
import { pointAt } from './json-pointer.ts';
import type { ProbeCommon, ProbeProvider } from './probe.ts';
import { noData, reading, reasonOf } from './reading.ts';
import { credentialHeaders, httpSettings, missingSecrets } from './secret.ts';

const status = z.number().int().min(100).max(599);

const settings = z
  .strictObject({
    ...httpSettings,
    measure: z
      .enum(['status', 'latency', 'up'])
      .optional()
      .describe('The status code; milliseconds to the end of the body; 1 when it answers as expected, else 0.'),
    jsonPointer: z
      .string()
      .regex(/^(\/.*)?$/, 'expected a JSON pointer: /orders/open')
      .optional()
      .describe('Where in the JSON answer the number is (RFC 6901), instead of `measure`.'),
    expectStatus: z
      .union([status, z.array(status).min(1), z.literal('any')])
      .optional()
      .describe('The statuses that count as an answer. Default: 200 to 299.'),
  })
  .refine((probe) => (probe.measure === undefined) !== (probe.jsonPointer === undefined), {
    error: 'expected either measure or jsonPointer',
    path: ['measure'],
  });

/** The settings of an `http` probe. */
export type HttpSettings = z.infer<typeof settings>;

/** Reads HTTP endpoints. */
export const provider: ProbeProvider<HttpSettings> = {
  type: 'http',
  settings,
  check: missingSecrets,
  open: (http, common) => ({ read: (signal) => read(http, common, signal) }),
};

/** Why `unit` cannot be right for these settings, if it cannot. */
export function unitObjection({ measure }: HttpSettings, unit: string): string | undefined {
  if (measure === 'latency' && unit !== 'ms') return 'latency is measured in ms: write `unit: ms`';
  if ((measure === 'status' || measure === 'up') && unit !== 'count')
    return `${measure} is a plain number: write \`unit: count\``;
  return undefined;
}

async function read(http: HttpSettings, common: ProbeCommon, signal: AbortSignal): Promise<Reading> {
  let headers: Record<string, string>;
  try {
    headers = await credentialHeaders(http);
  } catch (error) {
    return noData(reasonOf(error));
  }
  const fetched = await boundedGet(http.url, { timeoutMs: common.timeoutMs, signal, headers });
  if (http.measure === 'up') return up(http, common, fetched);
  if (!fetched.ok) return noData(fetched.failure.why);
  const { answer } = fetched;
  if (http.measure === 'status') return reading(answer.status, common.scale);
  if (!expected(http, answer)) return noData(`it answered with status ${answer.status}`);
  return http.measure === 'latency' ? reading(answer.tookMs, common.scale) : numberIn(http, common, answer);
}

/** A name that does not resolve, or a certificate that is not trusted, says nothing of the target: we could not ask. */
function up(http: HttpSettings, { scale }: ProbeCommon, fetched: Fetched): Reading {
  if (fetched.ok) return reading(expected(http, fetched.answer) ? 1 : 0, scale);
  const { kind, why } = fetched.failure;
  return kind === 'cancelled' || kind === 'unresolved' || kind === 'untrusted' ? noData(why) : reading(0, scale);
}

function expected({ expectStatus }: HttpSettings, answer: Answer): boolean {
  if (expectStatus === 'any') return true;
  if (expectStatus === undefined) return answer.status >= 200 && answer.status <= 299;
  return [expectStatus].flat().includes(answer.status);
}

function numberIn({ jsonPointer = '' }: HttpSettings, { scale }: ProbeCommon, { body }: Answer): Reading {
  let document: unknown;
  try {
    document = JSON.parse(body);
  } catch {
    return noData('the answer is not JSON');
  }
  const found = pointAt(document, jsonPointer);
  if (found === undefined) return noData(`the answer has nothing at ${jsonPointer}`);
  return typeof found === 'number' ? reading(found, scale) : noData(`what is at ${jsonPointer} is not a number`);
}
