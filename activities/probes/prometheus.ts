/**
 * The `prometheus` probe: one instant query to a Prometheus server.
 *
 * Owns what of the server's answers is a value: exactly one finite sample, without warnings, and fresh where its age can
 * be known. Everything else is no data. Its own small client, because the usual one reads `+Inf` as NaN and follows redirects.
 */
import { z } from 'zod';
import type { Reading } from '../../domain/probe.ts';
import { formatDuration } from '../../domain/units.ts';
import { writtenDuration } from '../../domain/written-duration.ts';
import { boundedGet } from './bounded-fetch.ts';
import type { ProbeCommon, ProbeProvider } from './probe.ts';
import { noData, reading, reasonOf } from './reading.ts';
import { credentialHeaders, httpSettings, missingSecrets } from './secret.ts';
import { isSelector } from './selector.ts';

const QUERY_MAX = 4096;
/**
 * How old the sample of a plain selector may be where nothing is said, in milliseconds: two scrapes at Prometheus' default of
 * a minute, and some slack. The server itself goes back 5m.
 */
const AGE_MAX_MS = 150_000;
const query = z.string().min(1).max(QUERY_MAX);

const settings = z
  .strictObject({
    ...httpSettings,
    query: query.describe('PromQL that answers with one series, or a scalar.'),
    maxAge: writtenDuration
      .optional()
      .describe(
        'No data when the newest sample behind the query is older than this. Default: 2m30s where the query is a plain selector.',
      ),
    freshness: query
      .refine(isSelector, 'expected a plain selector, as in http_requests_total{job="shop"}')
      .optional()
      .describe('The series whose age `maxAge` judges. Default: the query itself, where it is a plain selector.'),
  })
  .refine((probe) => probe.maxAge === undefined || probe.freshness !== undefined || isSelector(probe.query), {
    error: 'maxAge needs freshness where the query is not a plain selector: the age of a computed value is always 0',
    path: ['freshness'],
  })
  .refine((probe) => probe.freshness === undefined || probe.maxAge !== undefined, {
    error: 'freshness needs maxAge',
    path: ['maxAge'],
  });

/** The settings of a `prometheus` probe. */
export type PrometheusSettings = z.infer<typeof settings>;

/** Reads Prometheus servers and what speaks their API. */
export const provider: ProbeProvider<PrometheusSettings> = {
  type: 'prometheus',
  settings,
  check: missingSecrets,
  open: (prometheus, common) => ({
    read: async (signal) => {
      try {
        return await read(prometheus, common, signal);
      } catch (error) {
        return noData(reasonOf(error));
      }
    },
  }),
};

async function read(prometheus: PrometheusSettings, common: ProbeCommon, signal: AbortSignal): Promise<Reading> {
  const headers = await credentialHeaders(prometheus);
  const ask = (promql: string): Promise<Reading> =>
    instant(prometheus.url, promql, { timeoutMs: common.timeoutMs, signal, headers });
  const maxAge = prometheus.maxAge ?? (isSelector(prometheus.query) ? AGE_MAX_MS : undefined);
  if (maxAge === undefined) return scaled(await ask(prometheus.query), common);
  // The newest, not the oldest: a replica that the fault took away must not silence the replicas that are left.
  const age = `min(time() - timestamp(${prometheus.freshness ?? prometheus.query}))`;
  const [answer, ageS] = await Promise.all([ask(prometheus.query), ask(age)]);
  if (!answer.ok) return answer;
  if (!ageS.ok) return noData(`the age of the data is not known: ${ageS.why}`);
  const ageMs = Math.round(ageS.value * 1000);
  if (ageMs > maxAge)
    return noData(`the data is ${formatDuration(ageMs)} old, and maxAge is ${formatDuration(maxAge)}`);
  return scaled(answer, common);
}

function scaled(answer: Reading, { scale }: ProbeCommon): Reading {
  return answer.ok ? reading(answer.value, scale) : answer;
}

async function instant(server: string, promql: string, bounds: Parameters<typeof boundedGet>[1]): Promise<Reading> {
  const url = new URL(server);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/api/v1/query`;
  url.searchParams.set('query', promql);
  // The server gives up as well, so that a slow query does not go on for nobody.
  url.searchParams.set('timeout', `${Math.ceil(bounds.timeoutMs)}ms`);
  const fetched = await boundedGet(url.href, bounds);
  if (!fetched.ok) return noData(fetched.failure.why);
  const { status, body } = fetched.answer;
  const parsed = parseAnswer(body);
  if (parsed === undefined) return noData(`the server answered with status ${status} and not in Prometheus' format`);
  if (parsed.status === 'error')
    return noData(`the server refused the query (${status}): ${parsed.error.slice(0, 150)}`);
  if (status !== 200) return noData(`the server answered with status ${status}`);
  if (parsed.isPartial === true) return noData('the answer is partial');
  const warning = parsed.warnings?.[0];
  return warning === undefined ? oneValue(parsed.data) : noData(`the server warns: ${warning.slice(0, 150)}`);
}

const sample = z.tuple([z.number(), z.string()]);
const data = z.discriminatedUnion('resultType', [
  z.object({ resultType: z.literal('vector'), result: z.array(z.object({ value: sample.optional() })) }),
  z.object({ resultType: z.literal('scalar'), result: sample }),
  z.object({ resultType: z.enum(['matrix', 'string', 'streams']), result: z.unknown() }),
]);
const answer = z.discriminatedUnion('status', [
  z.object({
    status: z.literal('success'),
    data,
    warnings: z.array(z.string()).optional(),
    isPartial: z.boolean().optional(),
  }),
  z.object({ status: z.literal('error'), error: z.string().default('no reason given') }),
]);

function parseAnswer(body: string): z.infer<typeof answer> | undefined {
  try {
    return answer.safeParse(JSON.parse(body)).data;
  } catch {
    return undefined;
  }
}

function oneValue(found: z.infer<typeof data>): Reading {
  if (found.resultType === 'scalar') return finite(found.result[1]);
  if (found.resultType !== 'vector') return noData(`the query answers with a ${found.resultType}, not with one value`);
  const [first, ...more] = found.result;
  if (first === undefined) return noData('the query answers with no series');
  if (more.length > 0) return noData(`the query answers with ${found.result.length} series, not with one`);
  return first.value === undefined ? noData('the query answers with a histogram') : finite(first.value[1]);
}

function finite(text: string): Reading {
  const value = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text) ? Number(text) : NaN;
  return Number.isFinite(value) ? { ok: true, value } : noData(`it read ${text.slice(0, 30)}`);
}
